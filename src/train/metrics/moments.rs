//! Mean, variance and distribution function of a density's calls, read off the library.
//!
//! A file of `kernels/` states them in the language itself, and the language has the calls that ask for them:
//! `mean(poisson(log_rate = η))`, `log_cdf(normal(mu = μ, sigma = σ), x)`. Here such a call becomes a small program whose
//! data are the variate and the parameters as they were given, and the interpreter evaluates it on their values. So the
//! facts about a distribution stay in its one file, and which parameters it can be called with in `sema`.

use crate::interpret;
use crate::ir::graph::{InputId, ROW};
use crate::ir::program::Bindings;
use crate::lower::lower;
use crate::sema::{self, Options, library};
use crate::source::{NoFiles, Source};
use crate::syntax::ast::{ClauseKind, DistDef, Formal, SupportExpr};
use crate::train::errors::{Result, TrainError};

/// A parameter of a call: its name there, and its values, one an observation.
pub type Given = (String, Vec<f64>);

/// What the library states as `what` (`mean`, `variance`, `log_cdf`) of the distribution `name` with the parameters
/// `given`, at the variate's values `observed`; `None` when it does not state it, or the variate or a parameter is a vector.
///
/// # Errors
/// Parameters that the distribution cannot be called with, or a clause that does not compile: errors of lossc.
pub fn property(name: &str, what: &str, given: &[Given], observed: &[f64]) -> Result<Option<Vec<f64>>> {
    let Some(unit) = library::unit(name) else { return Ok(None) };
    let Some(def) = unit.distribution(name) else { return Ok(None) };
    let stated = def.clauses.iter().any(|c| matches!(&c.kind, ClauseKind::Property(key, _) if key.key == what));
    let scalar = |formal: &Formal| formal.axes.is_empty();
    if !stated || def.variates.len() != 1 || !def.variates.iter().chain(&def.params).all(scalar) {
        return Ok(None);
    }
    let mut text = "data observed : real\n".to_owned();
    for (at, (param, _)) in given.iter().enumerate() {
        let support = support(def, param).map_or("real", |support| unit.source.slice(support.span));
        text += &format!("data given{at} : {support}\n");
    }
    let params: Vec<String> = given.iter().enumerate().map(|(at, (param, _))| format!("{param} = given{at}")).collect();
    text += &format!("{what}({name}({}), observed)\n", params.join(", "));
    evaluate(&Source::new(format!("{what} of {name}"), text), given, observed).map(Some)
}

/// What a parameter must satisfy, wherever the distribution names it; the call has been checked where it stands.
fn support<'a>(def: &'a DistDef, param: &str) -> Option<&'a SupportExpr> {
    let alternatives = def.clauses.iter().filter_map(|clause| match &clause.kind {
        ClauseKind::Or { params, .. } => Some(params),
        _ => None,
    });
    let mut alternatives = alternatives.flatten().filter(|other| other.name.key == param);
    match def.params.iter().find(|formal| formal.name.key == param) {
        Some(formal) => formal.support.as_ref(),
        None => alternatives.next()?.support.as_ref(),
    }
}

fn evaluate(source: &Source, given: &[Given], observed: &[f64]) -> Result<Vec<f64>> {
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
        let nth = info.and_then(|info| info.key.strip_prefix("given")).and_then(|nth| nth.parse::<usize>().ok());
        inputs.push(match nth {
            Some(nth) => given.get(nth).map_or(&[], |(_, values)| values),
            None if info.is_some() => observed,
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
        assert!(property("poisson", "mean", &given(&[("sigma", &[1.0])]), &[1.0]).is_err());
    }

    /// scipy 1.16: `norm.logcdf(-1, 1, 2)`; the others by hand: ln(½·e⁻¹), −ln(1 + e²), ln(1 − e^−1).
    #[test]
    fn distribution_functions() {
        let at = |name: &str, params: &[(&str, f64)], x: f64| {
            let params: Vec<Given> = params.iter().map(|(name, value)| ((*name).to_owned(), vec![*value])).collect();
            property(name, "log_cdf", &params, &[x]).unwrap().unwrap()
        };
        close(&at("normal", &[("mu", 1.0), ("variance", 4.0)], -1.0), &[-1.841_021_645_009_264]);
        close(&at("laplace", &[("mu", 0.0), ("b", 2.0)], -2.0), &[-1.0 - 2.0f64.ln()]);
        close(&at("logistic", &[("mu", 1.0), ("s", 0.5)], 0.0), &[-(1.0 + 2.0f64.exp()).ln()]);
        close(&at("exponential", &[("rate", 0.5)], 2.0), &[(1.0 - (-1.0f64).exp()).ln()]);
    }

    /// Every clause that a metric asks for can be asked of every distribution that states it, by its own parameters.
    #[test]
    fn the_whole_library_answers() {
        let mut answered = 0;
        for (name, _) in library::entries() {
            let Some(unit) = library::unit(name) else { continue };
            let Some(def) = unit.distribution(name) else { continue };
            let main: Vec<&str> = def.params.iter().map(|formal| formal.name.key.as_str()).collect();
            let mut calls = vec![main.clone()];
            for clause in &def.clauses {
                let ClauseKind::Or { params, equations, .. } = &clause.kind else { continue };
                let kept = main.iter().filter(|key| !equations.iter().any(|(solved, _)| solved.key == ***key));
                calls.push(kept.copied().chain(params.iter().map(|param| param.name.key.as_str())).collect());
            }
            for call in calls {
                let params: Vec<Given> = call.iter().map(|key| ((*key).to_owned(), vec![0.5])).collect();
                for what in ["mean", "variance", "log_cdf"] {
                    answered += usize::from(property(name, what, &params, &[1.0]).unwrap().is_some());
                }
            }
        }
        assert!(answered >= 60, "{answered}");
    }
}
