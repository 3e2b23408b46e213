//! Losses far out, where the textbook's formula overflows or cancels, in both engines and both number types. The truth is
//! that formula in 900 digits (`tests/cases/far/make.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use lossc::data::{Column, Table};
use lossc::evaluate::{Dtype, Engine, Request, evaluate};
use lossc::source::{NoFiles, Source};
use serde_json::Value;

/// Relative errors allowed: some tens of units in the last place, for chains of half a dozen functions. What is smaller
/// than the smallest normal number may be any such number.
const TYPES: &[(&str, Dtype, f64, f64)] =
    &[("f32", Dtype::F32, 4e-6, f32::MIN_POSITIVE as f64), ("f64", Dtype::F64, 2e-14, f64::MIN_POSITIVE)];

fn near(found: f64, truth: &Value, tolerance: f64, smallest: f64) -> bool {
    let truth: f64 = truth.as_str().unwrap().parse().unwrap();
    (found - truth).abs() <= tolerance * truth.abs() + smallest
}

fn failures(case: &Value, engine: Engine) -> Vec<String> {
    let program = case["program"].as_str().unwrap();
    let columns = case["row"].as_object().unwrap().iter();
    let columns =
        columns.map(|(name, x)| Column::numbers(name.clone(), Vec::new(), vec![x.as_f64().unwrap()])).collect();
    let table = Table::new("far", 1, columns, Vec::new());
    let mut failures = Vec::new();
    for &(name, dtype, tolerance, smallest) in TYPES {
        if !case["dtypes"].as_array().unwrap().iter().any(|wanted| wanted == name) {
            continue;
        }
        let request = Request { engine, dtype, grad: true, ..Request::default() };
        let (answer, _) = evaluate(&Source::new("far", program), &NoFiles, &table, &request).unwrap();
        let mut check = |what: &str, found: f64, truth: &Value| {
            if !near(found, truth, tolerance, smallest) {
                failures.push(format!("{program} at {} in {name}: {what} {found:e}, but {truth}", case["row"]));
            }
        };
        check("loss", answer.loss, &case["loss"]);
        for (of, truth) in case["grad"].as_object().unwrap() {
            let slope = answer.grad.iter().find(|array| array.name == *of).unwrap();
            check(&format!("d/d{of}"), slope.values[0], truth);
        }
    }
    failures
}

#[test]
fn losses_far_out_keep_their_digits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/far/cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<String> = [Engine::Jit, Engine::Interpret]
        .into_iter()
        .flat_map(|engine| cases.iter().flat_map(move |case| failures(case, engine)))
        .collect();
    assert!(found.is_empty(), "{} values are missed:\n{}", found.len(), found.join("\n"));
}
