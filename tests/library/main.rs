//! Every file of `kernels/` against what it says, without a line for any one of them.
//!
//! A distribution must have mass 1, the moments, entropy, distribution function and score it states, one value in every
//! parameterisation, the slopes of its own differences, and the same numbers in both engines; a function its examples,
//! slopes and engines. To add a distribution, add its file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod agree;
mod density;
mod engine;
mod quadrature;
mod sampling;
mod subject;

use std::sync::Arc;

use lossc::ir::print::latex_name;
use lossc::sema::library::{self, Unit};
use lossc::source::Source;
use lossc::syntax::ast::{Clause, ClauseKind, DistDef, FnDef, StmtKind};

use engine::{Machine, Point};
use subject::{Call, Input};

/// The files of the library, parsed.
fn units() -> Vec<(&'static str, Arc<Unit>)> {
    library::entries().map(|(name, _)| (name, library::unit(name).unwrap())).collect()
}

fn distributions() -> Vec<(Arc<Unit>, DistDef)> {
    units().into_iter().filter_map(|(name, unit)| unit.distribution(name).cloned().map(|def| (unit, def))).collect()
}

fn functions() -> Vec<(Arc<Unit>, FnDef)> {
    units().into_iter().filter_map(|(name, unit)| unit.function(name).cloned().map(|def| (unit, def))).collect()
}

/// Densities of one scalar number by scalar parameters: what a wrapper can be put around.
fn inner_densities() -> Vec<Call> {
    let calls = distributions().into_iter().map(|(unit, def)| Call::all(&unit, &def).remove(0));
    let scalar = |call: &Call| call.kind() != "category" && !call.inputs().iter().any(Input::is_vector);
    calls.filter(|call| !call.is_wrapper() && scalar(call)).collect()
}

/// A call, or for a wrapper the calls around every density that states what the wrapper needs.
fn concrete(call: Call, inner: &[Call]) -> Vec<Call> {
    if !call.is_wrapper() {
        return vec![call];
    }
    let fits = |call: &Call| !matches!(Machine::new(&call.program(), &call.names()), Err((code, _)) if code == "E0305");
    let found: Vec<Call> = inner.iter().map(|inner| call.around(inner)).filter(fits).collect();
    assert!(found.len() >= 2, "{} can be put around {} densities only", call.name, found.len());
    found
}

fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_distribution_is_one() {
    let inner = inner_densities();
    let calls = distributions().into_iter().flat_map(|(unit, def)| Call::all(&unit, &def));
    let calls: Vec<Call> = calls.flat_map(|call| concrete(call, &inner)).collect();
    report(&calls.iter().flat_map(density::check).collect::<Vec<String>>());
}

#[test]
fn every_distribution_draws_what_it_says() {
    let inner = inner_densities();
    let calls = distributions().into_iter().flat_map(|(unit, def)| Call::all(&unit, &def));
    let calls: Vec<Call> = calls.flat_map(|call| concrete(call, &inner)).collect();
    let count = |call: &Call| if call.inner.is_none() && call.is_main() { 20_000 } else { 1_000 };
    report(&calls.iter().flat_map(|call| sampling::check(call, count(call))).collect::<Vec<String>>());
}

/// A function's arguments as inputs, with a distribution where it takes one.
fn function_program(unit: &Unit, def: &FnDef, dist: &Call) -> (Vec<Input>, String) {
    let (mut inputs, mut arguments) = (Vec::new(), Vec::new());
    for formal in &def.formals {
        if formal.support.as_ref().is_some_and(|set| set.name.key == "density") {
            let names: Vec<String> =
                dist.params.iter().map(|input| format!("{}_{}", formal.name.key, input.key)).collect();
            arguments.push(format!("{}(_ | {})", dist.name, names.join(", ")));
            inputs.extend(dist.params.iter().zip(names).map(|(input, name)| input.renamed(&name)));
        } else {
            arguments.push(formal.name.text.clone());
            inputs.push(Input::of(&unit.source, formal));
        }
    }
    (inputs, format!("{}({})", def.name.text, arguments.join(", ")))
}

fn function_machine(inputs: &mut Vec<Input>, call: &str) -> Result<Machine, (String, String)> {
    let declared = |inputs: &[Input]| inputs.iter().map(Input::declaration).collect::<String>();
    Machine::new(&format!("{}{call}\n", declared(inputs)), &[]).or_else(|scalar| {
        // A vector becomes a number by weights.
        let Some(vector) = inputs.iter().find(|input| input.is_vector()) else { return Err(scalar) };
        inputs.push(vector.renamed("weight"));
        let text = format!("{}value = {call}\nsum[i] weight[i]·value[i]\n", declared(inputs));
        Machine::new(&text, &[]).map_err(|_| scalar)
    })
}

#[test]
fn every_function_has_its_slopes_in_both_engines() {
    let mut failures = Vec::new();
    let inner = inner_densities();
    for (unit, def) in functions() {
        let takes_density = def.formals.iter().any(|f| f.support.as_ref().is_some_and(|set| set.name.key == "density"));
        let mut tested = 0;
        for dist in if takes_density { inner.as_slice() } else { &inner[..1] } {
            let (mut inputs, call) = function_program(&unit, &def, dist);
            match function_machine(&mut inputs, &call) {
                Ok(machine) => {
                    let points = subject::draws(&inputs, 9);
                    agree::gradients(&machine, &points, &mut failures);
                    agree::engines(&machine, &points, &[], &mut failures);
                    tested += 1;
                }
                Err((code, _)) if code == "E0305" => {}
                Err((_, message)) => failures.push(message),
            }
        }
        if tested == 0 {
            failures.push(format!("{}: nothing to test", def.name.text));
        }
    }
    report(&failures);
}

#[test]
fn examples_hold() {
    let mut failures = Vec::new();
    for (name, unit) in units() {
        for clause in clauses(name, &unit) {
            let ClauseKind::Example { call, what, number } = &clause.kind else { continue };
            let text = |id| unit.source.slice(unit.ast.expr(id).span);
            let wrap = if what.key == "nll" { format!("nll({})", text(*call)) } else { text(*call).to_string() };
            let evaluate = |program: &str| match Machine::new(program, &[]) {
                Ok(machine) => machine.interpret(&[Point::new()], false).values[0],
                Err((_, message)) => panic!("{name}: {message}"),
            };
            let (found, said) = (evaluate(&wrap), evaluate(text(*number)));
            if !agree::near(found, said, 1e-13) {
                failures.push(format!("{name}: {} is {found}, not {said}", text(*call)));
            }
        }
    }
    report(&failures);
}

fn clauses(name: &str, unit: &Unit) -> Vec<Clause> {
    let of_dist = unit.distribution(name).map(|def| def.clauses.clone());
    of_dist.or_else(|| unit.function(name).map(|def| def.clauses.clone())).unwrap_or_default()
}

/// The clauses a file cannot do without.
#[test]
fn files_say_what_they_must() {
    let mut failures = Vec::new();
    for (name, unit) in units() {
        let (_, diagnostics) = lossc::syntax::parse(&unit.source);
        failures.extend(diagnostics.iter().map(|found| format!("{name}: {}", found.message)));
        let defined = matches!(unit.ast.stmts.as_slice(), [one] if !matches!(one.kind, StmtKind::Error));
        let mut needed = vec!["about", "example"];
        if let Some(def) = unit.distribution(name) {
            needed.extend(["log density", "assumes", "ask", "instead", "latex", "reference"]);
            // A mixture is printed from its parts.
            let symbols = def.params.iter().map(|formal| latex_name(&formal.name.text)).filter(|_| name != "mixture");
            let notation = clauses(name, &unit).iter().find_map(|clause| match &clause.kind {
                ClauseKind::Text(word, text) if word.key == "latex" => Some(text.clone()),
                _ => None,
            });
            let absent = symbols.filter(|symbol| !notation.as_ref().is_some_and(|text| text.contains(symbol.trim())));
            failures.extend(absent.map(|symbol| format!("{name}: `latex` does not say {symbol}")));
            let call = Call::all(&unit, def).remove(0);
            // A category has no mean; a wrapper's would be that of a density it does not know.
            if !call.is_wrapper() && call.kind() != "category" {
                needed.extend(["mean", "variance"]);
            }
        }
        let said: Vec<String> = clauses(name, &unit).iter().map(|clause| word(&clause.kind)).collect();
        let missing = needed.iter().filter(|word| !said.iter().any(|said| said == *word));
        failures.extend(missing.map(|word| format!("{name}: no `{word}`")));
        if !defined || (unit.distribution(name).is_none() && unit.function(name).is_none()) {
            failures.push(format!("{name}: the file defines something else"));
        }
    }
    report(&failures);
}

fn word(clause: &ClauseKind) -> String {
    match clause {
        ClauseKind::LogDensity(_) => "log density".into(),
        ClauseKind::Or { .. } => "or".into(),
        ClauseKind::Property(name, _) | ClauseKind::Text(name, _) => name.key.clone(),
        ClauseKind::Instead(..) => "instead".into(),
        ClauseKind::Example { .. } => "example".into(),
    }
}

/// Failures of a distribution that is written here.
fn failures_of(text: &str) -> Vec<String> {
    let source = Source::new("written", text);
    let (ast, diagnostics) = lossc::syntax::parse(&source);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let unit = Arc::new(Unit { source, ast, trusted: false });
    let def = unit.distribution("mine").unwrap();
    Call::all(&unit, def).iter().flat_map(density::check).collect()
}

#[test]
fn a_wrong_distribution_is_caught() {
    let right = "distribution mine(x : positive | r : positive)\n  log density log r − r·x\n  or scale = s : positive where r = 1/s\n  mean 1/r\n  variance 1/r²\n";
    report(&failures_of(right));
    for (from, to, what) in [
        ("log r − r·x", "log r − 1.001·r·x", "mass"),
        ("mean 1/r", "mean 1.001/r", "mean"),
        ("variance 1/r²", "variance 1.001/r²", "variance"),
        ("where r = 1/s", "where r = 1/s log density −log s − 1.001·x/s", "main parameterisation"),
        ("mean 1/r", "stable log r − 1.001·r·x\n  mean 1/r", "textbook"),
        ("r·x", "detach(r)·x", "d/dr"),
        ("mean 1/r", "log_cdf log1mexp(−1.001·r·x)\n  mean 1/r", "distribution function"),
        ("mean 1/r", "entropy 1.001 − log r\n  mean 1/r", "entropy"),
    ] {
        let found = failures_of(&right.replacen(from, to, 1));
        assert!(found.iter().any(|failure| failure.starts_with(what)), "{to} is not caught: {found:?}");
    }
}
