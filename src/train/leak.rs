//! Inputs of a network that hold what its loss observes. Columns that `bind` names are looked at when inputs are chosen
//! (`data::inputs`); here it is those that have the names of the program. Depends on the compiled program and its data.

use crate::compile::Program;
use crate::data::Prepared;
use crate::data::options::Bind;
use crate::ir::graph::Node;
use crate::syntax::names::canonical;

/// A warning for each input that is, at the present row or later, left of a bar.
pub fn leaks(program: &Program, prepared: &Prepared, binds: &[Bind]) -> Vec<String> {
    let graph = &program.hir.graph;
    let factors = program.hir.terms.iter().flat_map(|term| &term.factors);
    let variates: Vec<_> = factors.flat_map(|factor| &factor.variates).map(|(node, _)| *node).collect();
    let observed = graph.reachable(&variates).into_iter().filter_map(|id| match graph.node(id) {
        Node::Load(input, _) => program.name(*input).map(|info| info.key.clone()),
        _ => None,
    });
    let by_name = |key: &String| !binds.iter().any(|bind| canonical(&bind.name) == *key);
    let observed: Vec<String> = observed.filter(by_name).collect();
    let present = prepared.fitted.features.iter().filter(|feature| feature.offset >= 0);
    let base = |column: &str| canonical(column.split('[').next().unwrap_or(column));
    let leaking = present.filter(|feature| observed.contains(&base(&feature.column)));
    leaking
        .map(|feature| format!("input `{feature}` is also what the loss observes: the network can read the answer"))
        .filter(|warning| !prepared.summary.warnings.contains(warning))
        .collect()
}
