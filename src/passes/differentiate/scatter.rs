//! From the adjoint of a load to the gradient of its input: subscripts become the input's own axis variables.

use super::{Adjoint, Reverse};
use crate::ir::graph::{Index, InputId, Node, NodeId, ROW, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};

impl Reverse<'_> {
    /// Adds the adjoint of a load to its input's gradient.
    ///
    /// A plain subscript is renamed to the input's own axis variable. A computed or repeated one becomes an equality
    /// with that variable, and what is left is summed over.
    pub(super) fn scatter(&mut self, load: NodeId, input: InputId, index: &[Index], adjoint: Adjoint) {
        let own = self.graph.own_vars(input);
        let rows_stay = index.iter().zip(&own).any(|(index, own)| *index == Index::Var(ROW) && *own == ROW);
        let seeded = adjoint.seeded && rows_stay;
        let value = if adjoint.seeded && !rows_stay {
            self.graph.apply(Op::Mul, &[self.seed, adjoint.value])
        } else {
            adjoint.value
        };
        let value = self.onto(load, index, &own, value);
        let slot = usize::from(!seeded);
        let mut sums = self.sums.get(&input).copied().unwrap_or_default();
        if let Some(sum) = sums.get_mut(slot) {
            *sum = Some(self.add(*sum, value));
        }
        self.sums.insert(input, sums);
    }

    fn onto(&mut self, load: NodeId, index: &[Index], own: &[VarId], value: NodeId) -> NodeId {
        let mut pairs: Vec<(VarId, Index)> = Vec::new();
        let mut equal: Vec<(VarId, Index)> = Vec::new();
        for (&index, &own) in index.iter().zip(own) {
            match index {
                Index::Var(var) if !pairs.iter().any(|(from, _)| *from == var) => pairs.push((var, Index::Var(own))),
                _ => equal.push((own, index)),
            }
        }
        let free = self.graph.free(load).to_vec();
        let mut over = Vec::new();
        for var in free.into_iter().filter(|var| !pairs.iter().any(|(from, _)| from == var)).collect::<Vec<_>>() {
            if own.contains(&var) {
                let fresh = self.graph.fresh_var(self.graph.var(var).axis);
                pairs.push((var, Index::Var(fresh)));
                over.push(fresh);
            } else {
                over.push(var);
            }
        }
        pairs.retain(|(from, to)| *to != Index::Var(*from));
        let mut rename = Substitution::many(pairs);
        let mut value = rename.apply(self.graph, value);
        let zero = self.graph.constant(0.0);
        for (own, index) in equal {
            let index = match index {
                Index::At(node) => node,
                Index::Var(var) => self.graph.intern(Node::Var(var)),
            };
            let index = rename.apply(self.graph, index);
            let own = self.graph.intern(Node::Var(own));
            let here = self.graph.apply(Op::Eq, &[own, index]);
            value = self.graph.apply(Op::Select, &[here, value, zero]);
        }
        for &var in over.iter().rev() {
            value = self.graph.reduce(ReduceOp::Sum, var, value, None);
        }
        value
    }
}
