//! Which nodes are computed once a call, for every tile of rows, or after the sums over rows.

use super::plan::{Phase, Target};
use crate::ir::graph::{Graph, Index, Node, NodeId, ROW, ROWS, VarId};
use crate::ir::op::ReduceOp;

/// The phase of every node, and whether the program needs the whole batch at once.
#[allow(clippy::indexing_slicing)] // Proven: an entry a node.
pub(super) fn phases(graph: &Graph, nodes: &[NodeId], targets: &[Target]) -> (Vec<Phase>, bool) {
    let mut phases = vec![Phase::Once; graph.len()];
    let mut whole = false;
    for &id in nodes {
        let node = graph.node(id);
        let after = graph.children(node).iter().any(|child| phases[child.index()] == Phase::After);
        let row = graph.free(id).contains(&ROW);
        let sum = matches!(node, Node::Reduce { var, .. } if *var == ROW);
        whole |= crosses_rows(graph, node) || (after && (row || sum));
        phases[id.index()] = match (row, after || sum) {
            (true, _) => Phase::Tile,
            (false, true) => Phase::After,
            (false, false) => Phase::Once,
        };
    }
    whole |=
        targets.iter().any(|&(input, node, _)| graph.input(input).per_row() && phases[node.index()] == Phase::After);
    if whole {
        phases.fill(Phase::Tile);
    }
    (phases, whole)
}

/// Whether a node looks at more rows than the implicit one, other than through a sum over all of them.
fn crosses_rows(graph: &Graph, node: &Node) -> bool {
    let other_row = |var: VarId| var != ROW && graph.var(var).axis == ROWS;
    match node {
        Node::Var(var) => other_row(*var),
        Node::Reduce { op, var, .. } => other_row(*var) || (*var == ROW && *op != ReduceOp::Sum),
        Node::Load(input, index) => {
            let axes = &graph.input(*input).axes;
            index.iter().zip(axes).enumerate().any(|(at, (index, axis))| match index {
                Index::Var(ROW) => at != 0,
                Index::Var(var) => other_row(*var),
                Index::At(_) => *axis == ROWS,
            })
        }
        _ => false,
    }
}
