//! Norms and angles of vectors without overflow, underflow or cancellation.

/// (scale, s) with Σx² = scale²·s, where scale is a power of two and s is in [1, 4n) (or 0, ∞, NaN with scale 1).
pub fn scaled_sum_of_squares(x: &[f64]) -> (f64, f64) {
    let scale = power_of_two(x);
    (scale, x.iter().map(|v| (v / scale) * (v / scale)).sum())
}

/// The power of two at or below the largest magnitude; 1 when that is 0 or not finite.
fn power_of_two(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || largest == f64::INFINITY {
        return 1.0;
    }
    if largest < f64::MIN_POSITIVE {
        return f64::MIN_POSITIVE;
    }
    f64::from_bits(largest.to_bits() & 0x7ff0_0000_0000_0000)
}

/// √Σx², exact to rounding at 1e200 and at 1e-320.
pub fn norm(x: &[f64]) -> f64 {
    let (scale, sum) = scaled_sum_of_squares(x);
    scale * sum.sqrt()
}

/// An unevaluated sum of two f64, about 106 bits (Dekker 1971).
#[derive(Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    const ZERO: Double = Double { high: 0.0, low: 0.0 };

    fn product(a: f64, b: f64) -> Double {
        let high = a * b;
        Double { high, low: a.mul_add(b, -high) }
    }

    fn add(self, other: Double) -> Double {
        let high = self.high + other.high;
        let back = high - self.high;
        let error = (self.high - (high - back)) + (other.high - back);
        let low = error + self.low + other.low;
        let sum = high + low;
        Double { high: sum, low: low - (sum - high) }
    }

    fn times(self, b: f64) -> Double {
        let product = Double::product(self.high, b);
        Double { high: product.high, low: self.low.mul_add(b, product.low) }
    }

    fn negative(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }

    fn value(self) -> f64 {
        self.high + self.low
    }
}

fn dot(a: &[f64], b: &[f64]) -> Double {
    a.iter().zip(b).fold(Double::ZERO, |sum, (x, y)| sum.add(Double::product(*x, *y)))
}

/// What both the distance and its gradient need: a and b scaled by powers of two, |a|², |b|², a·b, and the part of b across
/// a times |a|², component by component without cancellation.
struct Angle {
    scale: f64,
    aa: f64,
    bb: f64,
    ab: f64,
    across: Vec<f64>,
}

impl Angle {
    fn new(a: &[f64], b: &[f64]) -> Angle {
        let (p, q) = (power_of_two(a), power_of_two(b));
        let a: Vec<f64> = a.iter().map(|v| v / p).collect();
        let b: Vec<f64> = b.iter().map(|v| v / q).collect();
        let (aa, bb, ab) = (dot(&a, &a), dot(&b, &b), dot(&a, &b));
        let across = a.iter().zip(&b).map(|(x, y)| aa.times(*y).add(ab.times(*x).negative()).value()).collect();
        Angle { scale: p, aa: aa.value(), bb: bb.value(), ab: ab.value(), across }
    }
}

/// 1 − a·b/(|a||b|); 1 when either is 0. For an acute angle as |across|²/(|a|²·(|a||b|)·(|a||b| + a·b)), which keeps small
/// angles.
pub fn cosine_distance(a: &[f64], b: &[f64]) -> f64 {
    let angle = Angle::new(a, b);
    let lengths = (angle.aa * angle.bb).sqrt();
    if lengths == 0.0 {
        return 1.0;
    }
    if angle.ab <= 0.0 {
        return 1.0 - angle.ab / lengths;
    }
    let (scale, sum) = scaled_sum_of_squares(&angle.across);
    scale * (sum / (angle.aa * lengths * (lengths + angle.ab))) * scale
}

/// The gradient of `cosine_distance` in `a` (swap the arguments for b), written to `out`, which has a's length; 0 when
/// either is 0. It is −across/(|a|³·|b|).
pub fn cosine_distance_grad(a: &[f64], b: &[f64], out: &mut [f64]) {
    let angle = Angle::new(a, b);
    let lengths = (angle.aa * angle.bb).sqrt();
    for (slot, across) in out.iter_mut().zip(&angle.across) {
        *slot = if lengths == 0.0 { 0.0 } else { -across / (angle.aa * lengths) / angle.scale };
    }
}
