//! What a trained network says about the rows of a part: predictions on their natural scale, and each density's view of
//! what was observed.

use std::collections::BTreeMap;

use super::moments::{self, Given};
use crate::compile::Program;
use crate::interpret;
use crate::ir::graph::{Graph, InputId, InputRole, Node, NodeId, ROW, VarId};
use crate::ir::program::Bindings;
use crate::sema::{Form, NameInfo, TermKind};
use crate::syntax::names::canonical;
use crate::train::errors::{Result, TrainError};

/// Values of a program's inputs over some rows, in f64.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// Number of rows.
    pub rows: usize,
    /// Heads and columns (rows × width), parameters (raw) and constants, by canonical name.
    pub by_name: BTreeMap<String, Vec<f64>>,
    /// Sizes of axes by canonical name.
    pub axes: BTreeMap<String, usize>,
}

/// A quantity with a value a row, or a value once.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// What it is called.
    pub name: String,
    /// Sizes of its axes, the rows left out.
    pub dims: Vec<usize>,
    /// Whether it has a value a row.
    pub by_row: bool,
    /// Row-major values, rows first.
    pub values: Vec<f64>,
}

/// A density term's view of one observed name.
#[derive(Debug, Clone)]
pub struct View {
    /// Canonical name of the distribution.
    pub family: String,
    /// The observed name, as the program spells it.
    pub observed: String,
    /// Whether the observations are whole numbers.
    pub discrete: bool,
    /// Elements of one row's observation.
    pub width: usize,
    /// The observations, rows × width.
    pub y: Vec<f64>,
    /// Log density (probability) of each.
    pub log_density: Vec<f64>,
    /// The predicted mean of each, where the library states it.
    pub mean: Option<Vec<f64>>,
    /// The predicted variance of each.
    pub variance: Option<Vec<f64>>,
    /// The distribution function at each, where it is known.
    pub cdf: Option<Vec<f64>>,
}

/// Evaluates nodes of a program's checked graph.
struct Evaluator<'a> {
    program: &'a Program,
    graph: Graph,
    sizes: Vec<usize>,
    values: &'a Values,
}

impl<'a> Evaluator<'a> {
    fn new(program: &'a Program, values: &'a Values) -> Result<Self> {
        let mut sizes = program.sizes(values.rows, &values.axes)?;
        // The checked graph is older than the seed's input but has the same axes.
        sizes.resize(program.hir.graph.axes().len(), 1);
        Ok(Evaluator { program, graph: program.hir.graph.clone(), sizes, values })
    }

    /// Whether every input that the nodes depend on has values.
    fn has(&self, nodes: &[NodeId]) -> bool {
        let known = |id: &InputId| {
            let info = self.program.hir.names.iter().find(|info| info.input == *id);
            info.is_some_and(|info| self.values.by_name.contains_key(&info.key))
        };
        needed(&self.graph, nodes).iter().all(known)
    }

    fn own_vars(&mut self, info: &NameInfo) -> (Vec<VarId>, Vec<usize>) {
        let vars = self.graph.own_vars(info.input);
        let axes = &self.program.hir.graph.input(info.input).axes;
        let dims = axes.iter().map(|axis| self.sizes.get(axis.index()).copied().unwrap_or(1)).collect();
        (vars, dims)
    }

    /// Values of nodes, each with its variables and sizes.
    fn run(&self, nodes: &[NodeId]) -> Result<Vec<interpret::Array>> {
        let needed = needed(&self.graph, nodes);
        let mut inputs: Vec<&[f64]> = Vec::new();
        for at in 0..self.graph.inputs().len() {
            let id = InputId(at as u32);
            let info = self.program.hir.names.iter().find(|info| info.input == id);
            let found = info.and_then(|info| self.values.by_name.get(&info.key));
            match found {
                Some(values) => inputs.push(values),
                None if !needed.contains(&id) => inputs.push(&[]),
                None => {
                    let name = info.map_or("?", |info| &info.name);
                    return Err(TrainError::Refused(format!("`{name}` is needed here, and nothing gives it a value")));
                }
            }
        }
        let bindings = Bindings { rows: self.values.rows, inputs, sizes: self.sizes.clone(), seed: &[] };
        Ok(interpret::values(&self.graph, nodes, &bindings)?)
    }

    /// Values of nodes over given variables.
    fn over(&self, nodes: &[NodeId], vars: &[VarId], dims: &[usize]) -> Result<Vec<Vec<f64>>> {
        Ok(self.run(nodes)?.iter().map(|array| array.broadcast(vars, dims)).collect())
    }
}

/// The inputs that nodes depend on.
pub fn needed(graph: &Graph, nodes: &[NodeId]) -> Vec<InputId> {
    let reached = graph.reachable(nodes);
    let load = |id: &NodeId| match graph.node(*id) {
        Node::Load(input, _) => Some(*input),
        _ => None,
    };
    let mut inputs: Vec<InputId> = reached.iter().filter_map(load).collect();
    inputs.sort_unstable();
    inputs.dedup();
    inputs
}

/// The density terms' views of what was observed: one for each plain call on a data name.
///
/// # Errors
/// Values that are missing, or an error of the library.
pub fn views(program: &Program, values: &Values) -> Result<Vec<View>> {
    let mut evaluator = Evaluator::new(program, values)?;
    let mut views = Vec::new();
    for term in &program.hir.terms {
        let TermKind::Density(form) = &term.kind else { continue };
        for (name, variate, params, log) in plain_calls(form) {
            let data = |info: &&NameInfo| info.role == InputRole::Data && info.key == canonical(variate);
            let Some(info) = program.hir.names.iter().find(data) else { continue };
            views.push(view(&mut evaluator, info, name, params, log)?);
        }
    }
    Ok(views)
}

type Call<'a> = (&'a str, &'a str, &'a [(String, String, NodeId)], NodeId);

/// Calls on one variate that stand for the whole density of it: not inside a mixture or another distribution.
fn plain_calls(form: &Form) -> Vec<Call<'_>> {
    match form {
        Form::Call { name, variates, params, log, inner } if inner.is_empty() => match variates.as_slice() {
            [variate] => vec![(name.as_str(), variate.as_str(), params.as_slice(), *log)],
            _ => Vec::new(),
        },
        Form::Product(parts) => parts.iter().flat_map(plain_calls).collect(),
        Form::Over(_, None, part) => plain_calls(part),
        _ => Vec::new(),
    }
}

/// Mean and standard deviation of each observed name under its density, where the library states them: `k.mean`, `k.sd`.
///
/// # Errors
/// Values that are missing, or an error of the library.
pub fn moments(program: &Program, values: &Values) -> Result<Vec<Quantity>> {
    let mut evaluator = Evaluator::new(program, values)?;
    let mut found = Vec::new();
    for term in &program.hir.terms {
        let TermKind::Density(form) = &term.kind else { continue };
        for (family, variate, params, _) in plain_calls(form) {
            let data = |info: &&NameInfo| info.role == InputRole::Data && info.key == canonical(variate);
            let Some(info) = program.hir.names.iter().find(data) else { continue };
            let nodes: Vec<NodeId> = params.iter().map(|(_, _, node)| *node).collect();
            if !evaluator.has(&nodes) {
                continue;
            }
            let (vars, dims) = evaluator.own_vars(info);
            let each = evaluator.over(&nodes, &vars, &dims)?;
            let given: Vec<Given> = params.iter().map(|(name, ..)| name.clone()).zip(each).collect();
            let unseen = vec![0.0; dims.iter().product()];
            let dims: Vec<usize> = dims.into_iter().skip(1).collect();
            for (what, label) in [("mean", "mean"), ("variance", "sd")] {
                let Some(mut values) = moments::property(family, what, &given, &unseen)? else { continue };
                if label == "sd" {
                    values.iter_mut().for_each(|x| *x = x.sqrt());
                }
                let name = format!("{}.{label}", info.name);
                found.push(Quantity { name, dims: dims.clone(), by_row: true, values });
            }
        }
    }
    Ok(found)
}

fn view(
    evaluator: &mut Evaluator<'_>,
    info: &NameInfo,
    family: &str,
    params: &[(String, String, NodeId)],
    log: NodeId,
) -> Result<View> {
    let (vars, dims) = evaluator.own_vars(info);
    let mut nodes = vec![log];
    nodes.extend(params.iter().map(|(_, _, node)| *node));
    let mut found = evaluator.over(&nodes, &vars, &dims)?.into_iter();
    let log_density = found.next().unwrap_or_default();
    let given: Vec<Given> = params.iter().map(|(name, ..)| name.clone()).zip(found).collect();
    let y = evaluator.values.by_name.get(&info.key).cloned().unwrap_or_default();
    let width = dims.iter().skip(1).product();
    let mean = moments::property(family, "mean", &given, &y)?;
    let variance = moments::property(family, "variance", &given, &y)?;
    let cdf = moments::property(family, "log_cdf", &given, &y)?;
    let cdf = cdf.map(|logs| logs.into_iter().map(f64::exp).collect());
    let discrete = evaluator.program.hir.graph.input(info.input).support.integral;
    let (family, observed) = (family.to_owned(), info.name.clone());
    Ok(View { family, observed, discrete, width, y, log_density, mean, variance, cdf })
}

/// Predictions, parameters, definitions and the densities' parameters on their natural scale, each once. What needs data
/// that is not there is left out.
///
/// # Errors
/// Values of predictions, parameters or constants that are missing.
pub fn quantities(program: &Program, values: &Values) -> Result<Vec<Quantity>> {
    let mut evaluator = Evaluator::new(program, values)?;
    let mut wanted: Vec<(String, NodeId)> = Vec::new();
    for info in &program.hir.names {
        match info.role {
            InputRole::Predict | InputRole::Param => wanted.push((info.name.clone(), info.natural)),
            _ => {}
        }
    }
    for (name, node, _) in &program.hir.definitions {
        wanted.push((name.clone(), *node));
    }
    for (family, param, node) in crate::compile::density_parameters(&program.hir) {
        if !wanted.iter().any(|(_, known)| *known == node) && evaluator.graph.as_const(node).is_none() {
            wanted.push((format!("{family}.{param}"), node));
        }
    }
    let mut found = Vec::new();
    for (name, node) in wanted {
        if evaluator.has(&[node]) {
            found.push(quantity(&mut evaluator, name, node)?);
        }
    }
    Ok(found)
}

fn quantity(evaluator: &mut Evaluator<'_>, name: String, node: NodeId) -> Result<Quantity> {
    let array = evaluator.run(&[node])?.into_iter().next();
    let array = array.ok_or_else(|| TrainError::Internal(format!("`{name}` has no value")))?;
    let by_row = array.vars.contains(&ROW);
    // Rows first, whatever order the variables came in.
    let mut order: Vec<(VarId, usize)> = array.vars.iter().copied().zip(array.dims.iter().copied()).collect();
    order.sort_by_key(|(var, _)| *var != ROW);
    let (vars, dims): (Vec<VarId>, Vec<usize>) = order.into_iter().unzip();
    let values = array.broadcast(&vars, &dims);
    let dims = dims.into_iter().skip(usize::from(by_row)).collect();
    Ok(Quantity { name, dims, by_row, values })
}

/// The natural values of the loss's parameters, for the record and the final line.
///
/// # Errors
/// A raw value that is missing.
pub fn natural_params(program: &Program, values: &Values) -> Result<Vec<Quantity>> {
    let mut evaluator = Evaluator::new(program, values)?;
    let params = program.hir.names.iter().filter(|info| info.role == InputRole::Param);
    params
        .map(|info| {
            let (vars, dims) = evaluator.own_vars(info);
            let values = evaluator.over(&[info.natural], &vars, &dims)?.into_iter().next().unwrap_or_default();
            Ok(Quantity { name: info.name.clone(), dims, by_row: false, values })
        })
        .collect()
}
