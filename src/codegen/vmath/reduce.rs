//! Sums, dot products and maxima of blocks, accumulated in f64.
//!
//! Elements go to 16 accumulators by position and those are added pairwise, so that the result depends on the data and its
//! length alone, never on the machine.

/// Accumulators side by side.
const LANES: usize = 16;

fn pairwise(mut sums: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

macro_rules! reductions {
    ($element:ident, $sum:ident, $dot:ident, $max:ident) => {
        /// Σx, in f64.
        pub fn $sum(x: &[$element]) -> f64 {
            let mut sums = [0.0; LANES];
            for block in x.chunks(LANES) {
                for (sum, v) in sums.iter_mut().zip(block) {
                    *sum += f64::from(*v);
                }
            }
            pairwise(sums)
        }

        /// Σxy over the shorter of the two, in f64.
        pub fn $dot(x: &[$element], y: &[$element]) -> f64 {
            let mut sums = [0.0; LANES];
            for (a, b) in x.chunks(LANES).zip(y.chunks(LANES)) {
                for (sum, (u, v)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum += f64::from(*u) * f64::from(*v);
                }
            }
            pairwise(sums)
        }

        /// The largest element; −∞ of none, NaN if any is.
        pub fn $max(x: &[$element]) -> $element {
            x.iter().fold($element::NEG_INFINITY, |m, v| if *v > m || v.is_nan() { *v } else { m })
        }
    };
}

reductions!(f32, sum_f32, dot_f32, max_f32);
reductions!(f64, sum_f64, dot_f64, max_f64);
