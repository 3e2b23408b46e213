//! Intervals: the sets of values an expression can take.
//!
//! An [`Interval`] has exact ends, each open or closed, and knows whether its members are whole numbers and whether
//! zero can occur. Arithmetic on intervals is *sound*: the result contains every value the operation can give for
//! any members of the arguments (as if the arguments varied independently). Ends computed in floating point are
//! exact here because they are 0, ±1, ±∞ or the program's own literals; an end that had to be rounded is widened.

use std::fmt;

use crate::diag::number;

/// A set of reals: the members between two ends, whole numbers only when `integral`, without 0 when `!zero`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Whether the lower end itself is excluded (always for −∞).
    pub lo_open: bool,
    /// Whether the upper end itself is excluded (always for +∞).
    pub hi_open: bool,
    /// Whole numbers only.
    pub integral: bool,
    /// Whether 0 can occur (`false` for `x ≠ 0`, and wherever the ends exclude it).
    pub zero: bool,
}

/// Lower and upper end together with their openness: the arithmetic below works on ends.
type End = (f64, bool);

impl Interval {
    /// All reals.
    pub const REAL: Interval = Interval::make(f64::NEG_INFINITY, true, f64::INFINITY, true, false);
    /// (0, ∞)
    pub const POSITIVE: Interval = Interval::make(0.0, true, f64::INFINITY, true, false);
    /// [0, ∞)
    pub const NONNEG: Interval = Interval::make(0.0, false, f64::INFINITY, true, false);
    /// (−∞, 0]
    pub const NONPOS: Interval = Interval::make(f64::NEG_INFINITY, true, 0.0, false, false);
    /// (0, 1)
    pub const UNIT: Interval = Interval::make(0.0, true, 1.0, true, false);
    /// [0, 1]
    pub const PROB: Interval = Interval::make(0.0, false, 1.0, false, false);
    /// 0, 1, 2, …
    pub const COUNT: Interval = Interval::make(0.0, false, f64::INFINITY, true, true);
    /// Whole numbers.
    pub const INT: Interval = Interval::make(f64::NEG_INFINITY, true, f64::INFINITY, true, true);
    /// [−1, 1]
    pub const SIGNED_UNIT: Interval = Interval::make(-1.0, false, 1.0, false, false);
    /// [−π, π]
    pub const ANGLE: Interval = Interval::make(-std::f64::consts::PI, false, std::f64::consts::PI, false, false);
    /// No number.
    pub const EMPTY: Interval = Interval::make(0.0, true, 0.0, true, false);
    /// 0 and 1.
    pub const BOOL: Interval = Interval::make(0.0, false, 1.0, false, true);

    const fn make(lo: f64, lo_open: bool, hi: f64, hi_open: bool, integral: bool) -> Interval {
        let zero = (lo < 0.0 || (lo == 0.0 && !lo_open)) && (hi > 0.0 || (hi == 0.0 && !hi_open));
        Interval { lo, hi, lo_open, hi_open, integral, zero }
    }

    /// The interval with these ends; infinite ends are open unless infinity is all there is, integral ends are tightened.
    pub const fn new(lo: f64, lo_open: bool, hi: f64, hi_open: bool, integral: bool) -> Interval {
        let (mut lo, mut lo_open) = if lo.is_nan() { (f64::NEG_INFINITY, true) } else { (lo, lo_open) };
        let (mut hi, mut hi_open) = if hi.is_nan() { (f64::INFINITY, true) } else { (hi, hi_open) };
        if integral && lo.is_finite() {
            let lo_end = outwards(lo, -1.0);
            lo = if lo_open { lo_end.floor() + 1.0 } else { lo_end.ceil() };
            lo_open = false;
        }
        if integral && hi.is_finite() {
            let hi_end = outwards(hi, 1.0);
            hi = if hi_open { hi_end.ceil() - 1.0 } else { hi_end.floor() };
            hi_open = false;
        }
        // Infinity alone is a point: `-inf` is one value, not none.
        let several = lo != hi;
        lo_open |= several && lo.is_infinite();
        hi_open |= several && hi.is_infinite();
        Interval::make(lo, lo_open, hi, hi_open, integral)
    }

    /// The closed interval [lo, hi].
    pub const fn closed(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, false, hi, false, false)
    }

    /// The open interval (lo, hi).
    pub const fn open(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, true, hi, true, false)
    }

    /// The one value `value`.
    pub fn point(value: f64) -> Interval {
        if value.is_finite() {
            Interval::new(value, false, value, false, value.fract() == 0.0)
        } else {
            Interval { lo: value, hi: value, lo_open: false, hi_open: false, integral: false, zero: false }
        }
    }

    /// The whole numbers lo … hi.
    pub fn integers(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, false, hi, false, true)
    }

    /// The same set without 0.
    #[must_use]
    pub fn without_zero(self) -> Interval {
        let lo_open = self.lo_open || self.lo == 0.0;
        let hi_open = self.hi_open || self.hi == 0.0;
        Interval { zero: false, ..Interval::new(self.lo, lo_open, self.hi, hi_open, self.integral) }
    }

    /// The same ends, no longer known to be whole numbers.
    #[must_use]
    pub fn real(self) -> Interval {
        Interval { integral: false, ..self }
    }

    /// The members in words: "a number above 0", "a whole number, 0 or more".
    pub fn words(self) -> String {
        if self == Interval::BOOL {
            return "0 or 1, false or true".into();
        }
        let low = match (self.lo.is_infinite(), self.lo_open) {
            (true, _) => String::new(),
            (_, true) => format!(" above {}", number(self.lo)),
            (_, false) if self.hi.is_infinite() => format!(", {} or more", number(self.lo)),
            (_, false) => format!(" from {}", number(self.lo)),
        };
        let high = match (self.hi.is_infinite(), self.hi_open) {
            (true, _) => String::new(),
            (_, end) => {
                let and = if low.is_empty() { "" } else { " and" };
                let word = match (end, self.lo_open) {
                    (true, _) => format!("{and} below"),
                    (false, true) => format!("{and} at most"),
                    (false, false) => " to".into(),
                };
                format!("{word} {}", number(self.hi))
            }
        };
        let kind = if self.integral { "whole" } else { "finite" };
        match (low.is_empty() && high.is_empty(), self.integral) {
            (true, _) => format!("a {kind} number"),
            (false, true) => format!("a whole number{low}{high}"),
            (false, false) => format!("a number{low}{high}"),
        }
    }

    /// The value when there is only one.
    pub fn as_point(self) -> Option<f64> {
        (self.lo == self.hi).then_some(self.lo)
    }

    /// No member at all.
    pub fn is_empty(self) -> bool {
        self.lo > self.hi || (self.lo == self.hi && (self.lo_open || self.hi_open))
    }

    /// Every member is > 0.
    pub fn is_positive(self) -> bool {
        self.lo > 0.0 || (self.lo == 0.0 && (self.lo_open || !self.zero))
    }

    /// Every member is ≥ 0.
    pub fn is_nonneg(self) -> bool {
        self.lo >= 0.0
    }

    /// Every member is < 0.
    pub fn is_negative(self) -> bool {
        self.hi < 0.0 || (self.hi == 0.0 && (self.hi_open || !self.zero))
    }

    /// Every member is ≤ 0.
    pub fn is_nonpos(self) -> bool {
        self.hi <= 0.0
    }

    /// 0 is no member.
    pub fn is_nonzero(self) -> bool {
        !self.zero
    }

    /// Both ends are finite.
    pub fn is_bounded(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// Every member of `self` is a member of `other`.
    pub fn is_subset(self, other: Interval) -> bool {
        if self.is_empty() {
            return true;
        }
        let low = self.lo > other.lo || (self.lo == other.lo && (self.lo_open || !other.lo_open));
        let high = self.hi < other.hi || (self.hi == other.hi && (self.hi_open || !other.hi_open));
        low && high && (self.integral || !other.integral) && (!self.zero || other.zero)
    }

    /// Whether a number is a member.
    pub fn contains(self, x: f64) -> bool {
        let low = x > self.lo || (x == self.lo && !self.lo_open);
        let high = x < self.hi || (x == self.hi && !self.hi_open);
        low && high && (!self.integral || x.fract() == 0.0) && (x != 0.0 || self.zero)
    }

    /// Whether a member stays one when it and the ends are rounded to `f32`: 1e39 becomes infinite there, 1e-50 becomes 0.
    pub fn contains_as_f32(self, x: f64) -> bool {
        let round = |x: f64| f64::from(x as f32);
        Interval { lo: round(self.lo), hi: round(self.hi), ..self }.contains(round(x))
    }

    /// The smallest interval that contains both.
    #[must_use]
    pub fn union(self, other: Interval) -> Interval {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let (lo, lo_open) = low_end((self.lo, self.lo_open), (other.lo, other.lo_open));
        let (hi, hi_open) = high_end((self.hi, self.hi_open), (other.hi, other.hi_open));
        let hull = Interval::new(lo, lo_open, hi, hi_open, self.integral && other.integral);
        if self.zero || other.zero { hull } else { hull.without_zero() }
    }

    /// The members of both.
    #[must_use]
    pub fn intersect(self, other: Interval) -> Interval {
        let (lo, lo_open) = tighter_low((self.lo, self.lo_open), (other.lo, other.lo_open));
        let (hi, hi_open) = tighter_high((self.hi, self.hi_open), (other.hi, other.hi_open));
        let both = Interval::new(lo, lo_open, hi, hi_open, self.integral || other.integral);
        if self.zero && other.zero { both } else { both.without_zero() }
    }

    /// {−x}
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "sets of values, named like the operations on the values")]
    pub fn neg(self) -> Interval {
        let flipped = Interval::new(-self.hi, self.hi_open, -self.lo, self.lo_open, self.integral);
        if self.zero { flipped } else { flipped.without_zero() }
    }

    /// {x + y}
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "see neg")]
    pub fn add(self, other: Interval) -> Interval {
        let (lo, hi) =
            (widen(self.lo + other.lo, self.lo, other.lo, -1.0), widen(self.hi + other.hi, self.hi, other.hi, 1.0));
        Interval::new(
            lo,
            self.lo_open || other.lo_open,
            hi,
            self.hi_open || other.hi_open,
            self.integral && other.integral,
        )
    }

    /// {x·y}
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "see neg")]
    pub fn mul(self, other: Interval) -> Interval {
        let ends = |i: Interval| [(i.lo, i.lo_open), (i.hi, i.hi_open)];
        let mut lo: End = (f64::INFINITY, true);
        let mut hi: End = (f64::NEG_INFINITY, true);
        for a in ends(self) {
            for b in ends(other) {
                let product = end_product(a, b, self, other);
                lo = low_end(lo, product);
                hi = high_end(hi, product);
            }
        }
        let result = Interval::new(lo.0, lo.1, hi.0, hi.1, self.integral && other.integral);
        if self.zero || other.zero { result } else { result.without_zero() }
    }

    /// {1/x}, for x ≠ 0.
    #[must_use]
    pub fn recip(self) -> Interval {
        if self.lo >= 0.0 {
            let hi = if self.lo == 0.0 { f64::INFINITY } else { 1.0 / self.lo };
            let lo = if self.hi.is_infinite() { 0.0 } else { 1.0 / self.hi };
            Interval::new(lo, self.hi_open, hi, self.lo_open || self.lo == 0.0, false).without_zero()
        } else if self.hi <= 0.0 {
            self.neg().recip().neg()
        } else {
            Interval::REAL.without_zero()
        }
    }

    /// The image under a nondecreasing (strictly: `strict`) function given at the ends. At infinite ends the
    /// function must return its limit. A closed end stays closed; an open one too unless the function is flat there.
    #[must_use]
    pub fn monotone(self, f: impl Fn(f64) -> f64, strict: bool) -> Interval {
        let open = |is_open: bool| is_open && strict;
        Interval::new(f(self.lo), open(self.lo_open), f(self.hi), open(self.hi_open), false)
    }
}

/// An end that may have been rounded inwards, like (√3)² = 2.9999999999999996: a few steps outwards, unless it is whole.
const fn outwards(x: f64, direction: f64) -> f64 {
    if x == x.trunc() { x } else { x + direction * 8.0 * f64::EPSILON * x.abs() }
}

fn widen(sum: f64, a: f64, b: f64, direction: f64) -> f64 {
    // Exact when the error of the addition is zero (two-sum); otherwise one step outwards.
    if !sum.is_finite() {
        return sum;
    }
    let bb = sum - a;
    let error = (a - (sum - bb)) + (b - bb);
    if error * direction > 0.0 { if direction > 0.0 { sum.next_up() } else { sum.next_down() } } else { sum }
}

fn low_end(a: End, b: End) -> End {
    if a.0 < b.0 || (a.0 == b.0 && !a.1) { a } else { b }
}

fn high_end(a: End, b: End) -> End {
    if a.0 > b.0 || (a.0 == b.0 && !a.1) { a } else { b }
}

fn tighter_low(a: End, b: End) -> End {
    if a.0 > b.0 || (a.0 == b.0 && a.1) { a } else { b }
}

fn tighter_high(a: End, b: End) -> End {
    if a.0 < b.0 || (a.0 == b.0 && a.1) { a } else { b }
}

/// The product of two ends as an end. An end at 0 that is closed reaches 0 whatever the other is; 0·∞ is 0 (a limit
/// that is reached only if the zero is).
fn end_product(a: End, b: End, x: Interval, y: Interval) -> End {
    if a.0 == 0.0 || b.0 == 0.0 {
        let reached = (a.0 == 0.0 && !a.1 && !y.is_empty()) || (b.0 == 0.0 && !b.1 && !x.is_empty());
        return (0.0, !reached);
    }
    (a.0 * b.0, a.1 || b.1)
}

/// Names for the usual intervals; anything else prints as `(0, 2]`.
const NAMED: [(&str, Interval); 9] = [
    ("real", Interval::REAL),
    ("positive", Interval::POSITIVE),
    ("nonneg", Interval::NONNEG),
    ("unit", Interval::UNIT),
    ("prob", Interval::PROB),
    ("count", Interval::COUNT),
    ("int", Interval::INT),
    ("bool", Interval::BOOL),
    ("nonpos", Interval::NONPOS),
];

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().take(8).find(|(_, interval)| interval == self) {
            return f.write_str(name);
        }
        let prefix = if self.integral { "int" } else { "" };
        let (open, close) = (if self.lo_open { '(' } else { '[' }, if self.hi_open { ')' } else { ']' });
        let end = |x: f64| {
            if x.is_infinite() { (if x > 0.0 { "∞" } else { "-∞" }).to_string() } else { number(x + 0.0) }
        };
        write!(f, "{prefix}{open}{}, {}{close}", end(self.lo), end(self.hi))?;
        if !self.zero && self.lo < 0.0 && self.hi > 0.0 { f.write_str(" without 0") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_end_that_was_rounded_inwards_is_whole() {
        let square = Interval::closed(0.0, 3f64.sqrt() * 3f64.sqrt());
        assert!(square.hi < 3.0, "the platform rounds another way; take another root");
        assert!(square.intersect(Interval::COUNT).contains(3.0));
        assert!(!Interval::new(0.0, false, 3.0, true, true).contains(3.0));
        assert!(!Interval::new(2.0, true, 5.0, false, true).contains(2.0));
        assert!(!Interval::closed(0.0, 2.9).intersect(Interval::COUNT).contains(3.0));
    }
}
