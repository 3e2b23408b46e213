//! A target's density over a batch of rows: from the interpreter to laws, one an element that differs.

use std::collections::{HashMap, HashSet};

use super::law::{Flaw, Ground, Law, laws};
use super::plan::{Target, each_row, replaced};
use crate::interpret::{self, Array, InterpretError};
use crate::ir::graph::{Axis, AxisId, Graph, Index, Input, InputId, InputRole, Node, NodeId, ROW, ROWS, VarId};
use crate::ir::program::Bindings;
use crate::ir::support::Interval;

/// Numbers evaluated at once.
const AT_ONCE: usize = 1 << 18;

/// Rows to evaluate densities for, with what has been drawn for them.
pub(super) struct Batch {
    /// How many.
    pub rows: usize,
    /// Every input of the common graph, row-major.
    pub inputs: Vec<Vec<f64>>,
    /// Sizes of the common graph's axes but for the rows.
    pub sizes: Vec<usize>,
}

/// A target's log density as a function of a trial value.
#[derive(Clone, Debug)]
pub(super) struct Density {
    graph: Graph,
    log: NodeId,
    /// What the density depends on, of the target's subscripts: it has a law for each of their values.
    vars: Vec<VarId>,
    landmarks: Vec<NodeId>,
    /// Subscripts of what is drawn, the row first.
    pub index: Vec<Index>,
    support: Interval,
    atoms: bool,
}

impl Density {
    /// In a copy of the common graph, where `made` has the inputs that stand for those drawn once. The text says what the
    /// density depends on besides its parameters, if it does.
    pub fn new(common: &Graph, target: &Target, made: &HashMap<InputId, InputId>) -> Result<Density, String> {
        let mut graph = common.clone();
        let text = &target.text;
        let log = replaced(&mut graph, target.log, |graph, id| each_row(graph, id, made));
        let load = each_row(&mut graph, target.load, made).unwrap_or(target.load);
        let Node::Load(input, index) = graph.node(load).clone() else {
            return Err(format!("`{text}` is an expression"));
        };
        let own: HashSet<VarId> = graph.free(load).iter().copied().collect();
        let probe = Input { name: String::new(), role: InputRole::Data, axes: Vec::new(), support: target.support };
        let probe = graph.add_input(probe);
        let probe = graph.load(probe, &[]);
        let probed = replaced(&mut graph, log, |_, id| (id == load).then_some(probe));
        if graph.free(target.log).iter().any(|var| !graph.free(target.load).contains(var)) {
            return Err(format!("`{text}` is one value, but its density is taken of it many times"));
        }
        let reads = |root: NodeId| super::plan::inputs(&graph, root).contains(&input);
        if reads(probed) {
            return Err(format!(
                "`{text}` depends on other values of the same name: there is no order to draw them in"
            ));
        }
        let vars: Vec<VarId> = graph.free(probed).iter().copied().filter(|var| own.contains(var)).collect();
        let landmarks: Vec<NodeId> = target.landmarks.iter().copied().filter(|node| !reads(*node)).collect();
        let mut density = Density {
            graph: common.clone(),
            log,
            vars,
            landmarks,
            index: index.to_vec(),
            support: target.support,
            atoms: target.atoms,
        };
        density.at_trial(target, made);
        Ok(density)
    }

    /// Puts the trial value, an input over the laws and a last axis of its own, where the target stands.
    fn at_trial(&mut self, target: &Target, made: &HashMap<InputId, InputId>) {
        let graph = &mut self.graph;
        let mut axes: Vec<AxisId> = self.vars.iter().map(|var| graph.var(*var).axis).collect();
        let last = graph.add_axis(Axis { name: None, size: None });
        axes.push(last);
        let trial = Input { name: "trial".into(), role: InputRole::Data, axes, support: Interval::REAL };
        let trial = graph.add_input(trial);
        let each = graph.axis_var(last, 0);
        let index: Vec<Index> = self.vars.iter().copied().chain([each]).map(Index::Var).collect();
        let trial = graph.load(trial, &index);
        let log = replaced(graph, target.log, |graph, id| each_row(graph, id, made));
        let load = each_row(graph, target.load, made).unwrap_or(target.load);
        self.log = replaced(graph, log, |_, id| (id == load).then_some(trial));
        let marks = &mut self.landmarks;
        marks.iter_mut().for_each(|node| *node = replaced(graph, *node, |graph, id| each_row(graph, id, made)));
        self.vars.push(each);
    }

    /// The subscripts that tell laws apart.
    fn own_vars(&self) -> &[VarId] {
        self.vars.split_last().map_or(&[], |(_, own)| own)
    }

    /// Whether rows have laws of their own.
    pub fn by_row(&self) -> bool {
        self.own_vars().contains(&ROW)
    }

    fn size(&self, batch: &Batch, var: VarId) -> usize {
        let axis = self.graph.var(var).axis;
        if axis == ROWS { batch.rows } else { batch.sizes.get(axis.index()).copied().unwrap_or(1) }
    }

    /// The law of every element, row-major over [`Density::places`]'s numbers; each law or what is wrong with it.
    pub fn laws(&self, batch: &Batch) -> Result<Vec<Result<Law, Flaw>>, InterpretError> {
        let dims: Vec<usize> = self.own_vars().iter().map(|var| self.size(batch, *var)).collect();
        let elements: usize = dims.iter().product();
        let marks = self.values(batch, &self.landmarks, elements, 1, &vec![0.0; elements])?;
        let landmarks: Vec<Vec<Vec<f64>>> = marks.iter().map(|array| self.of_each(batch, array, &dims)).collect();
        let ground = |at: usize| {
            let landmarks = landmarks.iter().filter_map(|all| all.get(at)).flatten().copied().collect();
            Ground { support: self.support, landmarks, atoms: self.atoms }
        };
        let mut evaluate = |points: &[Vec<f64>]| self.logs(batch, points, &dims);
        laws((0..elements).map(ground).collect(), &mut evaluate)
    }

    /// Values of a node for every law, in whatever it varies besides.
    fn of_each(&self, batch: &Batch, array: &Array, dims: &[usize]) -> Vec<Vec<f64>> {
        let own = self.own_vars();
        let more: Vec<VarId> = array.vars.iter().copied().filter(|var| !own.contains(var)).collect();
        let sizes: Vec<usize> = more.iter().map(|var| self.size(batch, *var)).collect();
        let vars: Vec<VarId> = own.iter().chain(&more).copied().collect();
        let width = sizes.iter().product::<usize>().max(1);
        let values = array.broadcast(&vars, &dims.iter().chain(&sizes).copied().collect::<Vec<_>>());
        values.chunks(width).map(<[f64]>::to_vec).collect()
    }

    /// Log densities of every law at its points.
    fn logs(&self, batch: &Batch, points: &[Vec<f64>], dims: &[usize]) -> Result<Vec<Vec<f64>>, InterpretError> {
        let most = points.iter().map(Vec::len).max().unwrap_or(0);
        let step = (AT_ONCE / points.len().max(1)).max(1);
        let mut found: Vec<Vec<f64>> = points.iter().map(|own| Vec::with_capacity(own.len())).collect();
        for from in (0..most).step_by(step) {
            let width = step.min(most - from);
            let trial: Vec<f64> = points
                .iter()
                .flat_map(|own| (from..from + width).map(|at| own.get(at).or(own.last()).copied().unwrap_or(0.0)))
                .collect();
            let array = self.values(batch, &[self.log], points.len(), width, &trial)?;
            let sizes: Vec<usize> = dims.iter().copied().chain([width]).collect();
            let values = array.first().map_or_else(Vec::new, |array| array.broadcast(&self.vars, &sizes));
            for ((own, all), values) in found.iter_mut().zip(points).zip(values.chunks(width)) {
                own.extend(values.iter().take(all.len().saturating_sub(from)));
            }
        }
        Ok(found)
    }

    fn values(
        &self,
        batch: &Batch,
        nodes: &[NodeId],
        elements: usize,
        width: usize,
        trial: &[f64],
    ) -> Result<Vec<Array>, InterpretError> {
        debug_assert_eq!(trial.len(), elements * width);
        let mut sizes = batch.sizes.clone();
        if let Some(rows) = sizes.first_mut() {
            *rows = batch.rows;
        }
        sizes.push(width);
        let inputs = batch.inputs.iter().map(Vec::as_slice).chain([trial]).collect();
        interpret::values(&self.graph, nodes, &Bindings { rows: batch.rows, inputs, sizes, seed: &[] })
    }

    /// For every element that is drawn in one row: where it stands in the row's value, and which law it has there, as
    /// offset and step a row. `axes` are the name's without the rows, with their sizes.
    pub fn places(&self, batch: &Batch, axes: &[usize]) -> (Vec<(usize, usize)>, usize) {
        let own = self.own_vars();
        let sizes: Vec<usize> = own.iter().map(|var| self.size(batch, *var)).collect();
        let stride = |var: VarId| {
            let at = own.iter().position(|own| *own == var);
            at.map_or(0, |at| sizes.iter().skip(at + 1).product())
        };
        let mut places = vec![(0, 0)];
        for (&index, &size) in self.index.iter().skip(1).zip(axes) {
            let steps: Vec<(usize, usize)> = match index {
                Index::Var(var) => (0..size).map(|at| (at, at * stride(var))).collect(),
                Index::At(node) => vec![(self.graph.as_const(node).unwrap_or(0.0) as usize, 0)],
            };
            let join = |&(place, law): &(usize, usize)| {
                steps.iter().map(move |(at, step)| (place * size + at, law + step)).collect::<Vec<_>>()
            };
            places = places.iter().flat_map(join).collect();
        }
        (places, stride(ROW))
    }
}
