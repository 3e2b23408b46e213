//! The names that a program gives to the indices of its reducers.
//!
//! Binders are named by axis and height, so that equal reductions are one node; what was written is remembered beside
//! them, for people to read. Of equal reductions the first one's name counts, and what a reduction becomes keeps it.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Graph, Node, NodeId, VarId};

/// Names of reductions, and of the variables that are still to be bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    reductions: HashMap<NodeId, Rc<str>>,
    vars: HashMap<VarId, Rc<str>>,
}

impl Written {
    /// A reduction over `var` was made.
    pub fn reduced(&mut self, var: VarId, reduction: NodeId) {
        if let Some(name) = self.vars.get(&var) {
            self.reductions.entry(reduction).or_insert_with(|| name.clone());
        }
    }
}

impl Graph {
    /// What the program calls a variable that it is about to reduce over.
    pub fn name_index(&mut self, var: VarId, name: &str) {
        self.written.vars.insert(var, name.into());
    }

    /// What the program calls the index of a reduction.
    pub fn index_name(&self, reduction: NodeId) -> Option<&str> {
        self.written.reductions.get(&reduction).map(AsRef::as_ref)
    }

    /// What a reduction has become keeps its name: another reduction over the axis, or an operation on such.
    pub fn keep_index_name(&mut self, from: NodeId, to: NodeId) {
        let axis = |id: NodeId| match self.node(id) {
            Node::Reduce { var, .. } => Some(self.var(*var).axis),
            _ => None,
        };
        let Some(name) = self.written.reductions.get(&from).cloned() else { return };
        let parts = if axis(to).is_some() { vec![to] } else { self.children(self.node(to)) };
        for part in parts.into_iter().filter(|&part| axis(part) == axis(from)).collect::<Vec<_>>() {
            self.written.reductions.entry(part).or_insert_with(|| name.clone());
        }
    }
}
