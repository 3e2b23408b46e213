//! A density on an interval as a Chebyshev series of its integral.
//!
//! Trefethen: Approximation Theory and Approximation Practice, ch. 3 and 19.
#![allow(clippy::indexing_slicing)] // Proven: arrays of fixed sizes, indices below them.

use std::f64::consts::PI;

/// Points at which a density is looked at.
pub(super) const NODES: usize = 16;

/// Chebyshev points of the first kind, ascending.
pub(super) fn nodes() -> impl Iterator<Item = f64> {
    (0..NODES).map(|at| -(PI * (at as f64 + 0.5) / NODES as f64).cos())
}

/// The integral of a density from the lower end of an interval on.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub lo: f64,
    pub hi: f64,
    integral: [f64; NODES + 1],
    error: f64,
}

impl Series {
    /// From the density at the nodes, times half the width of the interval.
    pub fn new(lo: f64, hi: f64, values: &[f64]) -> Series {
        let mut density = [0.0; NODES + 2];
        for (order, coefficient) in density.iter_mut().take(NODES).enumerate() {
            let angle = |at: usize| order as f64 * PI * (NODES as f64 - at as f64 - 0.5) / NODES as f64;
            let sum: f64 = values.iter().enumerate().map(|(at, value)| value * angle(at).cos()).sum();
            *coefficient = sum * if order == 0 { 1.0 } else { 2.0 } / NODES as f64;
        }
        let mut integral = [0.0; NODES + 1];
        for order in 1..=NODES {
            let before = density[order - 1] * if order == 1 { 2.0 } else { 1.0 };
            integral[order] = (before - density[order + 1]) / (2 * order) as f64;
        }
        let sign = |order: usize| if order.is_multiple_of(2) { 1.0 } else { -1.0 };
        integral[0] = -(1..=NODES).map(|order| integral[order] * sign(order)).sum::<f64>();
        let error = density[NODES - 4..NODES].iter().map(|coefficient| coefficient.abs()).fold(0.0, f64::max);
        Series { lo, hi, integral, error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    /// What the series leaves out, about.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// The integral over the interval.
    pub fn mass(&self) -> f64 {
        self.value(1.0)
    }

    /// Clenshaw's sum at t in [-1, 1].
    fn value(&self, t: f64) -> f64 {
        let (mut next, mut after) = (0.0, 0.0);
        for order in (1..=NODES).rev() {
            (next, after) = (self.integral[order] + 2.0 * t * next - after, next);
        }
        self.integral[0] + t * next - after
    }

    /// Where the integral has a value: by secants between ends that keep it between them, of which the one that stays
    /// counts half (the Illinois rule), and by halving where these are slow.
    pub fn at(&self, mass: f64) -> f64 {
        let (mut lo, mut hi) = (-1.0, 1.0);
        let (mut below, mut above) = (-mass, self.mass() - mass);
        let mut t = 0.0;
        for step in 0..80 {
            let secant = (lo * above - hi * below) / (above - below);
            t = if step < 20 && secant > lo && secant < hi { secant } else { f64::midpoint(lo, hi) };
            let value = self.value(t) - mass;
            if value == 0.0 || hi - lo <= 2.0 * f64::EPSILON {
                break;
            }
            if value < 0.0 {
                (lo, below, above) = (t, value, above / 2.0);
            } else {
                (hi, above, below) = (t, value, below / 2.0);
            }
        }
        (self.lo / 2.0 + self.hi / 2.0 + t * (self.hi / 2.0 - self.lo / 2.0)).clamp(self.lo, self.hi)
    }
}
