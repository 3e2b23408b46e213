//! The verifier: what every graph must satisfy between passes. A violation is an error in lossc itself.

use crate::ir::graph::{Graph, Index, Node, NodeId, ROW, Var, VarKind};
use crate::ir::program::LossGraph;

/// Checks a loss; gives every violation found.
pub fn verify(loss: &LossGraph) -> Vec<String> {
    let mut errors = Vec::new();
    let graph = &loss.graph;
    let roots: Vec<NodeId> =
        loss.terms.iter().map(|term| term.node).chain(loss.gradients.iter().map(|(_, node)| *node)).collect();
    for id in graph.reachable(&roots) {
        node(graph, id, &mut errors);
    }
    for term in &loss.terms {
        if graph.free(term.node).iter().any(|&var| var != ROW) {
            errors.push(format!("term `{}` depends on more than the row", term.label));
        }
    }
    for (input, gradient) in &loss.gradients {
        let own = Var::of(&graph.input(*input).axes);
        if !graph.free(*gradient).iter().all(|&var| own.contains(&graph.var(var))) {
            let name = &graph.input(*input).name;
            errors.push(format!("the gradient of `{name}` depends on variables that are not its own axes"));
        }
    }
    if graph.inputs().get(loss.seed.index()).is_none() {
        errors.push("the seed is no input".into());
    }
    errors
}

fn node(graph: &Graph, id: NodeId, errors: &mut Vec<String>) {
    let mut wrong = |what: String| errors.push(format!("%{}: {what}", id.0));
    let node = graph.node(id);
    for child in graph.children(node) {
        if child >= id {
            wrong(format!("uses %{}, which is not made before it", child.0));
        }
    }
    match node {
        Node::Apply(op, args) if args.len() != op.info().arity => {
            wrong(format!("`{}` has {} arguments instead of {}", op.info().name, args.len(), op.info().arity));
        }
        Node::Load(input, index) => {
            let Some(input) = graph.inputs().get(input.index()) else {
                return wrong("loads an input that does not exist".into());
            };
            if index.len() != input.axes.len() {
                wrong(format!("`{}` has {} axes and {} subscripts", input.name, input.axes.len(), index.len()));
            }
            for (index, &axis) in index.iter().zip(&input.axes) {
                if let Index::Var(var) = index
                    && graph.var(*var).axis != axis
                {
                    wrong(format!("a subscript of `{}` runs over another axis", input.name));
                }
            }
        }
        Node::Reduce { var, body, cond, .. } => {
            let kind = graph.var(*var).kind;
            if !(*var == ROW || matches!(kind, VarKind::Bound(_))) {
                wrong(format!("binds {kind:?} instead of a canonical binder"));
            }
            let inside = [Some(*body), *cond];
            for below in graph.reachable(&inside.into_iter().flatten().collect::<Vec<_>>()) {
                let captured = matches!(graph.node(below), Node::Reduce { var: inner, .. } if inner == var);
                if captured && graph.free(below).contains(var) {
                    wrong(format!("%{} binds its variable again around a use of it", below.0));
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::verify;
    use crate::ir::graph::{Index, Node, ROW, ROWS};
    use crate::ir::op::{Op, ReduceOp};
    use crate::ir::program::{LossGraph, TermRoot};
    use crate::ir::support::Interval;
    use crate::passes::testing::Build;

    fn errors(b: Build, term: crate::ir::graph::NodeId) -> String {
        let terms = vec![TermRoot { label: "t".into(), node: term }];
        verify(&LossGraph { graph: b.g, terms, seed: b.seed, gradients: vec![] }).join("; ")
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut b = Build::new();
        let n = b.axis("N");
        let x = b.input("x", &[ROWS, n], Interval::REAL);
        let v = b.fresh(n);
        let load = b.g.load(x, &[Index::Var(ROW), Index::Var(v)]);
        assert!(errors(Build { g: b.g.clone(), seed: b.seed }, load).contains("depends on more than the row"));
        let raw = b.g.intern(Node::Reduce { op: ReduceOp::Sum, var: v, body: load, cond: None });
        assert!(errors(Build { g: b.g.clone(), seed: b.seed }, raw).contains("instead of a canonical binder"));
        let few = b.g.load(x, &[Index::Var(ROW)]);
        assert!(errors(Build { g: b.g.clone(), seed: b.seed }, few).contains("has 2 axes and 1 subscripts"));
        let crossed = b.g.load(x, &[Index::Var(v), Index::Var(ROW)]);
        assert!(errors(Build { g: b.g.clone(), seed: b.seed }, crossed).contains("runs over another axis"));
        let good = b.reduce(ReduceOp::Sum, v, load);
        let good = b.op(Op::Exp, &[good]);
        assert_eq!(errors(b, good), "");
    }
}
