//! Every reference value of `tests/cases/reference` that the language can express, in both engines.
//!
//! `programs.txt` there says how each family is written; a family that is in neither of its lists fails, and so does
//! one that is said to be impossible and is not. To add a family, add its cases and its program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lossc::data::{Column, Table};
use lossc::evaluate::{Engine, Evaluation, Request, evaluate};
use lossc::sema::{self, Options};
use lossc::source::{NoFiles, Source};
use lossc::syntax::names::canonical;
use serde_json::{Map, Value};

/// Values that are missed, and why; one that is met must be taken from the list.
const MISSED: &[(&str, &str)] = &[
    ("infonce/moderate/0021", "the pull of the positive and of its share in the softmax are added up apart and cancel"),
    ("hurdle_neg_binomial_2/extreme/0002", "at a mean of 1e-10 the slopes of P(1) and of 1 - P(0) cancel"),
];

/// A reference value with its gradient.
struct Case {
    id: String,
    args: Map<String, Value>,
    value: f64,
    grad: BTreeMap<String, f64>,
    tolerance: f64,
    cond: f64,
    gcond: BTreeMap<String, f64>,
    /// The truth is below the smallest number, so 0 will do.
    underflows: bool,
}

/// How the language says a family.
struct Family {
    name: String,
    /// Why it can't, if it can't.
    reason: Option<String>,
    program: String,
}

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/reference").join(name)).unwrap()
}

fn families() -> Vec<Family> {
    let mut found: Vec<Family> = Vec::new();
    for line in text("programs.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("    "), line.split_once(": not yet, ")) {
            (Some(code), _) => found.last_mut().unwrap().program.extend([code, "\n"]),
            (None, Some((name, reason))) => {
                found.push(Family { name: name.into(), reason: Some(reason.into()), program: String::new() })
            }
            (None, None) => found.push(Family { name: line.into(), reason: None, program: String::new() }),
        }
    }
    found
}

/// The number nearest to a decimal of any length: infinite or zero beyond the range.
fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64().unwrap(), |digits| digits.parse().unwrap())
}

fn numbers(value: &Value) -> BTreeMap<String, f64> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), number(value))).collect()
}

fn cases() -> BTreeMap<String, Vec<Case>> {
    let mut found: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for file in ["density.jsonl", "compositional.jsonl"] {
        for line in text(file).lines() {
            // A condition number may be infinite, which JSON has no number for.
            let entry: Value = serde_json::from_str(&line.replace(":Infinity", ":1e300")).unwrap();
            let tolerance = match entry["tol"].as_str().unwrap() {
                "A" => 1e-13,
                "B" => 1e-11,
                "C" => 1e-8,
                other => panic!("no such class: {other}"),
            };
            found.entry(entry["dist"].as_str().unwrap().to_owned()).or_default().push(Case {
                id: entry["id"].as_str().unwrap().to_owned(),
                args: entry["args"].as_object().unwrap().clone(),
                value: number(&entry["logp"]),
                grad: numbers(&entry["grad"]),
                tolerance,
                cond: entry["cond"].as_f64().unwrap_or(1.0),
                gcond: numbers(&entry["gcond"]),
                underflows: entry["flag"].as_str() == Some("underflow64"),
            });
        }
    }
    found
}

/// Sizes of an argument: `infonce` holds its two lists of 3-vectors flattened.
fn dims(family: &str, value: &Value) -> Vec<usize> {
    match value.as_array() {
        None => Vec::new(),
        Some(list) if family == "infonce" => vec![list.len() / 3, 3],
        Some(list) => vec![list.len()],
    }
}

/// One table of cases whose arguments have the same sizes.
fn table(family: &str, cases: &[&Case]) -> Table {
    let column = |(name, first): (&String, &Value)| {
        let row = |case: &&Case| match &case.args[name] {
            Value::Array(list) => list.iter().map(number).collect::<Vec<f64>>(),
            one => vec![number(one)],
        };
        Column::numbers(name.clone(), dims(family, first), cases.iter().flat_map(row).collect())
    };
    let columns = cases[0].args.iter().map(column).collect();
    Table::new("reference", cases.len(), columns, Vec::new())
}

/// What is wrong with a number, if anything. `floor` is what underflow may leave.
fn wrong(found: f64, truth: f64, tolerance: f64, underflows: bool) -> Option<String> {
    let smallest = f64::from_bits(1);
    let right = if truth.is_infinite() {
        found == truth
    } else {
        let near = (found - truth).abs() <= tolerance * truth.abs() + 2.0 * smallest;
        near || (underflows && found == 0.0 && truth.abs() < f64::MIN_POSITIVE)
    };
    let error = (found - truth).abs() / if truth == 0.0 { 1.0 } else { truth.abs() };
    (!right).then(|| format!("{found:e}, but {truth:e} is true (error {error:.1e}, allowed {tolerance:.1e})"))
}

/// The element of the answer's gradient that `z[1]` or `mu` names, in a row.
fn element(answer: &Evaluation, name: &str, row: usize) -> f64 {
    let (base, at) =
        name.split_once('[').map_or((name, 0), |(base, at)| (base, at.trim_end_matches(']').parse().unwrap()));
    let array = answer.grad.iter().find(|array| canonical(&array.name) == canonical(base)).unwrap();
    array.values[row * (array.values.len() / answer.rows) + at]
}

fn compare(case: &Case, sign: f64, answer: &Evaluation, row: usize, into: &mut Vec<String>) {
    let found = answer.per_row.as_ref().unwrap()[row];
    let scale = |cond: f64| case.tolerance * cond.max(1.0);
    into.extend(
        wrong(found, sign * case.value, scale(case.cond), case.underflows)
            .map(|what| format!("{}: value {what}", case.id)),
    );
    for (name, slope) in &case.grad {
        let tolerance = scale(case.gcond.get(name).copied().unwrap_or(1.0));
        let what = wrong(element(answer, name, row), sign * slope, tolerance, case.underflows);
        into.extend(what.map(|what| format!("{}: d/d{name} {what}", case.id)));
    }
}

/// Evaluates a family's cases, those with equal sizes in one table.
fn run(family: &Family, cases: &[Case], engine: Engine, failures: &mut Vec<String>) {
    let source = Source::new(family.name.clone(), family.program.trim_end());
    let bound = cases[0].args.keys().map(|name| canonical(name)).collect();
    let hir = sema::analyze(&source, &NoFiles, &Options { bound, ..Options::default() }).hir;
    let density = hir.terms.iter().any(|term| matches!(term.kind, sema::TermKind::Density(_)));
    let sign = if density { -1.0 } else { 1.0 };
    let mut groups: BTreeMap<Vec<Vec<usize>>, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        groups.entry(case.args.values().map(|value| dims(&family.name, value)).collect()).or_default().push(case);
    }
    for group in groups.values() {
        let wrt: BTreeSet<&str> = group[0].grad.keys().map(|name| name.split('[').next().unwrap()).collect();
        let wrt = wrt.into_iter().map(str::to_owned).collect();
        let request = Request { engine, grad: true, per_row: true, wrt, ..Request::default() };
        match evaluate(&source, &NoFiles, &table(&family.name, group), &request) {
            Ok((answer, _)) => {
                group.iter().enumerate().for_each(|(row, case)| compare(case, sign, &answer, row, failures))
            }
            Err(error) => failures.push(format!("{}: {error}", family.name)),
        }
    }
}

fn all_cases(engine: Engine) {
    let (families, cases) = (families(), cases());
    let mut failures = Vec::new();
    for family in families.iter().filter(|family| family.reason.is_none()) {
        run(family, &cases[&family.name], engine, &mut failures);
    }
    let of = |failure: &str, id: &str| failure.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
    let news: Vec<&String> = failures.iter().filter(|failure| !MISSED.iter().any(|(id, _)| of(failure, id))).collect();
    assert!(news.is_empty(), "{} of the reference values are missed:\n{news:#?}", news.len());
    for (id, reason) in MISSED {
        assert!(failures.iter().any(|failure| of(failure, id)), "{id} is met: it is no longer true that {reason}");
    }
}

#[test]
fn the_interpreter_meets_every_reference_value() {
    all_cases(Engine::Interpret);
}

#[test]
fn native_code_meets_every_reference_value() {
    all_cases(Engine::Jit);
}

/// Every family of the cases is either said in the language or explained, and the explained ones are still errors.
#[test]
fn what_the_language_cannot_say_yet() {
    let (families, cases) = (families(), cases());
    let listed: BTreeSet<&String> = families.iter().map(|family| &family.name).collect();
    assert_eq!(listed.len(), families.len(), "a family is listed twice");
    assert_eq!(listed, cases.keys().collect(), "programs.txt and the cases have different families");
    for family in &families {
        let source = Source::new(family.name.clone(), family.program.trim_end());
        let bound = cases[&family.name][0].args.keys().map(|name| canonical(name)).collect();
        let diagnostics = sema::analyze(&source, &NoFiles, &Options { bound, ..Options::default() }).diagnostics;
        let failed = lossc::diag::has_errors(&diagnostics);
        match &family.reason {
            Some(reason) => assert!(failed, "{} can be said now: it is no longer true that {reason}", family.name),
            None => assert!(!failed, "{}: {diagnostics:?}", family.name),
        }
    }
}

#[test]
fn words_stand_for_the_codes_of_a_category_whose_size_nothing_says() {
    let program = "predict z : real[batch]\ndata y : category[batch]\nsum[i] (if y[i] == 1 then z[i] else 0)\n";
    assert_eq!(loss(program, "z,y\n1,no\n2,yes\n4,no\n8,yes\n"), 10.0);
}

#[test]
fn a_condition_around_a_free_name_shows_what_it_needs() {
    assert_eq!(loss("reduce sum\nif x > 0 then log(x) else x\n", "x\n1\n-700\n0\n"), -700.0);
}

fn loss(program: &str, csv: &str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), csv).unwrap();
    let place = lossc::data::Folder::new(folder.path());
    let table = lossc::data::read_table(&lossc::data::Intake::new(&place), "t.csv").unwrap();
    evaluate(&Source::new("t", program), &NoFiles, &table, &Request::default()).unwrap().0.loss
}
