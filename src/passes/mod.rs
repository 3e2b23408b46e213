//! Passes over the graph: simplify → differentiate → simplify → verify.
//!
//! [`derive()`] gives the loss and its gradients in canonical form, as one would write them; [`stabilize`] the forms that
//! are evaluated. Depends on `ir`; never sees syntax, and after `sema` there are no user errors here: every error is one
//! of lossc itself.

pub mod differentiate;
#[cfg(test)]
mod properties;
pub mod simplify;
#[cfg(test)]
pub(crate) mod testing;
pub mod verify;

use std::collections::HashMap;

use crate::ir::graph::{Graph, Index, InputId, NodeId, ROW};
use crate::ir::program::LossGraph;
use simplify::{Phase, Simplifier, SimplifyError, Step};

/// An error in lossc itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Rewriting would not have ended by itself. Only debug builds stop for it: what came out is equal to what went in.
    #[error(transparent)]
    Simplify(#[from] SimplifyError),
    /// A pass made an invalid graph.
    #[error("invalid graph after `{pass}`: {}; this is an error in lossc itself", errors.join("; "))]
    Invalid {
        /// The pass.
        pass: &'static str,
        /// What is wrong.
        errors: Vec<String>,
    },
}

/// A loss with its gradients in canonical form, and how it came about.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Terms and gradients. A gradient with one value a row is `seed·∂ℓ/∂x`; one of a parameter is a sum over rows.
    pub loss: LossGraph,
    /// Steps of simplification before differentiation.
    pub before: Vec<Step>,
    /// Steps of simplification after it.
    pub after: Vec<Step>,
}

/// Simplifies the terms, differentiates with respect to `wrt`, simplifies the gradients. Gradients that are there
/// already are replaced. A term in which simplification leaves no row (`x - x + w`) counts once, as a prior does.
///
/// # Errors
/// Only errors of lossc itself.
pub fn derive(mut loss: LossGraph, wrt: &[InputId]) -> Result<Derived, PassError> {
    let mut simplifier = Simplifier::new(Phase::Canonical);
    simplify_terms(&mut simplifier, &mut loss);
    let before = simplifier.steps().len();
    loss.gradients.clear();
    check(&loss, "simplify")?;
    let terms: Vec<NodeId> = loss.terms.iter().map(|term| term.node).collect();
    loss.gradients = differentiate::differentiate(&mut loss.graph, &terms, wrt, loss.seed);
    check(&loss, "differentiate")?;
    simplify_gradients(&mut simplifier, &mut loss);
    check(&loss, "simplify the gradient")?;
    settled(&simplifier)?;
    let mut steps = simplifier.into_steps();
    let after = steps.split_off(before);
    Ok(Derived { loss, before: steps, after })
}

/// Rewrites terms and gradients to the forms that are evaluated.
///
/// # Errors
/// Only errors of lossc itself.
pub fn stabilize(mut loss: LossGraph) -> Result<LossGraph, PassError> {
    let mut simplifier = Simplifier::new(Phase::Stable);
    simplify_terms(&mut simplifier, &mut loss);
    simplify_gradients(&mut simplifier, &mut loss);
    check(&loss, "stabilize")?;
    settled(&simplifier)?;
    Ok(loss)
}

/// A row's own derivative: a canonical gradient with the factor `seed` set to 1.
///
/// # Errors
/// Only errors of lossc itself.
pub fn without_seed(graph: &mut Graph, gradient: NodeId, seed: InputId) -> Result<NodeId, PassError> {
    let one = graph.constant(1.0);
    let seed = graph.load(seed, &[Index::Var(ROW)]);
    let mut new: HashMap<NodeId, NodeId> = HashMap::from([(seed, one)]);
    for id in graph.reachable(&[gradient]) {
        let node = graph.node(id).clone();
        let children = graph.children(&node);
        let replaced: Vec<NodeId> = children.iter().map(|child| new.get(child).copied().unwrap_or(*child)).collect();
        if replaced != children {
            let rebuilt = graph.with_children(&node, &replaced);
            new.insert(id, rebuilt);
        }
    }
    let plain = new.get(&gradient).copied().unwrap_or(gradient);
    let mut simplifier = Simplifier::new(Phase::Canonical);
    let plain = simplifier.run(graph, plain);
    settled(&simplifier)?;
    Ok(plain)
}

fn simplify_terms(simplifier: &mut Simplifier, loss: &mut LossGraph) {
    let LossGraph { graph, terms, .. } = loss;
    terms.iter_mut().for_each(|term| term.node = simplifier.run(graph, term.node));
}

fn simplify_gradients(simplifier: &mut Simplifier, loss: &mut LossGraph) {
    let LossGraph { graph, gradients, .. } = loss;
    gradients.iter_mut().for_each(|(_, node)| *node = simplifier.run(graph, *node));
}

fn settled(simplifier: &Simplifier) -> Result<(), PassError> {
    match simplifier.fault() {
        Some(fault) if cfg!(debug_assertions) => Err(fault.clone().into()),
        _ => Ok(()),
    }
}

fn check(loss: &LossGraph, pass: &'static str) -> Result<(), PassError> {
    if cfg!(debug_assertions) {
        let errors = verify::verify(loss);
        if !errors.is_empty() {
            return Err(PassError::Invalid { pass, errors });
        }
    }
    Ok(())
}
