//! The graph: hash-consed scalar expressions over index variables.
//!
//! Every node stands for a scalar that depends on a few *index variables* (its free variables): `k[row, i] · η[row, i]`
//! depends on `row` and `i`. Broadcasting is implicit, a reducer binds one variable, and the value of a node is an array
//! over its free variables. Nodes are immutable, interned (equal expressions are one node), and arguments have smaller
//! ids than the nodes that use them, so a pass is one loop over ids.
//!
//! Binders are named canonically, by axis and height above the leaves, so that equal reductions are one node and an
//! inner binder never has the name of a variable free inside it. Depends on `support` and `op`.

mod node;
mod substitution;
mod written;

use std::collections::HashMap;
use std::rc::Rc;

pub use node::{Axis, AxisId, Index, Input, InputId, InputRole, Node, NodeId, ROW, ROWS, Var, VarId, VarKind};
pub use substitution::Substitution;

use super::op::{Op, ReduceOp};
use super::support::Interval;
#[derive(Clone, Debug)]
struct Entry {
    node: Node,
    support: Interval,
    free: Rc<[VarId]>,
    height: u32,
}

/// The graph. Ids are only valid in the graph that made them.
#[derive(Clone, Debug)]
pub struct Graph {
    entries: Vec<Entry>,
    interned: HashMap<Node, NodeId>,
    axes: Vec<Axis>,
    vars: Vec<Var>,
    var_ids: HashMap<Var, VarId>,
    inputs: Vec<Input>,
    fresh: u32,
    written: written::Written,
}

impl Default for Graph {
    fn default() -> Self {
        let rows = Axis { name: Some("batch".into()), size: None };
        let row = Var { axis: ROWS, kind: VarKind::Axis(0) };
        Graph {
            entries: Vec::new(),
            interned: HashMap::new(),
            axes: vec![rows],
            vars: vec![row],
            var_ids: HashMap::from([(row, ROW)]),
            inputs: Vec::new(),
            fresh: 0,
            written: Default::default(),
        }
    }
}

#[allow(clippy::indexing_slicing)] // Proven: ids are made by this graph only and nothing is ever removed from it.
impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No node yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The node behind an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.entries[id.index()].node
    }

    /// The values a node can take.
    pub fn support(&self, id: NodeId) -> Interval {
        self.entries[id.index()].support
    }

    /// The index variables a node depends on, ascending.
    pub fn free(&self, id: NodeId) -> &[VarId] {
        &self.entries[id.index()].free
    }

    /// The axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// An axis.
    pub fn axis(&self, id: AxisId) -> &Axis {
        &self.axes[id.index()]
    }

    /// An axis, to be given a size or a name.
    pub fn axis_mut(&mut self, id: AxisId) -> &mut Axis {
        &mut self.axes[id.index()]
    }

    /// A new axis.
    pub fn add_axis(&mut self, axis: Axis) -> AxisId {
        self.axes.push(axis);
        AxisId(self.axes.len() as u32 - 1)
    }

    /// An index variable.
    pub fn var(&self, id: VarId) -> Var {
        self.vars[id.index()]
    }

    /// All index variables.
    pub fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// The inputs.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// An input.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.index()]
    }

    /// An input, to be refined while names are being resolved (before any load of it is made).
    pub fn input_mut(&mut self, id: InputId) -> &mut Input {
        &mut self.inputs[id.index()]
    }

    /// A new input.
    pub fn add_input(&mut self, input: Input) -> InputId {
        self.inputs.push(input);
        InputId(self.inputs.len() as u32 - 1)
    }

    fn intern_var(&mut self, var: Var) -> VarId {
        if let Some(&id) = self.var_ids.get(&var) {
            return id;
        }
        let id = VarId(self.vars.len() as u32);
        self.vars.push(var);
        self.var_ids.insert(var, id);
        id
    }

    /// The variable that stands for an axis where no reducer binds it; `nth` tells a name's repeated axes apart.
    pub fn axis_var(&mut self, axis: AxisId, nth: u32) -> VarId {
        self.intern_var(Var { axis, kind: VarKind::Axis(nth) })
    }

    /// The variables that stand for an input's own axes, in order: what a gradient with respect to it depends on.
    pub fn own_vars(&mut self, input: InputId) -> Vec<VarId> {
        let axes = self.inputs[input.index()].axes.clone();
        self.axis_vars(&axes)
    }

    /// One variable an axis; a repeated axis is told apart, counted from the right.
    pub fn axis_vars(&mut self, axes: &[AxisId]) -> Vec<VarId> {
        Var::of(axes).into_iter().map(|var| self.intern_var(var)).collect()
    }

    /// A variable not used before, to be bound by [`Graph::reduce`].
    pub fn fresh_var(&mut self, axis: AxisId) -> VarId {
        self.fresh += 1;
        self.intern_var(Var { axis, kind: VarKind::Fresh(self.fresh) })
    }

    /// A constant.
    pub fn constant(&mut self, value: f64) -> NodeId {
        // −0 and 0 are one constant, and so are all NaNs.
        let value = if value == 0.0 {
            0.0
        } else if value.is_nan() {
            f64::NAN
        } else {
            value
        };
        self.intern(Node::Const(value.to_bits()))
    }

    /// The value of a constant node.
    pub fn as_const(&self, id: NodeId) -> Option<f64> {
        match self.node(id) {
            Node::Const(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    /// A primitive applied to its arguments.
    pub fn apply(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        debug_assert_eq!(op.info().arity, args.len(), "{op:?}");
        self.intern(Node::Apply(op, args.into()))
    }

    /// An element of an input.
    pub fn load(&mut self, input: InputId, index: &[Index]) -> NodeId {
        self.intern(Node::Load(input, index.into()))
    }

    /// A reduction of `body` over `var`, which is renamed to the canonical binder. [`ROW`] keeps its name.
    pub fn reduce(&mut self, op: ReduceOp, var: VarId, body: NodeId, cond: Option<NodeId>) -> NodeId {
        let bound = if var == ROW { ROW } else { self.binder(var, body, cond) };
        let reduction = if bound == var {
            self.intern(Node::Reduce { op, var, body, cond })
        } else {
            let mut rename = Substitution::new(var, Index::Var(bound));
            let body = rename.apply(self, body);
            let cond = cond.map(|cond| rename.apply(self, cond));
            self.intern(Node::Reduce { op, var: bound, body, cond })
        };
        self.written.reduced(var, reduction);
        reduction
    }

    /// The canonical binder for `var`: above every reducer inside, and no other variable that is free inside.
    fn binder(&mut self, var: VarId, body: NodeId, cond: Option<NodeId>) -> VarId {
        let axis = self.var(var).axis;
        let mut height = 1 + self.height(body).max(cond.map_or(0, |cond| self.height(cond)));
        loop {
            let bound = self.intern_var(Var { axis, kind: VarKind::Bound(height) });
            let taken = |id: NodeId| self.free(id).contains(&bound);
            if bound == var || !(taken(body) || cond.is_some_and(taken)) {
                return bound;
            }
            height += 1;
        }
    }

    fn height(&self, id: NodeId) -> u32 {
        self.entries[id.index()].height
    }

    /// Interns a node as it is: for passes that rebuild nodes whose binders are canonical already.
    pub fn intern(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.interned.get(&node) {
            return id;
        }
        let support = self.derive_support(&node);
        let free = self.derive_free(&node);
        let height = self.derive_height(&node);
        let id = NodeId(self.entries.len() as u32);
        self.entries.push(Entry { node: node.clone(), support, free, height });
        self.interned.insert(node, id);
        id
    }

    /// The same expression with its support narrowed to what a proof has shown (a branch of `if`, a canonical form).
    ///
    /// Refinement adds knowledge, never values, so it holds for the node wherever it occurs only when the proof does:
    /// callers must have established it for every evaluation of this node.
    pub fn narrow(&mut self, id: NodeId, support: Interval) {
        let entry = &mut self.entries[id.index()];
        entry.support = entry.support.intersect(support);
    }

    /// Derives a node's support anew, after its arguments were narrowed.
    pub fn refresh_support(&mut self, id: NodeId) {
        let derived = self.derive_support(self.node(id));
        let known = self.support(id);
        if derived != known && !known.intersect(derived).is_empty() {
            self.narrow(id, derived);
        }
    }

    fn derive_support(&self, node: &Node) -> Interval {
        match node {
            Node::Const(bits) => Interval::point(f64::from_bits(*bits)),
            Node::Load(input, _) => self.input(*input).support,
            Node::Var(var) => self.index_support(self.var(*var).axis),
            Node::Size(axis) => match self.axis(*axis).size {
                Some(size) => Interval::point(size as f64),
                None => Interval::integers(1.0, f64::INFINITY),
            },
            Node::Apply(op, args) => {
                let supports: Vec<Interval> = args.iter().map(|&arg| self.support(arg)).collect();
                (op.info().support)(&supports)
            }
            Node::Reduce { op, var, body, cond } => {
                let size = self.axis(self.var(*var).axis).size;
                op.support(self.support(*body), size, cond.is_some())
            }
        }
    }

    fn index_support(&self, axis: AxisId) -> Interval {
        let hi = self.axis(axis).size.map_or(f64::INFINITY, |size| size as f64 - 1.0);
        Interval::integers(0.0, hi)
    }

    fn derive_free(&self, node: &Node) -> Rc<[VarId]> {
        let mut free: Vec<VarId> = Vec::new();
        match node {
            Node::Const(_) | Node::Size(_) => {}
            Node::Var(var) => free.push(*var),
            Node::Load(_, index) => {
                for index in index.iter() {
                    match index {
                        Index::Var(var) => free.push(*var),
                        Index::At(node) => free.extend(self.free(*node)),
                    }
                }
            }
            Node::Apply(_, args) => args.iter().for_each(|&arg| free.extend(self.free(arg))),
            Node::Reduce { var, body, cond, .. } => {
                free.extend(self.free(*body));
                free.extend(cond.iter().flat_map(|&cond| self.free(cond)));
                free.retain(|free| free != var);
            }
        }
        free.sort_unstable();
        free.dedup();
        free.into()
    }

    fn derive_height(&self, node: &Node) -> u32 {
        let below = self.children(node).into_iter().map(|child| self.height(child)).max().unwrap_or(0);
        match node {
            // A binder may stand higher than the reducers inside need, to keep clear of a free variable.
            Node::Reduce { var, .. } => match self.var(*var).kind {
                VarKind::Bound(height) => height.max(below + 1),
                _ => below + 1,
            },
            _ => below,
        }
    }

    /// The nodes a node is made of.
    pub fn children(&self, node: &Node) -> Vec<NodeId> {
        match node {
            Node::Const(_) | Node::Var(_) | Node::Size(_) => Vec::new(),
            Node::Load(_, index) => {
                index.iter().filter_map(|index| if let Index::At(node) = index { Some(*node) } else { None }).collect()
            }
            Node::Apply(_, args) => args.to_vec(),
            Node::Reduce { body, cond, .. } => std::iter::once(*body).chain(*cond).collect(),
        }
    }

    /// The same node with its children replaced (in the order of [`Graph::children`]).
    pub fn with_children(&mut self, node: &Node, children: &[NodeId]) -> NodeId {
        let old = self.interned.get(node).copied();
        let rebuilt = match node {
            Node::Const(_) | Node::Var(_) | Node::Size(_) => node.clone(),
            Node::Load(input, index) => {
                let mut next = children.iter();
                let index = index.iter().map(|index| match index {
                    Index::At(old) => Index::At(next.next().copied().unwrap_or(*old)),
                    Index::Var(var) => Index::Var(*var),
                });
                Node::Load(*input, index.collect())
            }
            Node::Apply(op, _) => Node::Apply(*op, children.into()),
            Node::Reduce { op, var, cond, .. } => {
                Node::Reduce { op: *op, var: *var, body: children[0], cond: cond.map(|_| children[1]) }
            }
        };
        let rebuilt = self.intern(rebuilt);
        old.into_iter().for_each(|old| self.keep_index_name(old, rebuilt));
        rebuilt
    }

    /// All nodes reachable from `roots`, arguments before users.
    pub fn reachable(&self, roots: &[NodeId]) -> Vec<NodeId> {
        let mut seen = vec![false; self.len()];
        let mut stack: Vec<NodeId> = roots.to_vec();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                stack.extend(self.children(self.node(id)));
            }
        }
        (0..self.len() as u32).map(NodeId).filter(|id| seen[id.index()]).collect()
    }
}
