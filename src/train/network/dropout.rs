//! Dropout whose masks are a function of (seed, step, layer, row, column) and of nothing else.
//!
//! So a resumed run, another number of threads and another split of the batch draw the same masks,
//! and no generator has to be saved. dfdx's own dropout draws from a device's stream and could not
//! be resumed.

use super::math;
use super::tape::{Pass, Value};

/// Where the masks of one pass come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Masks<'a> {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    /// The row of the whole batch that each row of this shard is.
    pub(crate) rows: &'a [u64],
}

/// A dropout layer: the probability, and its number among the network's dropout layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout {
    pub(super) p: f32,
    pub(super) layer: u64,
    pub(super) width: usize,
}

impl Dropout {
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Value {
        let Some(masks) = pass.dropout.filter(|_| self.p > 0.0) else {
            return x.clone();
        };
        let mut mask = pass.pool.buffer(x.data.len());
        self.fill(&mut mask, masks);
        let mut y = pass.pool.copy(&x.data);
        math::multiply(&mut y, &mask);
        let node = x.node.clone();
        pass.push(y, move |back, dy| match &node {
            Some(node) => {
                math::multiply(dy, &mask);
                back.add(node, dy)
            }
            None => Ok(()),
        })
    }

    fn fill(&self, mask: &mut [f32], masks: Masks<'_>) {
        let keep = 1.0 / (1.0 - self.p);
        // p · 2³², exactly: p has 24 significant bits.
        let below = (f64::from(self.p) * 4_294_967_296.0) as u64;
        let key = mix(mix(mix(masks.seed) ^ masks.step) ^ self.layer);
        for (row, index) in mask.chunks_exact_mut(self.width).zip(masks.rows) {
            let row_key = mix(key ^ index);
            for (column, m) in (0_u64..).zip(row) {
                let drawn = mix(row_key.wrapping_add(column.wrapping_mul(GOLDEN))) >> 32;
                *m = if drawn < below { 0.0 } else { keep };
            }
        }
    }
}

/// 2⁶⁴ / the golden ratio, odd: SplitMix64's increment.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser with its increment (Steele, Lea & Flood, 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(GOLDEN);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(p: f32, step: u64, layer: u64, rows: &[u64]) -> Vec<f32> {
        let mut mask = vec![0.0; rows.len() * 100];
        let layer = Dropout { p, layer, width: 100 };
        layer.fill(&mut mask, Masks { seed: 7, step, rows });
        mask
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs of SplitMix64 from state 0, as published with its reference code.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(GOLDEN), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_row_has_its_mask_wherever_it_is_computed() {
        let whole = mask(0.3, 5, 1, &[0, 1, 2, 3]);
        let part = mask(0.3, 5, 1, &[2, 3]);
        assert_eq!(whole.get(200..), Some(&part[..]));
        assert_ne!(whole, mask(0.3, 6, 1, &[0, 1, 2, 3]));
        assert_ne!(whole, mask(0.3, 5, 2, &[0, 1, 2, 3]));
    }

    #[test]
    fn the_expectation_is_kept() {
        let rows: Vec<u64> = (0..1000).collect();
        let mask = mask(0.3, 0, 0, &rows);
        let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 1e5;
        // Five standard errors of a fraction of 1e5.
        assert!((dropped - 0.3).abs() < 0.0073, "{dropped}");
        assert!(mask.iter().all(|&m| m == 0.0 || (m - 1.0 / 0.7).abs() < 1e-6));
    }
}
