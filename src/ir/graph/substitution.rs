//! Replacing an index variable in an expression.

use std::collections::HashMap;

use super::{Graph, Index, Node, NodeId, VarId};

/// Replaces a free index variable by another variable or by a computed index, capture-free.
#[derive(Debug)]
pub struct Substitution {
    pairs: Vec<(VarId, Index)>,
    done: HashMap<NodeId, NodeId>,
}

impl Substitution {
    /// One variable.
    pub fn new(from: VarId, to: Index) -> Self {
        Substitution { pairs: vec![(from, to)], done: HashMap::new() }
    }

    /// Several at once.
    pub fn many(pairs: Vec<(VarId, Index)>) -> Self {
        Substitution { pairs, done: HashMap::new() }
    }

    fn lookup(&self, var: VarId) -> Option<Index> {
        self.pairs.iter().find(|(from, _)| *from == var).map(|&(_, to)| to)
    }

    /// The expression with the replacement made. Iterative: depth is bounded by memory only.
    pub fn apply(&mut self, graph: &mut Graph, root: NodeId) -> NodeId {
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            if self.done.contains_key(&id) {
                stack.pop();
                continue;
            }
            if !graph.free(id).iter().any(|&var| self.lookup(var).is_some()) {
                self.done.insert(id, id);
                stack.pop();
                continue;
            }
            let node = graph.node(id).clone();
            if let Node::Reduce { var, .. } = node
                && (self.lookup(var).is_some() || self.captures(graph, var))
            {
                let rebuilt = self.under_binder(graph, &node, var);
                graph.keep_index_name(id, rebuilt);
                self.done.insert(id, rebuilt);
                stack.pop();
                continue;
            }
            let children = graph.children(&node);
            let pending: Vec<NodeId> =
                children.iter().copied().filter(|child| !self.done.contains_key(child)).collect();
            if pending.is_empty() {
                let rebuilt = self.rebuild(graph, &node, &children);
                graph.keep_index_name(id, rebuilt);
                self.done.insert(id, rebuilt);
                stack.pop();
            } else {
                stack.extend(pending);
            }
        }
        self.done.get(&root).copied().unwrap_or(root)
    }

    /// Whether a binder of this name would bind a variable that the replacement brings in.
    fn captures(&self, graph: &Graph, bound: VarId) -> bool {
        self.pairs.iter().any(|&(_, to)| match to {
            Index::Var(var) => var == bound,
            Index::At(node) => graph.free(node).contains(&bound),
        })
    }

    /// A reduction that binds one of the replaced names (inside, that name is another variable and stays) or one of
    /// those the replacement brings in: its binder gets out of the way first.
    fn under_binder(&self, graph: &mut Graph, node: &Node, bound: VarId) -> NodeId {
        let Node::Reduce { op, body, cond, .. } = *node else { return graph.intern(node.clone()) };
        let fresh = graph.fresh_var(graph.var(bound).axis);
        let mut rename = Substitution::new(bound, Index::Var(fresh));
        let pairs = self.pairs.iter().copied().filter(|(from, _)| *from != bound).collect();
        let mut inner = Substitution::many(pairs);
        let mut replace = |graph: &mut Graph, id: NodeId| {
            let renamed = rename.apply(graph, id);
            inner.apply(graph, renamed)
        };
        let body = replace(graph, body);
        let cond = cond.map(|cond| replace(graph, cond));
        graph.reduce(op, fresh, body, cond)
    }

    fn rebuild(&self, graph: &mut Graph, node: &Node, children: &[NodeId]) -> NodeId {
        let new: Vec<NodeId> = children.iter().map(|child| self.done.get(child).copied().unwrap_or(*child)).collect();
        self.rebuild_with(graph, node, new)
    }

    fn rebuild_with(&self, graph: &mut Graph, node: &Node, new: Vec<NodeId>) -> NodeId {
        match node {
            Node::Var(var) => match self.lookup(*var) {
                Some(Index::Var(to)) => graph.intern(Node::Var(to)),
                Some(Index::At(node)) => node,
                None => graph.intern(node.clone()),
            },
            Node::Load(input, index) => {
                let mut computed = new.into_iter();
                let index: Vec<Index> = index
                    .iter()
                    .map(|index| match *index {
                        Index::Var(var) => self.lookup(var).map_or(Index::Var(var), |to| plain_index(graph, to)),
                        Index::At(old) => plain_index(graph, Index::At(computed.next().unwrap_or(old))),
                    })
                    .collect();
                graph.load(*input, &index)
            }
            // The binder is canonical for its height, and heights only grow outwards: but a computed index may bring
            // reductions of its own, so the reduction is closed anew.
            Node::Reduce { op, var, cond, .. } => {
                let (body, cond) = (new.first().copied(), cond.and(new.get(1).copied()));
                match body {
                    Some(body) => graph.reduce(*op, *var, body, cond),
                    None => graph.intern(node.clone()),
                }
            }
            _ => graph.with_children(node, &new),
        }
    }
}

/// A computed index that is just a variable is that variable.
fn plain_index(graph: &Graph, index: Index) -> Index {
    match index {
        Index::At(node) => match graph.node(node) {
            Node::Var(var) => Index::Var(*var),
            _ => index,
        },
        Index::Var(_) => index,
    }
}
