//! Mean, variance and distribution function of a density's calls, read off the library.
//!
//! A file of `kernels/` states `mean`, `variance` and, where there is one, `cdf` in the language itself. Here such a
//! clause becomes a small program whose data are the variate and the parameters as they were given in the call, and the
//! interpreter evaluates it on their values. So the facts about a distribution stay in its one file.

use crate::interpret;
use crate::ir::graph::{InputId, ROW};
use crate::ir::program::Bindings;
use crate::lower::lower;
use crate::sema::{self, Options, library};
use crate::source::{NoFiles, Source};
use crate::syntax::ast::{ClauseKind, DistDef, Formal, OrParam};
use crate::train::errors::{Result, TrainError};

/// A parameter of a call: its name there, and its values, one an observation.
pub type Given = (String, Vec<f64>);

/// The clause `what` (`mean`, `variance`, `cdf`) of the distribution `name` for calls with the parameters `given` and the
/// variate's values `observed`; `None` when the library does not state it, or not for these parameters.
///
/// # Errors
/// A clause that does not compile: an error of the library.
pub fn property(name: &str, what: &str, given: &[Given], observed: &[f64]) -> Result<Option<Vec<f64>>> {
    let Some(unit) = library::unit(name) else { return Ok(None) };
    let Some(def) = unit.distribution(name) else { return Ok(None) };
    let clause = def.clauses.iter().find(|c| matches!(&c.kind, ClauseKind::Property(key, _) if key.key == what));
    let Some(clause) = clause else { return Ok(None) };
    let scalar = |formal: &Formal| formal.axes.is_empty();
    if def.variates.len() != 1 || !def.variates.iter().chain(&def.params).all(scalar) {
        return Ok(None);
    }
    let text = unit.source.slice(clause.span).trim();
    let Some(formula) = text.strip_prefix(what) else { return Ok(None) };
    let Some((header, names)) = header(def, given, &unit.source) else { return Ok(None) };
    let source = Source::new(format!("{what} of {name}"), format!("{header}minimize {}\n", formula.trim()));
    evaluate(&source, &names, given, observed).map(Some)
}

/// Declarations of the variate and the given parameters, then the equations that give the main ones; with the symbol of
/// each parameter, in the order of `given`.
fn header(def: &DistDef, given: &[Given], source: &Source) -> Option<(String, Vec<String>)> {
    let support = |formal: &Formal| formal.support.as_ref().map_or("real", |support| source.slice(support.span));
    let variate = def.variates.first()?;
    let mut text = format!("data {} : {}\n", variate.name.text, support(variate));
    let main = |key: &str| def.params.iter().find(|formal| formal.name.key == key);
    let has = |key: &str| given.iter().any(|(name, _)| name == key);
    let mut names = vec![variate.name.key.clone()];
    if given.len() == def.params.len() && def.params.iter().all(|formal| has(&formal.name.key)) {
        for (name, _) in given {
            let formal = main(name)?;
            text += &format!("data {} : {}\n", formal.name.text, support(formal));
            names.push(formal.name.key.clone());
        }
        return Some((text, names));
    }
    for clause in &def.clauses {
        let ClauseKind::Or { params, equations, .. } = &clause.kind else { continue };
        let own = |key: &str| params.iter().find(|param| param.name.key == key);
        let solved = |key: &str| equations.iter().any(|(name, _)| name.key == key);
        let fits = given.iter().all(|(name, _)| own(name).is_some() || (main(name).is_some() && !solved(name)))
            && params.iter().all(|param| has(&param.name.key))
            && def.params.iter().all(|formal| solved(&formal.name.key) || has(&formal.name.key));
        if !fits {
            continue;
        }
        for (name, _) in given {
            let (symbol, key, set) = match (own(name), main(name)) {
                (Some(param), _) => (&param.symbol.text, &param.symbol.key, or_support(param, source)),
                (None, Some(formal)) => (&formal.name.text, &formal.name.key, support(formal)),
                (None, None) => return None,
            };
            text += &format!("data {symbol} : {set}\n");
            names.push(key.clone());
        }
        for (name, id) in equations {
            let expression = source_of(def, *id, source)?;
            text += &format!("{} = {expression}\n", name.text);
        }
        return Some((text, names));
    }
    None
}

fn or_support<'a>(param: &OrParam, source: &'a Source) -> &'a str {
    param.support.as_ref().map_or("real", |support| source.slice(support.span))
}

/// The text of an expression of the library's file.
fn source_of<'a>(def: &DistDef, id: crate::syntax::ast::ExprId, source: &'a Source) -> Option<&'a str> {
    let unit = library::unit(&def.name.key)?;
    let span = unit.ast.expr(id).span;
    Some(source.slice(span)).filter(|text| !text.is_empty())
}

fn evaluate(source: &Source, names: &[String], given: &[Given], observed: &[f64]) -> Result<Vec<f64>> {
    let analysis = sema::analyze(source, &NoFiles, &Options::default());
    if !analysis.is_ok() {
        let first = analysis.diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
        return Err(TrainError::Internal(format!("{}: {first}\n{}", source.name, source.text)));
    }
    let loss = lower(&analysis.hir);
    let rows = observed.len();
    let mut inputs: Vec<&[f64]> = Vec::new();
    for at in 0..loss.graph.inputs().len() {
        let info = analysis.hir.names.iter().find(|info| info.input == InputId(at as u32));
        let which = info.and_then(|info| names.iter().position(|name| *name == info.key));
        inputs.push(match which {
            Some(0) => observed,
            Some(nth) => given.get(nth - 1).map_or(&[], |(_, values)| values),
            None => &[],
        });
    }
    let mut sizes = vec![1; loss.graph.axes().len()];
    if let Some(first) = sizes.first_mut() {
        *first = rows;
    }
    let bindings = Bindings { rows, inputs, sizes, seed: &[] };
    let roots: Vec<_> = loss.terms.iter().map(|term| term.node).collect();
    let arrays = interpret::values(&loss.graph, &roots, &bindings)?;
    let array = arrays.first().ok_or_else(|| TrainError::Internal(format!("{} has no value", source.name)))?;
    Ok(array.broadcast(&[ROW], &[rows]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{found:?} and {expected:?}");
        }
        assert_eq!(found.len(), expected.len());
    }

    fn given(params: &[(&str, &[f64])]) -> Vec<Given> {
        params.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect()
    }

    #[test]
    fn counts_have_their_textbook_moments() {
        let observed = [3.0, 0.0];
        let lambda = given(&[("lambda", &[2.5, 0.5])]);
        close(&property("poisson", "variance", &lambda, &observed).unwrap().unwrap(), &[2.5, 0.5]);
        let log_rate = given(&[("log_rate", &[0.0, 2.0f64.ln()])]);
        close(&property("poisson", "mean", &log_rate, &observed).unwrap().unwrap(), &[1.0, 2.0]);
        // m + α m² with m = 2, α = 0.5 and m = 4, α = 0.25 (Hilbe's NB2).
        let nb = given(&[("mean", &[2.0, 4.0]), ("dispersion", &[0.5, 0.25])]);
        close(&property("neg_binomial", "mean", &nb, &observed).unwrap().unwrap(), &[2.0, 4.0]);
        close(&property("neg_binomial", "variance", &nb, &observed).unwrap().unwrap(), &[4.0, 8.0]);
    }

    #[test]
    fn a_normal_by_any_of_its_scales() {
        let observed = [0.0];
        for (name, value) in [("sigma", 3.0), ("variance", 9.0), ("precision", 1.0 / 9.0), ("log_scale", 3.0f64.ln())] {
            let params = given(&[("mu", &[1.0]), (name, &[value])]);
            close(&property("normal", "variance", &params, &observed).unwrap().unwrap(), &[9.0]);
            close(&property("normal", "mean", &params, &observed).unwrap().unwrap(), &[1.0]);
        }
    }

    #[test]
    fn what_the_library_does_not_state_is_none() {
        assert_eq!(property("no_such", "mean", &[], &[1.0]).unwrap(), None);
        assert_eq!(property("poisson", "no_such", &given(&[("lambda", &[1.0])]), &[1.0]).unwrap(), None);
        assert_eq!(property("poisson", "mean", &given(&[("sigma", &[1.0])]), &[1.0]).unwrap(), None);
    }
}
