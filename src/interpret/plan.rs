//! The order of evaluation: levels of row sums, tiles of rows, and the arrays that are alive.
#![allow(clippy::indexing_slicing)] // Proven: tables are made with one entry a node, an input or an axis.

use super::array::{Array, each, pairwise, row_major};
use super::{ELEMENT_LIMIT, InterpretError};
use crate::ir::graph::{Graph, Index, InputId, Node, NodeId, ROW, VarId};
use crate::ir::op::ReduceOp;
use crate::ir::program::Bindings;

/// Elements an intermediate array of one tile should have at most.
const TILE_ELEMENTS: usize = 1 << 20;

/// Values of `roots`.
pub fn run(
    graph: &Graph,
    seed: Option<InputId>,
    roots: &[NodeId],
    bindings: &Bindings<'_, f64>,
) -> Result<Vec<Array>, InterpretError> {
    check(graph, seed, roots, bindings)?;
    let mut machine = Machine::new(graph, seed, roots, bindings)?;
    for level in 0..=machine.top {
        machine.level(level)?;
    }
    Ok(roots.iter().map(|root| machine.finished(*root)).collect())
}

/// Every input that is read has the numbers that its axes ask for.
fn check(
    graph: &Graph,
    seed: Option<InputId>,
    roots: &[NodeId],
    bindings: &Bindings<'_, f64>,
) -> Result<(), InterpretError> {
    let count = |what, expected, found| Err(InterpretError::WrongCount { what, expected, found });
    if bindings.sizes.len() != graph.axes().len() {
        return count("axis sizes", graph.axes().len(), bindings.sizes.len());
    }
    if bindings.inputs.len() != graph.inputs().len() {
        return count("inputs", graph.inputs().len(), bindings.inputs.len());
    }
    if !bindings.seed.is_empty() && bindings.seed.len() != bindings.rows {
        return count("row weights", bindings.rows, bindings.seed.len());
    }
    for id in graph.reachable(roots) {
        let &Node::Load(read, _) = graph.node(id) else { continue };
        let input = graph.input(read);
        let expected = input.axes.iter().map(|axis| bindings.sizes[axis.index()]).product();
        let found = bindings.inputs[read.index()].len();
        if found != expected && seed != Some(read) {
            return Err(InterpretError::WrongLength { name: input.name.clone(), expected, found });
        }
    }
    Ok(())
}

struct Machine<'a> {
    graph: &'a Graph,
    bindings: &'a Bindings<'a, f64>,
    seed: Option<InputId>,
    order: Vec<NodeId>,
    /// How many row sums stand beneath a node.
    levels: Vec<usize>,
    top: usize,
    roots: Vec<bool>,
    values: Vec<Option<Array>>,
    /// Rows of the tile at work.
    tile: std::ops::Range<usize>,
    tile_rows: usize,
}

impl<'a> Machine<'a> {
    fn new(
        graph: &'a Graph,
        seed: Option<InputId>,
        roots: &[NodeId],
        bindings: &'a Bindings<'a, f64>,
    ) -> Result<Self, InterpretError> {
        let order = graph.reachable(roots);
        let mut levels = vec![0; graph.len()];
        for &id in &order {
            let below = graph.children(graph.node(id)).iter().map(|child| levels[child.index()]).max().unwrap_or(0);
            levels[id.index()] = below + usize::from(sums_rows(graph, id));
        }
        let top = order.iter().map(|id| levels[id.index()]).max().unwrap_or(0);
        let mut is_root = vec![false; graph.len()];
        roots.iter().for_each(|root| is_root[root.index()] = true);
        let rows = 0..bindings.rows;
        let mut machine = Machine {
            graph,
            bindings,
            seed,
            order,
            levels,
            top,
            roots: is_root,
            values: vec![None; graph.len()],
            tile: rows,
            tile_rows: bindings.rows.max(1),
        };
        machine.tile_rows = machine.choose_tile()?;
        Ok(machine)
    }

    /// Rows a tile: all of them when something other than a sum crosses rows.
    fn choose_tile(&self) -> Result<usize, InterpretError> {
        let rows = self.bindings.rows.max(1);
        let mut widest: u128 = 1;
        let mut tiled = true;
        for &id in &self.order {
            let inner: u128 =
                self.graph.free(id).iter().filter(|var| **var != ROW).map(|var| self.size(*var) as u128).product();
            if self.graph.free(id).contains(&ROW) {
                widest = widest.max(inner);
            } else if inner > ELEMENT_LIMIT as u128 {
                return Err(InterpretError::TooLarge { node: id.0, elements: inner, limit: ELEMENT_LIMIT });
            }
            if let Node::Reduce { op, var: ROW, .. } = self.graph.node(id) {
                tiled &= *op == ReduceOp::Sum;
            }
        }
        let tile = if tiled { (TILE_ELEMENTS as u128 / widest).clamp(1, rows as u128) } else { rows as u128 };
        if tile * widest > ELEMENT_LIMIT as u128 {
            let elements = tile * widest;
            return Err(InterpretError::TooLarge { node: 0, elements, limit: ELEMENT_LIMIT });
        }
        Ok(tile as usize)
    }

    fn size(&self, var: VarId) -> usize {
        match var {
            ROW => self.tile.len(),
            _ => self.bindings.sizes[self.graph.var(var).axis.index()],
        }
    }

    fn by_row(&self, id: NodeId) -> bool {
        self.graph.free(id).contains(&ROW)
    }

    /// Everything of one level: first what does not depend on the row, then the rows, tile by tile.
    fn level(&mut self, level: usize) -> Result<(), InterpretError> {
        let at = |machine: &Self, id: NodeId| machine.levels[id.index()] == level;
        let once: Vec<NodeId> = (self.order.iter().copied())
            .filter(|&id| at(self, id) && !self.by_row(id) && !sums_rows(self.graph, id))
            .collect();
        self.pass(&once, true);
        let sums: Vec<NodeId> = (self.order.iter().copied())
            .filter(|&id| self.levels[id.index()] == level + 1 && sums_rows(self.graph, id))
            .collect();
        let outputs: Vec<NodeId> = (self.order.iter().copied())
            .filter(|&id| at(self, id) && self.by_row(id) && self.roots[id.index()])
            .collect();
        if sums.is_empty() && outputs.is_empty() {
            return Ok(());
        }
        self.rows(&sums, &outputs)
    }

    fn rows(&mut self, sums: &[NodeId], outputs: &[NodeId]) -> Result<(), InterpretError> {
        let bodies: Vec<NodeId> = sums.iter().flat_map(|&sum| self.graph.children(self.graph.node(sum))).collect();
        let needed: Vec<NodeId> = (self.graph.reachable(&[bodies.as_slice(), outputs].concat()).into_iter())
            .filter(|&id| self.by_row(id))
            .collect();
        let rows = self.bindings.rows;
        let mut partial: Vec<Vec<Array>> = vec![Vec::new(); sums.len()];
        let mut collected: Vec<Vec<f64>> = vec![Vec::new(); outputs.len()];
        for start in (0..rows.max(1)).step_by(self.tile_rows) {
            self.tile = start..(start + self.tile_rows).min(rows);
            let keep: Vec<NodeId> = bodies.iter().chain(outputs).copied().collect();
            self.tile_pass(&needed, &keep);
            for (partial, &sum) in partial.iter_mut().zip(sums) {
                partial.push(self.compute(sum));
            }
            for (collected, id) in collected.iter_mut().zip(outputs) {
                collected.extend(self.values[id.index()].iter().flat_map(|array| array.data.iter()));
            }
            for id in &needed {
                self.values[id.index()] = None;
            }
        }
        self.tile = 0..rows;
        for (partial, sum) in partial.into_iter().zip(sums) {
            self.values[sum.index()] = Some(combine(partial));
        }
        for (data, id) in collected.into_iter().zip(outputs) {
            let vars = self.graph.free(*id).to_vec();
            let dims = vars.iter().map(|var| self.size(*var)).collect();
            self.values[id.index()] = Some(Array { vars, dims, data });
        }
        Ok(())
    }

    /// Computes nodes in order. With `keep_rows`, arrays that rows will need later stay.
    fn pass(&mut self, ids: &[NodeId], keep_rows: bool) {
        let mut users = vec![0_usize; self.graph.len()];
        for &id in &self.order {
            let forever = keep_rows && (self.by_row(id) || sums_rows(self.graph, id));
            for child in self.graph.children(self.graph.node(id)) {
                users[child.index()] = if forever { usize::MAX } else { users[child.index()].saturating_add(1) };
            }
        }
        for &id in ids {
            let array = self.compute(id);
            self.values[id.index()] = Some(array);
            for child in self.graph.children(self.graph.node(id)) {
                let left = &mut users[child.index()];
                if *left != usize::MAX {
                    *left -= 1;
                    if *left == 0 && !self.roots[child.index()] {
                        self.values[child.index()] = None;
                    }
                }
            }
        }
    }

    /// Computes the rows of a tile, dropping each array after its last use.
    fn tile_pass(&mut self, ids: &[NodeId], keep: &[NodeId]) {
        let mut last: Vec<Option<NodeId>> = vec![None; self.graph.len()];
        for &id in ids {
            for child in self.graph.children(self.graph.node(id)) {
                last[child.index()] = Some(id);
            }
        }
        keep.iter().for_each(|id| last[id.index()] = None);
        for &id in ids {
            let array = self.compute(id);
            self.values[id.index()] = Some(array);
            for child in self.graph.children(self.graph.node(id)) {
                if last[child.index()] == Some(id) && self.by_row(child) {
                    self.values[child.index()] = None;
                }
            }
        }
    }

    fn finished(&self, root: NodeId) -> Array {
        self.values[root.index()].clone().unwrap_or_else(|| self.compute(root))
    }

    fn value(&self, id: NodeId) -> &Array {
        const MISSING: &Array = &Array { vars: Vec::new(), dims: Vec::new(), data: Vec::new() };
        debug_assert!(self.values[id.index()].is_some(), "%{} is used before it is computed", id.0);
        self.values[id.index()].as_ref().unwrap_or(MISSING)
    }

    fn compute(&self, id: NodeId) -> Array {
        let vars = self.graph.free(id).to_vec();
        let dims: Vec<usize> = vars.iter().map(|var| self.size(*var)).collect();
        let mut data = Vec::with_capacity(dims.iter().product());
        match self.graph.node(id) {
            Node::Const(bits) => data.push(f64::from_bits(*bits)),
            Node::Size(axis) => data.push(self.bindings.sizes[axis.index()] as f64),
            Node::Var(var) => {
                let start = if *var == ROW { self.tile.start } else { 0 };
                data.extend((0..self.size(*var)).map(|at| (start + at) as f64));
            }
            Node::Load(input, index) => self.load(*input, index, &vars, &dims, &mut data),
            Node::Apply(op, args) => {
                let arrays: Vec<&Array> = args.iter().map(|&arg| self.value(arg)).collect();
                let strides: Vec<Vec<usize>> = arrays.iter().map(|array| array.strides(&vars)).collect();
                let mut scratch = vec![0.0; arrays.len()];
                each(&dims, &strides, |offsets| {
                    for ((slot, array), &offset) in scratch.iter_mut().zip(&arrays).zip(offsets) {
                        *slot = array.data[offset];
                    }
                    data.push((op.info().eval)(&scratch));
                });
            }
            Node::Reduce { op, var, body, cond } => self.reduce(*op, *var, (*body, *cond), (&vars, &dims), &mut data),
        }
        Array { vars, dims, data }
    }

    fn load(&self, input: InputId, index: &[Index], vars: &[VarId], dims: &[usize], data: &mut Vec<f64>) {
        if Some(input) == self.seed {
            let even = 1.0 / self.bindings.rows as f64;
            data.extend(self.tile.clone().map(|row| self.bindings.seed.get(row).copied().unwrap_or(even)));
            return;
        }
        let axes: Vec<usize> =
            self.graph.input(input).axes.iter().map(|axis| self.bindings.sizes[axis.index()]).collect();
        let source = self.bindings.inputs[input.index()];
        let strides = row_major(&axes);
        let mut plain = vec![0; vars.len()];
        let mut base = 0;
        let mut computed: Vec<(&Array, usize, usize)> = Vec::new();
        for ((index, &stride), &size) in index.iter().zip(&strides).zip(&axes) {
            match index {
                Index::Var(var) => {
                    base += if *var == ROW { self.tile.start * stride } else { 0 };
                    let at = vars.iter().position(|free| free == var);
                    at.into_iter().for_each(|at| plain[at] += stride);
                }
                Index::At(node) => computed.push((self.value(*node), stride, size)),
            }
        }
        let mut all = vec![plain];
        all.extend(computed.iter().map(|(array, ..)| array.strides(vars)));
        each(dims, &all, |offsets| {
            let mut offset = base + offsets[0];
            for ((array, stride, size), &at) in computed.iter().zip(&offsets[1..]) {
                offset += stride * clamp_index(array.data[at], *size);
            }
            data.push(source.get(offset).copied().unwrap_or(f64::NAN));
        });
    }

    fn reduce(
        &self,
        op: ReduceOp,
        var: VarId,
        (body, cond): (NodeId, Option<NodeId>),
        (vars, dims): (&[VarId], &[usize]),
        data: &mut Vec<f64>,
    ) {
        let body = self.value(body);
        let cond = cond.map(|cond| self.value(cond));
        let size = self.size(var);
        let step = |array: &Array| array.strides(&[var])[0];
        let (body_step, cond_step) = (step(body), cond.map_or(0, step));
        let mut strides = vec![body.strides(vars)];
        strides.extend(cond.map(|cond| cond.strides(vars)));
        let mut members: Vec<(usize, f64)> = Vec::with_capacity(size);
        each(dims, &strides, |offsets| {
            members.clear();
            for at in 0..size {
                if cond.is_none_or(|cond| cond.data[offsets[1] + at * cond_step] != 0.0) {
                    members.push((at, body.data[offsets[0] + at * body_step]));
                }
            }
            data.push(fold(op, &members));
        });
    }
}

fn sums_rows(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id), Node::Reduce { var: ROW, .. })
}

fn clamp_index(index: f64, size: usize) -> usize {
    // NaN and negative numbers become 0.
    (index as usize).min(size.saturating_sub(1))
}

/// The partial sums of the tiles, added pairwise; what is no sum has one tile.
fn combine(partial: Vec<Array>) -> Array {
    let Some(first) = partial.first() else { return Array::of(0.0) };
    if partial.len() == 1 {
        return first.clone();
    }
    let sum = |at: usize| pairwise(&partial.iter().map(|array| array.data[at]).collect::<Vec<f64>>());
    Array { data: (0..first.data.len()).map(sum).collect(), ..first.clone() }
}

/// One reduction of the members (index and value) that the condition left.
fn fold(op: ReduceOp, members: &[(usize, f64)]) -> f64 {
    let values = || members.iter().map(|&(_, value)| value);
    let best = |better: fn(f64, f64) -> bool| {
        members.iter().copied().reduce(|best, next| {
            let replace = better(next.1, best.1) || (next.1.is_nan() && !best.1.is_nan());
            if replace { next } else { best }
        })
    };
    let largest = || best(|next, best| next > best);
    let smallest = || best(|next, best| next < best);
    match op {
        ReduceOp::Sum => pairwise(&values().collect::<Vec<f64>>()),
        ReduceOp::Prod => values().product(),
        ReduceOp::Max => largest().map_or(op.identity(), |(_, value)| value),
        ReduceOp::Min => smallest().map_or(op.identity(), |(_, value)| value),
        ReduceOp::ArgMax => largest().map_or(op.identity(), |(at, _)| at as f64),
        ReduceOp::ArgMin => smallest().map_or(op.identity(), |(at, _)| at as f64),
        ReduceOp::LogSumExp => largest().map_or(op.identity(), |(at, top)| {
            if top.is_infinite() || top.is_nan() {
                return top;
            }
            // The largest term is exactly 1, so that log1p keeps what the others add, however small.
            let others = members.iter().filter(|member| member.0 != at).map(|member| (member.1 - top).exp());
            top + pairwise(&others.collect::<Vec<f64>>()).ln_1p()
        }),
        ReduceOp::Norm => {
            let scale =
                values().fold(0.0, |scale: f64, value| if value.is_nan() { value } else { scale.max(value.abs()) });
            if scale == 0.0 || !scale.is_finite() {
                return scale;
            }
            scale * pairwise(&values().map(|value| (value / scale) * (value / scale)).collect::<Vec<f64>>()).sqrt()
        }
    }
}
