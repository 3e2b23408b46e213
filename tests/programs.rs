//! Losses of the literature, written in the language, against PyTorch in double precision
//! (`tests/cases/programs/reference.py`): value and every gradient, in both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lossc::data::{Column, Table};
use lossc::evaluate::{Engine, Request, evaluate};
use lossc::source::{NoFiles, Source};
use lossc::syntax::names::canonical;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Both sides compute in doubles: sums of a few hundred terms, and logarithms of differences on PyTorch's side.
const TOLERANCE: f64 = 1e-10;

fn numbers(value: &Value, dims: &mut Vec<usize>, depth: usize, out: &mut Vec<f64>) {
    match value {
        Value::Array(items) => {
            if dims.len() == depth {
                dims.push(items.len());
            }
            items.iter().for_each(|item| numbers(item, dims, depth + 1, out));
        }
        other => out.push(other.as_f64().unwrap()),
    }
}

fn flat(value: &Value) -> (Vec<usize>, Vec<f64>) {
    let (mut dims, mut values) = (Vec::new(), Vec::new());
    numbers(value, &mut dims, 0, &mut values);
    (dims, values)
}

fn table(data: &Value) -> Table {
    let column = |(name, value): (&String, &Value)| {
        let (dims, values) = flat(value);
        Column::numbers(name.clone(), dims[1..].to_vec(), values)
    };
    let columns: Vec<Column> = data.as_object().unwrap().iter().map(column).collect();
    let rows = data.as_object().unwrap().values().next().unwrap().as_array().unwrap().len();
    Table::new("reference", rows, columns, Vec::new())
}

fn close(name: &str, found: f64, truth: f64) {
    assert!((found - truth).abs() <= TOLERANCE * truth.abs().max(1.0), "{name}: {found}, by PyTorch {truth}");
}

#[test]
fn programs_agree_with_pytorch() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/programs");
    let cases: Value = serde_json::from_str(&fs::read_to_string(folder.join("reference.json")).unwrap()).unwrap();
    assert_eq!(cases.as_object().unwrap().len(), 15);
    for (name, case) in cases.as_object().unwrap() {
        let source = Source::new(name.as_str(), fs::read_to_string(folder.join(format!("{name}.loss"))).unwrap());
        for engine in [Engine::Jit, Engine::Interpret] {
            let request = Request { engine, grad: true, ..Request::default() };
            let (found, warnings) = evaluate(&source, &NoFiles, &table(&case["data"]), &request)
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(warnings.is_empty(), "{name}: {warnings:?}");
            close(name, found.loss, case["loss"].as_f64().unwrap());
            let truths = case["grad"].as_object().unwrap();
            assert_eq!(found.grad.len(), truths.len(), "{name}");
            for (input, truth) in truths {
                let derivative = found.grad.iter().find(|d| canonical(&d.name) == *input).unwrap();
                let (_, truth) = flat(truth);
                assert_eq!(derivative.values.len(), truth.len(), "{name}: {input}");
                for (found, truth) in derivative.values.iter().zip(truth) {
                    close(&format!("{name}, ∂/∂{input}"), *found, truth);
                }
            }
        }
    }
}

#[test]
fn data_that_a_program_excludes_is_named_by_its_row() {
    let refused = |program: &str, values: &[f64]| {
        let table = Table::new("t", values.len(), vec![Column::numbers("x", vec![], values.to_vec())], Vec::new());
        let source = Source::new("t.loss", program);
        evaluate(&source, &NoFiles, &table, &Request::default()).err().map(|error| error.to_string())
    };
    assert_eq!(refused("1/x", &[-2.0, 4.0]), None);
    for (program, value) in [("1/x", 0.0), ("log(x)", 0.0)] {
        let message = refused(program, &[1.0, value]).unwrap_or_else(|| panic!("{program} takes {value}"));
        assert!(message.contains("row 2") && message.contains("found 0"), "{message}");
    }
}
