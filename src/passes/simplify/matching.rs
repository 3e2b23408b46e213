//! Short names for matching and building nodes in rules.

use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::Op;

/// The argument, when the node is this primitive of one argument.
pub fn one(graph: &Graph, id: NodeId, op: Op) -> Option<NodeId> {
    match graph.node(id) {
        Node::Apply(found, args) if *found == op => match args[..] {
            [x] => Some(x),
            _ => None,
        },
        _ => None,
    }
}

/// The arguments, when the node is this primitive of two arguments.
pub fn two(graph: &Graph, id: NodeId, op: Op) -> Option<(NodeId, NodeId)> {
    match graph.node(id) {
        Node::Apply(found, args) if *found == op => match args[..] {
            [x, y] => Some((x, y)),
            _ => None,
        },
        _ => None,
    }
}

/// The arguments, when the node is this primitive of three arguments.
pub fn three(graph: &Graph, id: NodeId, op: Op) -> Option<(NodeId, NodeId, NodeId)> {
    match graph.node(id) {
        Node::Apply(found, args) if *found == op => match args[..] {
            [x, y, z] => Some((x, y, z)),
            _ => None,
        },
        _ => None,
    }
}

/// The arguments of a commutative primitive in both orders.
pub fn both(graph: &Graph, id: NodeId, op: Op) -> Option<[(NodeId, NodeId); 2]> {
    two(graph, id, op).map(|(x, y)| [(x, y), (y, x)])
}

/// Whether the node is this constant.
pub fn is(graph: &Graph, id: NodeId, value: f64) -> bool {
    graph.as_const(id) == Some(value)
}

/// A primitive of one argument.
pub fn un(graph: &mut Graph, op: Op, x: NodeId) -> NodeId {
    graph.apply(op, &[x])
}

/// A primitive of two arguments.
pub fn bin(graph: &mut Graph, op: Op, x: NodeId, y: NodeId) -> NodeId {
    graph.apply(op, &[x, y])
}

/// −x, without a second minus.
pub fn neg(graph: &mut Graph, x: NodeId) -> NodeId {
    if let Some(value) = graph.as_const(x) {
        return graph.constant(-value);
    }
    match one(graph, x, Op::Neg) {
        Some(inner) => inner,
        None => un(graph, Op::Neg, x),
    }
}

/// Whether `x` is −`y`: equal up to a minus sign, also of a difference.
pub fn negated(graph: &Graph, x: NodeId, y: NodeId) -> bool {
    if one(graph, x, Op::Neg) == Some(y) || one(graph, y, Op::Neg) == Some(x) {
        return true;
    }
    if let (Some((a, b)), Some((c, d))) = (two(graph, x, Op::Sub), two(graph, y, Op::Sub)) {
        return a == d && b == c;
    }
    match (scaled(graph, x), scaled(graph, y)) {
        ((a, x), (b, y)) if a == -b => x == y && a != 0.0 && graph.as_const(x).is_none(),
        _ => false,
    }
}

/// c and x of c·x, with c a constant (1 when there is none).
pub fn scaled(graph: &Graph, id: NodeId) -> (f64, NodeId) {
    if let Some(x) = one(graph, id, Op::Neg) {
        let (c, x) = scaled_product(graph, x);
        return (-c, x);
    }
    scaled_product(graph, id)
}

fn scaled_product(graph: &Graph, id: NodeId) -> (f64, NodeId) {
    match two(graph, id, Op::Mul) {
        Some((c, x)) if graph.as_const(c).is_some() => (graph.as_const(c).unwrap_or(1.0), x),
        _ => (1.0, id),
    }
}
