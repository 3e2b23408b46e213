//! The few statistics that pictures need: normal density, histograms, bins of equal occupancy, ROC.

use std::f64::consts::PI;

/// Standard normal density.
pub(super) fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// How many finite values lie in each of `bins` equal bins of [low, high); the last one includes `high`.
pub(super) fn histogram(values: impl Iterator<Item = f64>, low: f64, high: f64, bins: usize) -> Vec<f64> {
    let mut counts = vec![0.0; bins];
    for value in values.filter(|v| v.is_finite() && *v >= low && *v <= high) {
        let bin = ((value - low) / (high - low) * bins as f64) as usize;
        if let Some(count) = counts.get_mut(bin.min(bins.saturating_sub(1))) {
            *count += 1.0;
        }
    }
    counts
}

/// The edges of equal bins.
pub(super) fn edges(low: f64, high: f64, bins: usize) -> Vec<f64> {
    (0..=bins).map(|i| low + (high - low) * i as f64 / bins.max(1) as f64).collect()
}

/// The outline of a histogram.
pub(super) fn steps(edges: &[f64], heights: &[f64]) -> Vec<(f64, f64)> {
    edges.windows(2).zip(heights).flat_map(|(e, h)| e.iter().map(|x| (*x, *h))).collect()
}

/// Indices in bins of about equal occupancy by ascending key; equal keys never part, so bins may be fewer.
pub(super) fn quantile_bins(keys: &[f64], bins: usize, least: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<(f64, usize)> =
        keys.iter().copied().enumerate().filter(|(_, k)| k.is_finite()).map(|(i, k)| (k, i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = (order.len() / bins.max(1)).max(least).max(1);
    let mut result: Vec<Vec<usize>> = Vec::new();
    let mut last = f64::NAN;
    for (key, index) in order {
        match result.last_mut() {
            Some(bin) if bin.len() < size || key == last => bin.push(index),
            _ => result.push(vec![index]),
        }
        last = key;
    }
    if let [.., _, small] = result.as_slice()
        && small.len() < least
    {
        let small = result.pop().unwrap_or_default();
        if let Some(bin) = result.last_mut() {
            bin.extend(small);
        }
    }
    result
}

/// The curve (false-match rate, true-match rate) over all thresholds "distance ≤ t", from (0, 0) to (1, 1), and the
/// area under it: the probability that a pair of one class is nearer than a pair of two, ties counted half
/// (Mann and Whitney 1947; Fawcett 2006, algorithm 3). `None` unless both kinds have finite distances.
pub(super) fn roc(same: &[f32], different: &[f32]) -> Option<(Vec<(f64, f64)>, f64)> {
    let labelled =
        |values: &[f32], label: bool| values.iter().filter(|v| v.is_finite()).map(|v| (*v, label)).collect::<Vec<_>>();
    let (same, different) = (labelled(same, true), labelled(different, false));
    let (positives, negatives) = (same.len() as f64, different.len() as f64);
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut all = [same, different].concat();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut curve, mut area) = (vec![(0.0, 0.0)], 0.0);
    let (mut hits, mut alarms, mut x0, mut y0) = (0.0, 0.0, 0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let same = tied.iter().filter(|(_, same)| *same).count() as f64;
        hits += same;
        alarms += tied.len() as f64 - same;
        let (x, y) = (alarms / negatives, hits / positives);
        area += (x - x0) * (y + y0) / 2.0;
        (x0, y0) = (x, y);
        curve.push((x, y));
    }
    Some((curve, area))
}

/// At most about `most` points of a curve, keeping its first and last.
pub(super) fn thin(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(most.max(2)).max(1);
    let mut kept: Vec<(f64, f64)> = points.iter().copied().step_by(stride).collect();
    if let (Some(last), Some(kept_last)) = (points.last(), kept.last())
        && last != kept_last
    {
        kept.push(*last);
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_area_under_the_roc_is_the_share_of_pairs_in_order() {
        // Pairs (same, different): 1<2 1<3 2=2 2<3 → (1 + 1 + ½ + 1) / 4.
        let (curve, area) = roc(&[1.0, 2.0], &[2.0, 3.0]).unwrap();
        assert_eq!(area, 0.875);
        assert_eq!(curve, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert!(roc(&[f32::NAN], &[1.0]).is_none());
    }

    #[test]
    fn bins_keep_equal_keys_together() {
        let keys = [1.0, 2.0, 2.0, 2.0, 3.0, f64::NAN];
        assert_eq!(quantile_bins(&keys, 5, 1), [vec![0], vec![1, 2, 3], vec![4]]);
        assert_eq!(quantile_bins(&keys, 5, 2), [vec![0, 1, 2, 3, 4]]);
        assert!(quantile_bins(&[], 5, 1).is_empty());
    }

    #[test]
    fn a_histogram_holds_its_upper_edge_and_drops_what_lies_outside() {
        assert_eq!(histogram([0.0, 0.4, 0.5, 1.0, 1.1, f64::NAN].into_iter(), 0.0, 1.0, 2), [2.0, 2.0]);
    }
}
