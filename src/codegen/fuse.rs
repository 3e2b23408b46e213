//! What runs together: block math with several outputs, and elementwise nodes in maps.
//!
//! Works on a [`Plan`] whose items are all there; afterwards every elementwise node is part of a map item.

use std::collections::{HashMap, HashSet};

use super::plan::{Item, Key, Phase, Plan, TermKey, Work};
use super::schedule::is_elementwise;
use super::vmath::Function;
use crate::ir::graph::{Node, NodeId};
use crate::ir::op::Op;

/// What functions must share to be one call: the phase and the arguments.
type Arguments = (Phase, Vec<Key>);

#[allow(clippy::indexing_slicing)] // Proven: tables have an entry for every node, variable and interned domain.
impl Plan<'_> {
    /// Calls block math where there is any; functions of the same arguments that come together are one call.
    pub(super) fn use_block_math(&mut self) {
        let mut together: HashMap<Arguments, Vec<(Op, usize)>> = HashMap::new();
        for (at, item) in self.items.iter().enumerate() {
            if let Work::Apply { op } = item.work {
                together.entry((item.phase, item.ins.clone())).or_default().push((op, at));
            }
        }
        let mut merged: HashSet<usize> = HashSet::new();
        for at in 0..self.items.len() {
            let Work::Apply { op } = self.items[at].work else { continue };
            let group = &together[&(self.items[at].phase, self.items[at].ins.clone())];
            let position = |op: Op| group.iter().find(|other| other.0 == op).map(|other| other.1);
            let Some(function) = Function::giving(op, |op| position(op).is_some()) else { continue };
            let parts: Vec<usize> = function.ops.iter().filter_map(|&op| position(op)).collect();
            self.items[at].outs = parts.iter().flat_map(|&part| self.items[part].outs.clone()).collect();
            self.items[at].work = Work::Math { function };
            for part in parts.into_iter().filter(|&part| part != at) {
                merged.insert(part);
                self.items[part].work = Work::Math { function };
            }
        }
        let mut at = 0;
        self.items.retain(|_| {
            at += 1;
            !merged.contains(&(at - 1))
        });
    }

    /// The values that something other than a map on their own domain reads, or that are results.
    fn wanted(&self) -> HashSet<Key> {
        let mut wanted: HashSet<Key> = self.items.iter().flat_map(|item| item.ins.iter().copied()).collect();
        wanted.extend(self.per_row);
        wanted.extend(self.direct.keys().copied());
        wanted.extend(self.terms.iter().filter_map(|term| match term {
            TermKey::Scalar(key) => Some(*key),
            TermKey::Sum(_) => None,
        }));
        wanted
    }

    /// Moves elementwise nodes down to their first user, so that what is read there need not be stored.
    pub(super) fn sink(&mut self, nodes: &[NodeId]) {
        let wanted = self.wanted();
        let mut first_use: HashMap<NodeId, Option<u32>> = HashMap::new();
        for &id in nodes.iter().rev() {
            let Node::Apply(op, args) = self.graph.node(id) else { continue };
            if !is_elementwise(*op) {
                continue;
            }
            let key = self.own_key(id);
            if !wanted.contains(&key)
                && let Some(Some(stage)) = first_use.get(&id)
            {
                self.stage.insert(key, *stage);
            }
            let stage = self.stage.get(&key).copied().unwrap_or(1);
            for &arg in args.iter() {
                let together = self.own_key(arg).1 == key.1 && self.phase(arg) == self.phase(id);
                let here = together.then_some(stage);
                let entry = first_use.entry(arg).or_insert(here);
                *entry = entry.zip(here).map(|(a, b)| a.min(b));
            }
        }
    }

    /// Collects the elementwise nodes of each phase, stage and domain into one map.
    pub(super) fn group(&mut self, nodes: &[NodeId]) {
        let wanted = self.wanted();
        let mut groups: HashMap<(Phase, u32, usize), usize> = HashMap::new();
        for &id in nodes {
            let key = self.own_key(id);
            if !self.is_map(id) {
                continue;
            }
            if self.graph.as_const(id).is_some() && !wanted.contains(&key) {
                continue;
            }
            let stage = self.stage.get(&key).copied().unwrap_or(1);
            let phase = self.phase(id);
            let item = *groups.entry((phase, stage, key.1)).or_insert_with(|| {
                let work = Work::Map { nodes: Vec::new() };
                self.items.push(Item { phase, stage, work, domain: key.1, outs: Vec::new(), ins: Vec::new() });
                self.items.len() - 1
            });
            let ins = self.map_operands(id, (phase, stage, key.1));
            let item = &mut self.items[item];
            if let Work::Map { nodes } = &mut item.work {
                nodes.push(id);
            }
            item.ins.extend(ins);
            item.ins.sort_unstable();
            item.ins.dedup();
        }
        // What is read by any other step has to be stored.
        let wanted = self.wanted();
        for item in &mut self.items {
            if let Work::Map { nodes } = &item.work {
                item.outs = nodes.iter().map(|&node| (node, item.domain)).filter(|key| wanted.contains(key)).collect();
            }
        }
        self.items.sort_by_key(|item| (item.phase, item.stage));
    }

    /// The arguments of a map's node that come from outside the map.
    fn map_operands(&self, id: NodeId, group: (Phase, u32, usize)) -> Vec<Key> {
        let Node::Apply(_, args) = self.graph.node(id) else { return Vec::new() };
        args.iter()
            .filter(|&&arg| self.graph.as_const(arg).is_none() && !self.in_group(arg, group))
            .map(|&arg| self.map_key(arg, group.2))
            .collect()
    }

    /// Whether a node is computed inside this map.
    pub fn in_group(&self, node: NodeId, (phase, stage, domain): (Phase, u32, usize)) -> bool {
        let key = self.own_key(node);
        self.is_map(node) && key.1 == domain && self.phase(node) == phase && self.stage.get(&key) == Some(&stage)
    }
}
