//! Every figure on six rows, against Python's `math` and `statistics` (formulas written out there from their definitions).

use std::collections::BTreeMap;

use super::predictive::View;
use super::*;
use crate::data::options::Part;

/// Six counts of a unit, and a second unit that was silent in training and has no constant rate to compare with.
fn counted() -> View {
    let y = [0.0, 1.0, 2.0, 0.0, 3.0, 1.0];
    let mean = [0.5, 1.0, 2.0, 0.5, 2.0, 1.0];
    // Poisson: y·ln m − m − ln y!, with ln 2! = ln 2 and ln 3! = ln 6.
    let log = [-0.5, -1.0, -1.306_852_819_440_054_4, -0.5, -1.712_317_927_548_219_7, -1.0];
    let beside = |values: &[f64], silent: f64| values.iter().flat_map(|&x| [x, silent]).collect::<Vec<f64>>();
    View {
        family: "poisson".into(),
        observed: "k".into(),
        discrete: true,
        width: 2,
        y: beside(&y, 1.0),
        log_density: beside(&log, -7.0),
        mean: Some(beside(&mean, 1.0)),
        variance: Some(beside(&mean, 1.0)),
        cdf: None,
    }
}

/// Six observations of one normal quantity.
fn measured() -> View {
    View {
        family: "normal".into(),
        observed: "x".into(),
        discrete: false,
        width: 1,
        y: vec![1.0, -0.5, 2.0, 0.0, 3.5, -2.0],
        log_density: Vec::new(),
        mean: Some(vec![0.5, 0.0, 1.0, 0.0, 1.0, -1.0]),
        variance: Some(vec![1.0, 1.0, 4.0, 0.25, 1.0, 4.0]),
        // NormalDist(mean, sd).cdf(y)
        cdf: Some(vec![
            0.691_462_461_274_013_1,
            0.308_537_538_725_986_9,
            0.691_462_461_274_013_1,
            0.5,
            0.993_790_334_674_223_8,
            0.308_537_538_725_986_9,
        ]),
    }
}

fn facts(name: &str, means: &[f64], variances: &[f64]) -> TrainFacts {
    let of = |values: &[f64]| BTreeMap::from([(name.to_owned(), values.to_vec())]);
    TrainFacts { means: of(means), variances: of(variances) }
}

fn scene<'a>(view: View, train: &'a TrainFacts, oracle: Option<&'a Oracle>) -> Scene<'a> {
    Scene {
        part: Part::Test,
        events: None,
        rows: &[0, 1, 2, 3, 4, 5],
        views: vec![view],
        train,
        oracle,
        units: None,
        faces: None,
        levels: &[0.5, 0.9],
    }
}

/// The true rates of the first three rows; the others have none.
fn truth() -> Oracle {
    let rates = [0.4, 1.1, 2.2];
    let by_time = (0..).zip(rates).map(|(row, rate)| (row, vec![rate, 1.0])).collect();
    Oracle { width: 2, by_time, times: (0..6).collect() }
}

fn figures(metric: &str, scene: &Scene<'_>) -> Vec<Figure> {
    (super::metric(metric).unwrap().figures)(scene).unwrap()
}

fn close(found: &[Figure], expected: &[(&str, f64)]) {
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-13, "{name}: {found}, by hand {expected}");
    }
}

#[test]
fn counts_against_the_constant_rate() {
    let (train, truth) = (facts("k", &[1.2, 0.0], &[1.0, 0.0]), truth());
    let scene = scene(counted(), &train, Some(&truth));
    close(&figures("bits_per_spike", &scene), &[("bits_per_spike", 0.492_471_166_763_033_65)]);
    close(&figures("pseudo_r2", &scene), &[("pseudo_r2", 0.662_663_423_866_117_1)]);
    // The oracle's three rows alone.
    let expected =
        [("oracle_bits_per_spike", 0.493_045_949_886_508_96), ("fraction_of_oracle", 0.916_186_606_204_047_6)];
    close(&figures("oracle", &scene), &expected);
    // ¼ over the six of the first unit; the second is as predicted.
    close(&figures("dispersion", &scene), &[("dispersion", 0.125)]);
    let baselines = counts::baselines(&scene).unwrap();
    let found: Vec<Figure> = baselines.iter().map(|b| (format!("{} {}", b.name, b.metric), b.value)).collect();
    let expected = [
        ("constant rate nll", 1.401_442_625_371_719_8),
        ("constant rate bits_per_spike", 0.0),
        ("true rates bits_per_spike", 0.493_045_949_886_508_96),
    ];
    close(&found, &expected);
}

#[test]
fn true_rates_of_other_units_are_refused_and_not_passed_over() {
    let train = facts("k", &[1.2, 0.0], &[1.0, 0.0]);
    let truth = Oracle { width: 3, ..truth() };
    let scene = scene(counted(), &train, Some(&truth));
    assert!(counts::oracle(&scene).is_err() && counts::baselines(&scene).is_err());
}

#[test]
fn continuous_quantities_against_what_was_predicted() {
    let train = facts("x", &[0.25], &[2.25]);
    let scene = scene(measured(), &train, None);
    close(&figures("rmse", &scene), &[("rmse", 1.207_614_728_849_12)]);
    close(&figures("dispersion", &scene), &[("dispersion", 1.208_333_333_333_333_3)]);
    close(&figures("pseudo_r2", &scene), &[("pseudo_r2", 0.559_748_427_672_956)]);
    // All but the fifth lie between the quartiles, and all but it between 5 and 95 %.
    close(&figures("calibration", &scene), &[("coverage_0.5", 5.0 / 6.0), ("coverage_0.9", 5.0 / 6.0)]);
    let baselines = continuous::baselines(&scene);
    assert_eq!((baselines.len(), baselines[0].metric.as_str()), (1, "nll"));
    assert!((baselines[0].value - 2.060_514_752_423_948_4).abs() < 1e-13);
    let (name, diagnostics) = continuous::diagnostics(&scene).remove(0);
    assert_eq!((name.as_str(), diagnostics.names.as_slice()), ("x", &["x".to_owned()][..]));
    assert!((f64::from(diagnostics.cdf[4]) - 0.993_790_334_674_223_8).abs() < 1e-7);
    assert_eq!(diagnostics.sd, [1.0, 1.0, 2.0, 0.5, 1.0, 2.0]);
}

#[test]
fn a_figure_that_would_be_nothing_by_nothing_is_left_out() {
    let silent = View { y: vec![0.0; 12], ..counted() };
    let train = facts("k", &[0.0, 0.0], &[0.0, 0.0]);
    let scene_of_silence = scene(silent, &train, None);
    assert_eq!(figures("bits_per_spike", &scene_of_silence), []);
    assert_eq!(figures("pseudo_r2", &scene_of_silence), []);
    assert!(counts::baselines(&scene_of_silence).unwrap().is_empty());
    // One training row has no spread.
    let train = facts("x", &[1.0], &[0.0]);
    assert!(continuous::baselines(&scene(measured(), &train, None)).is_empty());
}
