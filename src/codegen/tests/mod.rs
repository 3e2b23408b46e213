//! Kernels against the interpreter on the same graphs, whose gradients are derived by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod programs;
mod schedules;

use super::{CompiledLoss, EvalError, Real, Want};
use crate::interpret;
use crate::ir::program::{Bindings, LossGraph, Outputs};

/// Numbers of rows around every vector width, with each possible remainder.
const ROWS: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 37];

/// Deterministic values in (−1, 1).
pub fn noise(seed: usize, count: usize) -> Vec<f64> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// A program with values for its inputs.
pub struct Case {
    pub loss: LossGraph,
    pub sizes: Vec<usize>,
    /// Values by input, for so many rows.
    pub values: fn(usize, usize) -> Vec<Vec<f64>>,
}

fn evaluate<T: Real>(case: &Case, rows: usize, values: &[Vec<f64>], seed: &[f64], threads: usize) -> Outputs<T> {
    let compiled = CompiledLoss::<T>::compile(&case.loss, &case.sizes).unwrap();
    let values: Vec<Vec<T>> = values.iter().map(|list| list.iter().map(|&x| T::from_f64(x)).collect()).collect();
    let seed: Vec<T> = seed.iter().map(|&x| T::from_f64(x)).collect();
    let mut sizes = case.sizes.clone();
    sizes[0] = rows;
    let bindings = Bindings { rows, inputs: values.iter().map(Vec::as_slice).collect(), sizes, seed: &seed };
    let mut out = Outputs::default();
    compiled.evaluate(&bindings, Want { gradients: true, per_row: true }, threads, &mut out).unwrap();
    let mut values_only = Outputs::default();
    compiled.evaluate(&bindings, Want::default(), threads, &mut values_only).unwrap();
    assert!(values_only.gradients.is_empty() && values_only.per_row.is_empty());
    for (a, b) in values_only.terms.iter().zip(&out.terms) {
        assert!(a.to_bits() == b.to_bits() || (a - b).abs() <= 1e-6 * a.abs().max(1.0), "{a} {b}");
    }
    out
}

fn close<T: Real>(what: &str, found: T, expected: f64, tolerance: f64) {
    let found = found.to_f64();
    let same = found == expected || (found.is_nan() && expected.is_nan());
    let near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
    assert!(same || near, "{what}: found {found}, expected {expected}");
}

fn compare<T: Real>(case: &Case, rows: usize, weighted: bool, tolerance: f64) {
    // The interpreter sees the inputs as the kernel does, rounded.
    let round = |x: f64| T::from_f64(x).to_f64();
    let values: Vec<Vec<f64>> =
        (case.values)(rows, 7).into_iter().map(|list| list.into_iter().map(round).collect()).collect();
    let seed: Vec<f64> =
        if weighted { noise(3, rows).into_iter().map(|x| round(x.abs() / rows as f64)).collect() } else { Vec::new() };
    let out = evaluate::<T>(case, rows, &values, &seed, 1);
    let mut sizes = case.sizes.clone();
    sizes[0] = rows;
    let inputs = values.iter().map(Vec::as_slice).collect();
    let expected = interpret::evaluate(&case.loss, &Bindings { rows, inputs, sizes, seed: &seed }, true, true).unwrap();
    assert_eq!(out.terms.len(), expected.terms.len());
    for ((term, &found), &expected) in case.loss.terms.iter().zip(&out.terms).zip(&expected.terms) {
        close(&format!("{rows} rows, term {}", term.label), found, expected, tolerance);
    }
    all_close(&format!("{rows} rows, row"), &out.per_row, &expected.per_row, tolerance);
    assert_eq!(out.gradients.len(), expected.gradients.len());
    for ((&(input, _), found), expected) in case.loss.gradients.iter().zip(&out.gradients).zip(&expected.gradients) {
        let name = &case.loss.graph.input(input).name;
        all_close(&format!("{rows} rows, gradient of {name}"), found, expected, tolerance);
    }
}

fn all_close<T: Real>(what: &str, found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        close(&format!("{what} at {at}"), found, expected, tolerance);
    }
}

fn check(case: &Case) {
    for rows in ROWS {
        compare::<f64>(case, rows, rows % 2 == 0, 1e-12);
        compare::<f32>(case, rows, rows % 2 == 1, 3e-5);
    }
}

fn check_long(case: &Case) {
    for rows in [4095, 4097, 10_000] {
        compare::<f64>(case, rows, false, 1e-11);
        compare::<f32>(case, rows, true, 1e-4);
    }
}

#[test]
fn elementwise_programs() {
    check(&programs::squares());
    check_long(&programs::squares());
}

#[test]
fn elementwise_semantics_on_special_values() {
    check(&programs::semantics());
}

#[test]
fn transcendental_programs() {
    check(&programs::poisson());
    check_long(&programs::poisson());
}

#[test]
fn fused_densities() {
    for rows in ROWS {
        compare::<f64>(&programs::densities(), rows, false, 1e-13);
        compare::<f32>(&programs::densities(), rows, true, 3e-6);
    }
}

#[test]
fn axes_and_parameters() {
    check(&programs::counts::<5>());
    check(&programs::counts::<40>());
    check_long(&programs::counts::<5>());
}

#[test]
fn triplets() {
    check(&programs::triplet::<5>());
    check(&programs::triplet::<128>());
}

#[test]
fn gathers_and_log_sum_exp() {
    check(&programs::categorical());
}

#[test]
fn every_reduction() {
    check(&programs::reductions());
}

#[test]
fn whole_batches() {
    for rows in [1, 2, 3, 17] {
        compare::<f64>(&programs::batch(), rows, false, 1e-12);
        compare::<f32>(&programs::batch(), rows, false, 1e-4);
    }
}

/// Gradients that are too large for the caches are written another way, and are the same bits.
#[test]
fn large_gradients_are_those_of_small_batches() {
    let (case, rows) = (programs::triplet::<128>(), 23_001);
    let (values, seed) = ((case.values)(rows, 7), noise(3, rows));
    let whole = evaluate::<f32>(&case, rows, &values, &seed, 2);
    assert!(whole.gradients.iter().map(|gradient| size_of_val(&gradient[..])).sum::<usize>() > 32 << 20);
    let half = rows / 2;
    for (first, count) in [(0, half), (half, rows - half)] {
        let of = |list: &Vec<f64>| match list.len() / rows {
            0 => list.clone(),
            width => list[first * width..(first + count) * width].to_vec(),
        };
        let values: Vec<Vec<f64>> = values.iter().map(of).collect();
        let part = evaluate::<f32>(&case, count, &values, &seed[first..first + count], 1);
        for (part, whole) in part.gradients.iter().zip(&whole.gradients) {
            assert!(part[..] == whole[first * 128..(first + count) * 128]);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for case in [programs::poisson(), programs::counts::<5>()] {
        let rows = 60_000;
        let values = (case.values)(rows, 11);
        let one = evaluate::<f32>(&case, rows, &values, &[], 1);
        for _ in 0..3 {
            assert_eq!(one, evaluate::<f32>(&case, rows, &values, &[], 2));
        }
    }
}

/// Equal weights are known to be equal, and give what the same weights give in the general kernel.
#[test]
fn equal_weights() {
    let case = programs::poisson();
    let values = (case.values)(50, 3);
    let equal = evaluate::<f64>(&case, 50, &values, &[0.25; 50], 1);
    let mut weights = vec![0.25; 51];
    weights[50] = 0.0;
    let longer = values.iter().map(|list| list.iter().copied().chain((!list.is_empty()).then_some(0.0)).collect());
    let general = evaluate::<f64>(&case, 51, &longer.collect::<Vec<_>>(), &weights, 1);
    close("term", equal.terms[0], general.terms[0], 1e-13);
    assert_eq!(equal.gradients[0][..], general.gradients[0][..50]);
    assert_eq!(general.gradients[0][50], 0.0);
}

#[test]
fn wrong_lengths_are_refused() {
    let case = programs::poisson();
    let compiled = CompiledLoss::<f64>::compile(&case.loss, &case.sizes).unwrap();
    let values = [1.0; 4];
    let evaluate = |rows: usize, lengths: [usize; 3], seed: usize, threads: usize| {
        let inputs = lengths.iter().map(|&length| &values[..length]).collect();
        let bindings = Bindings { rows, inputs, sizes: vec![rows], seed: &values[..seed] };
        compiled.evaluate(&bindings, Want::default(), threads, &mut Outputs::default())
    };
    assert_eq!(evaluate(4, [4, 4, 0], 0, 1), Ok(()));
    assert_eq!(evaluate(0, [0, 0, 0], 0, 1), Err(EvalError::NoRows));
    assert_eq!(evaluate(4, [4, 4, 0], 0, 0), Err(EvalError::NoThreads));
    assert_eq!(evaluate(4, [4, 3, 0], 0, 1), Err(EvalError::Length { name: "eta".into(), expected: 4, found: 3 }));
    assert_eq!(evaluate(4, [4, 4, 0], 3, 1), Err(EvalError::Seed { expected: 4, found: 3 }));
}

#[test]
fn a_batch_that_does_not_fit_is_refused() {
    let case = programs::batch();
    let compiled = CompiledLoss::<f64>::compile(&case.loss, &case.sizes).unwrap();
    let rows = 100_000;
    let values = (case.values)(rows, 1);
    let mut sizes = case.sizes.clone();
    sizes[0] = rows;
    let bindings = Bindings { rows, inputs: values.iter().map(Vec::as_slice).collect(), sizes, seed: &[] };
    let refused = compiled.evaluate(&bindings, Want::default(), 1, &mut Outputs::default());
    assert!(matches!(refused, Err(EvalError::Memory { .. })), "{refused:?}");
}

#[test]
fn no_primitive_has_more_arguments_than_the_slow_road_takes() {
    assert!(crate::ir::op::INFO.iter().all(|info| info.arity <= super::kernels::MAX_ARITY));
}
