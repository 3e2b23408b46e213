//! Programs that compile give the same value and gradients interpreted and native, at values inside their supports.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lossc::codegen::{CompiledLoss, Want};
use lossc::compile::{Program, axis_key, differentiable};
use lossc::interpret;
use lossc::ir::graph::AxisId;
use lossc::ir::program::{Bindings, Outputs};
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};
use std::collections::BTreeMap;

const ROWS: usize = 3;
/// What rounding in another order may do to sums of a few hundred terms.
const TOLERANCE: f64 = 1e-9;

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz", text);
    let analysis = analyze(&source, &NoFiles, &Options::default());
    if !analysis.is_ok() || text.len() > 2000 {
        return;
    }
    let wrt = differentiable(&analysis.hir);
    let program = Program::compile(analysis.hir, &wrt).expect("what is checked compiles");
    let axes = 0..program.loss.graph.axes().len() as u32;
    let known: BTreeMap<String, usize> = axes.map(|axis| (axis_key(&program.hir, AxisId(axis)), 2)).collect();
    let Ok(sizes) = program.sizes(ROWS, &known) else { return };
    if sizes.iter().any(|size| *size > 64) {
        return;
    }
    let inputs: Vec<Vec<f64>> = program
        .loss
        .graph
        .inputs()
        .iter()
        .map(|input| {
            let count: usize = input.axes.iter().map(|axis| sizes[axis.index()]).product();
            let support = input.support;
            let inside = (0..count)
                .map(|at| 0.3 + 0.37 * (at % 5) as f64)
                .map(|x| if support.contains(x) { x } else { x.floor() });
            let end = if support.lo.is_finite() { support.lo } else { support.hi };
            inside
                .map(|x| {
                    if support.contains(x) {
                        x
                    } else if support.contains(end) {
                        end
                    } else {
                        (support.lo + support.hi) / 2.0
                    }
                })
                .collect()
        })
        .collect();
    let borrowed: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let seed = program.seed(ROWS);
    let bindings = Bindings { rows: ROWS, sizes: sizes.clone(), inputs: borrowed, seed: &seed };
    let Ok(reference) = interpret::evaluate(&program.loss, &bindings, true, false) else { return };
    let Ok(native) = CompiledLoss::<f64>::compile(&program.loss, &sizes) else { return };
    let mut found = Outputs::default();
    if native.evaluate(&bindings, Want { gradients: true, per_row: false }, 1, &mut found).is_err() {
        return;
    }
    let same = |a: f64, b: f64| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0)
    };
    for (a, b) in reference.terms.iter().zip(&found.terms) {
        assert!(same(*a, *b), "{a} interpreted, {b} native");
    }
    for (a, b) in reference.gradients.iter().flatten().zip(found.gradients.iter().flatten()) {
        assert!(same(*a, *b), "gradient {a} interpreted, {b} native");
    }
});
