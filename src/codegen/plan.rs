//! From a legal loss to a [`Schedule`]: phases, stages, fusion of elementwise nodes, what is expanded and what is called.
//!
//! A node's *stage* is its depth in steps: an elementwise node shares the stage of its arguments on the same domain, and
//! everything else comes one later. The elementwise nodes of one phase, stage and domain are one map, which cannot be
//! cyclic because every edge between maps leads to a higher stage. `place` then gives every buffer its memory.

use std::collections::HashMap;

use super::layout::{Extent, Layout};
use super::legal::{Legal, is_arg};
use super::phases::phases;
use super::schedule::{Access, Schedule, is_elementwise};
use super::vmath::Function;
use crate::ir::graph::{Graph, Index, InputId, Node, NodeId, ROW, VarId};
use crate::ir::op::{Op, ReduceOp};

/// Elements of the shortest run for which a map gets a loop of its own.
const SHORTEST_RUN: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Phase {
    Once,
    Tile,
    After,
}

/// A node's value over a domain: its own, or a wider one it was expanded to.
pub(super) type Key = (NodeId, usize);

/// Sizes of the dimensions of a copy's destination and the source's strides along them.
pub(super) type Dims = Vec<(Extent, Vec<Extent>)>;

#[derive(Clone, Debug)]
pub(super) enum Work {
    Map { nodes: Vec<NodeId> },
    Apply { op: Op },
    Math { function: Function },
    Copy { dims: Dims, source: Option<InputId>, computed: Vec<(Extent, Extent)>, gradient: Option<usize> },
    Reduce { op: ReduceOp, outer: Extent, size: Extent, inner: Extent },
    Count { rows: bool },
    Rows,
    RowSum { width: usize, sum: usize },
    TermSum { sum: usize },
    Total { width: usize, sum: usize },
}

/// A step before its buffers have memory.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub phase: Phase,
    pub stage: u32,
    pub work: Work,
    /// Domain of the result (of the fused loop).
    pub domain: usize,
    pub outs: Vec<Key>,
    pub ins: Vec<Key>,
}

/// A gradient to be computed: input, node, and the variables of the input's axes in order.
pub(super) type Target = (InputId, NodeId, Vec<VarId>);

/// A term's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum TermKey {
    Sum(usize),
    Scalar(Key),
}

pub(super) struct Plan<'a> {
    pub graph: &'a Graph,
    pub layout: Layout,
    pub whole: bool,
    phases: Vec<Phase>,
    pub domains: Vec<Vec<VarId>>,
    /// Where the maps of a domain are cut into runs: the number of outer variables.
    splits: HashMap<usize, usize>,
    domain_ids: HashMap<Vec<VarId>, usize>,
    own: Vec<usize>,
    pub stage: HashMap<Key, u32>,
    pub items: Vec<Item>,
    pub sums: usize,
    pub terms: Vec<TermKey>,
    pub per_row: Option<Key>,
    /// Values stored straight into a gradient.
    pub direct: HashMap<Key, usize>,
}

impl Schedule {
    /// Schedules a legal loss for these axis sizes (the entry of [`crate::ir::graph::ROWS`] is not read).
    pub fn new(mut legal: Legal, sizes: &[usize]) -> Schedule {
        let targets: Vec<Target> = std::mem::take(&mut legal.gradients)
            .into_iter()
            .map(|(input, node)| (input, node, legal.graph.own_vars(input)))
            .collect();
        let graph = &legal.graph;
        let mut roots: Vec<NodeId> = legal.terms.clone();
        roots.extend(legal.per_row);
        roots.extend(targets.iter().map(|target| target.1));
        let nodes = graph.reachable(&roots);
        let outputs: Vec<Vec<VarId>> = targets.iter().map(|target| target.2.clone()).collect();
        let mut plan = Plan::new(graph, &nodes, &targets, Layout::new(graph, &nodes, &outputs, sizes));
        for &id in &nodes {
            plan.visit(id);
        }
        plan.add_terms(&legal.terms);
        plan.per_row = legal.per_row.map(|node| plan.own_key(node));
        plan.add_gradients(&targets);
        plan.use_block_math();
        plan.sink(&nodes);
        plan.group(&nodes);
        super::place::assign(plan, legal.seed)
    }
}

#[allow(clippy::indexing_slicing)] // Proven: tables have an entry for every node, variable and interned domain.
impl<'a> Plan<'a> {
    fn new(graph: &'a Graph, nodes: &[NodeId], targets: &[Target], layout: Layout) -> Self {
        let (phases, whole) = phases(graph, nodes, targets);
        let mut plan = Plan {
            graph,
            layout,
            whole,
            phases,
            domains: Vec::new(),
            splits: HashMap::new(),
            domain_ids: HashMap::new(),
            own: vec![0; graph.len()],
            stage: HashMap::new(),
            items: Vec::new(),
            sums: 0,
            terms: Vec::new(),
            per_row: None,
            direct: HashMap::new(),
        };
        for &id in nodes {
            plan.own[id.index()] = plan.domain(graph.free(id).to_vec());
        }
        plan.choose_splits(nodes);
        plan
    }

    /// Cuts each domain where most arguments of its elementwise nodes are one number a run or the same in every run, so
    /// that those need not be expanded; runs shorter than [`SHORTEST_RUN`] are not worth a loop.
    fn choose_splits(&mut self, nodes: &[NodeId]) {
        let mut votes: HashMap<(usize, usize), usize> = HashMap::new();
        for &id in nodes.iter().filter(|&&id| self.is_map(id)) {
            let Node::Apply(_, args) = self.graph.node(id) else { continue };
            let domain = self.own[id.index()];
            let vars = &self.domains[domain];
            for &arg in args.iter() {
                let own = &self.domains[self.own[arg.index()]];
                for cut in (1..vars.len()).filter(|&cut| *own == vars[..cut] || *own == vars[cut..]) {
                    let run = self.layout.count(&vars[cut..]);
                    if run.rows > 0 || run.fixed >= SHORTEST_RUN {
                        *votes.entry((domain, cut)).or_default() += 1;
                    }
                }
            }
        }
        let mut votes: Vec<((usize, usize), usize)> = votes.into_iter().collect();
        votes.sort_unstable();
        let mut most: HashMap<usize, usize> = HashMap::new();
        for ((domain, cut), count) in votes {
            let best = most.entry(domain).or_insert(0);
            if count > *best {
                *best = count;
                self.splits.insert(domain, cut);
            }
        }
    }

    /// How a map on `domain` reads an argument without expanding it.
    pub fn access(&self, arg: NodeId, domain: usize) -> Option<Access> {
        let own = self.own[arg.index()];
        let (vars, own_vars) = (&self.domains[domain], &self.domains[own]);
        if own_vars.is_empty() && own != domain {
            return Some(Access::Splat);
        }
        let cut = self.splits.get(&domain).copied();
        match cut {
            _ if own == domain => Some(Access::Stream),
            Some(cut) if *own_vars == vars[..cut] => Some(Access::Outer),
            Some(cut) if *own_vars == vars[cut..] => Some(Access::Inner),
            _ => None,
        }
    }

    /// The value of an argument that a map on `domain` reads: its own when the map can walk over it, else expanded.
    pub fn map_key(&self, arg: NodeId, domain: usize) -> Key {
        if self.access(arg, domain).is_some() { self.own_key(arg) } else { (arg, domain) }
    }

    /// Outer and inner elements of a map's domain.
    pub fn runs(&self, domain: usize) -> (Extent, Extent) {
        let vars = &self.domains[domain];
        let cut = self.splits.get(&domain).copied().unwrap_or(0);
        (self.layout.count(&vars[..cut]), self.layout.count(&vars[cut..]))
    }

    /// The id of a set of variables, laid out.
    fn domain(&mut self, mut vars: Vec<VarId>) -> usize {
        vars.sort_by_key(|&var| self.layout.rank(var));
        vars.dedup();
        if let Some(&id) = self.domain_ids.get(&vars) {
            return id;
        }
        self.domains.push(vars.clone());
        self.domain_ids.insert(vars, self.domains.len() - 1);
        self.domains.len() - 1
    }

    pub fn phase(&self, node: NodeId) -> Phase {
        self.phases[node.index()]
    }

    pub fn own_key(&self, node: NodeId) -> Key {
        (node, self.own[node.index()])
    }

    pub fn extent(&self, domain: usize) -> Extent {
        self.layout.count(&self.domains[domain])
    }

    pub fn is_map(&self, node: NodeId) -> bool {
        match self.graph.node(node) {
            Node::Apply(op, _) => is_elementwise(*op),
            Node::Const(_) => true,
            _ => false,
        }
    }

    /// An input read where it lies: all subscripts are variables, in layout order.
    pub fn is_stream(&self, node: NodeId) -> bool {
        let Node::Load(_, index) = self.graph.node(node) else { return false };
        let vars = &self.domains[self.own[node.index()]];
        index.len() == vars.len() && index.iter().zip(vars).all(|(index, var)| *index == Index::Var(*var))
    }

    /// The stage after which a value can be used in a phase.
    fn ready(&self, phase: Phase, key: Key) -> u32 {
        if self.phase(key.0) == phase { self.stage.get(&key).copied().unwrap_or(0) } else { 0 }
    }

    fn push(&mut self, phase: Phase, work: Work, domain: usize, outs: Vec<Key>, ins: Vec<Key>) {
        let stage = 1 + ins.iter().map(|&key| self.ready(phase, key)).max().unwrap_or(0);
        for &out in &outs {
            self.stage.insert(out, stage);
        }
        self.items.push(Item { phase, stage, work, domain, outs, ins });
    }

    /// A node's value over a domain that contains its own, expanded when it is wider.
    fn over(&mut self, node: NodeId, domain: usize) -> Key {
        let key = (node, domain);
        if self.own[node.index()] == domain || self.stage.contains_key(&key) {
            return key;
        }
        let vars = self.domains[domain].clone();
        let dims = self.strides_of(node, &vars);
        let work = Work::Copy { dims, source: None, computed: Vec::new(), gradient: None };
        self.push(self.phase(node), work, domain, vec![key], vec![self.own_key(node)]);
        key
    }

    /// The strides of a node's dense buffer along these variables.
    fn strides_of(&self, node: NodeId, vars: &[VarId]) -> Dims {
        let own = &self.domains[self.own[node.index()]];
        vars.iter()
            .map(|&var| {
                let at = own.iter().position(|&other| other == var);
                (self.layout.extent(var), at.map(|at| self.layout.count(&own[at + 1..])).into_iter().collect())
            })
            .collect()
    }

    fn visit(&mut self, id: NodeId) {
        let (phase, domain) = (self.phase(id), self.own[id.index()]);
        match self.graph.node(id) {
            Node::Const(_) => {
                self.stage.insert((id, domain), 1);
            }
            Node::Load(input, index) => self.visit_load(id, *input, index),
            Node::Var(var) => {
                let rows = *var == ROW && !self.whole;
                self.push(phase, Work::Count { rows }, domain, vec![(id, domain)], Vec::new());
            }
            Node::Size(_) => self.push(phase, Work::Rows, domain, vec![(id, domain)], Vec::new()),
            Node::Apply(op, args) if is_elementwise(*op) => self.visit_elementwise(id, args),
            Node::Apply(op, args) => {
                let ins = args.iter().map(|&arg| self.over(arg, domain)).collect();
                self.push(phase, Work::Apply { op: *op }, domain, vec![(id, domain)], ins);
            }
            Node::Reduce { op, var, body, cond } => self.visit_reduce(id, *op, *var, *body, *cond),
        }
    }

    fn visit_load(&mut self, id: NodeId, input: InputId, index: &[Index]) {
        let domain = self.own[id.index()];
        if self.is_stream(id) {
            self.stage.insert((id, domain), 0);
            return;
        }
        let strides = self.layout.strides(self.graph.input(input));
        let axes = self.graph.input(input).axes.clone();
        let dims = self.domains[domain]
            .iter()
            .map(|&var| {
                let along = index.iter().zip(&strides).filter(|(index, _)| **index == Index::Var(var));
                (self.layout.extent(var), along.map(|(_, &stride)| stride).collect())
            })
            .collect();
        let (mut ins, mut computed) = (Vec::new(), Vec::new());
        for ((index, &stride), &axis) in index.iter().zip(&strides).zip(&axes) {
            if let Index::At(node) = index {
                ins.push(self.over(*node, domain));
                computed.push((self.layout.axis(axis), stride));
            }
        }
        let work = Work::Copy { dims, source: Some(input), computed, gradient: None };
        self.push(self.phase(id), work, domain, vec![(id, domain)], ins);
    }

    fn visit_elementwise(&mut self, id: NodeId, args: &[NodeId]) {
        let (phase, domain) = (self.phase(id), self.own[id.index()]);
        let mut stage = 1;
        for &arg in args {
            if self.graph.as_const(arg).is_some() {
                continue;
            }
            let key = if self.access(arg, domain).is_some() { self.own_key(arg) } else { self.over(arg, domain) };
            let fused = key == self.own_key(arg) && key.1 == domain && self.is_map(arg);
            let ready = self.ready(phase, key);
            stage = stage.max(if fused { ready } else { ready + 1 });
        }
        self.stage.insert((id, domain), stage);
    }

    fn visit_reduce(&mut self, id: NodeId, op: ReduceOp, var: VarId, body: NodeId, cond: Option<NodeId>) {
        let own = self.own[id.index()];
        let mut vars = self.graph.free(body).to_vec();
        vars.extend(cond.iter().flat_map(|&cond| self.graph.free(cond)));
        vars.push(var);
        let domain = self.domain(vars);
        let mut ins = vec![self.over(body, domain)];
        if let (Some(cond), true) = (cond, is_arg(op)) {
            ins.push(self.over(cond, domain));
        }
        if var == ROW && !self.whole {
            let width = self.extent(own).fixed;
            let sum = self.sums;
            self.sums += width;
            self.push(Phase::Tile, Work::RowSum { width, sum }, domain, Vec::new(), ins);
            self.push(Phase::After, Work::Total { width, sum }, own, vec![(id, own)], Vec::new());
            return;
        }
        let at = self.domains[domain].iter().position(|&other| other == var).unwrap_or(0);
        let vars = &self.domains[domain];
        let (outer, inner) = (self.layout.count(&vars[..at]), self.layout.count(&vars[at + 1..]));
        let work = Work::Reduce { op, outer, size: self.layout.extent(var), inner };
        self.push(self.phase(id), work, own, vec![(id, own)], ins);
    }

    fn add_terms(&mut self, terms: &[NodeId]) {
        for &node in terms {
            let key = self.own_key(node);
            let term = if self.graph.free(node).contains(&ROW) {
                let sum = self.sums;
                self.sums += 1;
                self.push(Phase::Tile, Work::TermSum { sum }, key.1, Vec::new(), vec![key]);
                TermKey::Sum(sum)
            } else {
                TermKey::Scalar(key)
            };
            self.terms.push(term);
        }
    }

    /// A gradient is stored where it is computed when it is computed in the input's own order; else it is copied.
    fn add_gradients(&mut self, targets: &[Target]) {
        for (position, (input, node, vars)) in targets.iter().enumerate() {
            let key = self.own_key(*node);
            let tiled = self.graph.input(*input).per_row() && !self.whole;
            let produced = !matches!(self.graph.node(*node), Node::Const(_)) && !self.is_stream(*node);
            let same = self.domains[key.1] == *vars && (!tiled || self.phase(*node) == Phase::Tile);
            if produced && same && !self.direct.contains_key(&key) {
                self.direct.insert(key, position);
                continue;
            }
            let dims = self.strides_of(*node, vars);
            let work = Work::Copy { dims, source: None, computed: Vec::new(), gradient: Some(position) };
            let phase = if tiled { Phase::Tile } else { self.phase(*node) };
            self.push(phase, work, key.1, Vec::new(), vec![key]);
        }
    }
}
