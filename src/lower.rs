//! HIR to IR: the terms become a loss.
//!
//! A density contributes its negative logarithm, summed over leftover axes (independent events multiply); a cost
//! contributes itself. Nothing is simplified here. Depends on `sema` and `ir`.

use crate::ir::graph::{Input, InputRole, NodeId, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{LossGraph, TermRoot};
use crate::ir::support::Interval;
use crate::sema::{Hir, TermKind};

/// The loss of a program, without gradients.
pub fn lower(hir: &Hir) -> LossGraph {
    let mut graph = hir.graph.clone();
    let seed = graph.add_input(Input {
        name: "seed".into(),
        role: InputRole::Seed,
        axes: vec![ROWS],
        support: Interval::NONNEG,
    });
    let mut terms = Vec::new();
    for term in &hir.terms {
        let node = match term.kind {
            TermKind::Density(_) => negative_log(&mut graph, term.node, &term.axes),
            TermKind::Cost => term.node,
        };
        terms.push(TermRoot { label: term.label.clone(), node });
    }
    LossGraph { graph, terms, seed, gradients: Vec::new() }
}

/// −Σ log p over the leftover axes.
fn negative_log(graph: &mut crate::ir::graph::Graph, log: NodeId, axes: &[VarId]) -> NodeId {
    let mut node = graph.apply(Op::Neg, &[log]);
    for &var in axes.iter().rev() {
        node = graph.reduce(ReduceOp::Sum, var, node, None);
    }
    node
}
