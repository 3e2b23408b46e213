//! Observations that their densities exclude: outside the support that the other values of their row leave.
//!
//! What a name alone must satisfy is checked when its column is bound. What depends on more than that (k ≤ n of
//! `binomial`, the bounds of `truncated`) is a condition that the density itself states ([`crate::sema::inside`]); here
//! it is computed for every row, and what breaks it is reported as a cell of the table. Depends on `sema`, `interpret`
//! and `data`.

use std::collections::{BTreeSet, HashMap};

use super::names::wanted;
use crate::compile::Program;
use crate::data::options::Bind;
use crate::data::{DataError, DataErrors, Table, Violation, Violations, bind::bound_to};
use crate::diag::number;
use crate::interpret::{self, Array, InterpretError};
use crate::ir::graph::{Graph, Index, InputId, InputRole, Node, NodeId, ROW, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::print::to_text;
use crate::ir::program::Bindings;
use crate::sema::{Term, TermKind};
use crate::syntax::names::canonical;

/// Where bound data came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The table.
    pub table: &'a Table,
    /// How its columns were chosen.
    pub binds: &'a [Bind],
    /// The table's row of each bound row.
    pub rows: &'a [usize],
}

/// What is checked of observations: the conditions under which they can be.
#[derive(Debug)]
pub struct Checks<'a> {
    program: &'a Program,
    graph: Graph,
    /// Term and condition.
    all: Vec<(&'a Term, NodeId)>,
}

/// What cannot be.
#[derive(Debug, Default)]
pub struct Broken {
    /// Rows of the batch.
    pub rows: BTreeSet<usize>,
    /// Labels of the terms that are infinite there.
    pub terms: BTreeSet<String>,
}

/// The index of an element along each variable.
type Place = Vec<(VarId, usize)>;

/// An element of an input, and what it needs to be.
struct Need {
    input: InputId,
    element: usize,
    needs: String,
}

impl<'a> Checks<'a> {
    /// Those that read nothing but inputs that are `known`.
    pub fn new(program: &'a Program, known: &dyn Fn(InputId) -> bool) -> Self {
        let mut graph = program.hir.graph.clone();
        let mut all = Vec::new();
        for term in &program.hir.terms {
            let condition = crate::sema::inside(&mut graph, term.node);
            let checked = conjuncts(&graph, condition).into_iter();
            // A cost that is infinite by itself is no matter of the data.
            let checked = checked.filter(|&part| {
                let read = reads(&graph, part);
                !read.is_empty() && read.iter().all(|(input, _)| known(*input))
            });
            let checked: Vec<NodeId> = checked.collect();
            let whole = checked.into_iter().reduce(|all, part| graph.apply(Op::And, &[all, part]));
            all.extend(whole.map(|condition| (term, condition)));
        }
        Checks { program, graph, all }
    }

    /// The same without those that compare rows with each other.
    #[must_use]
    pub fn row_by_row(mut self) -> Self {
        let graph = &self.graph;
        let across = |id: &NodeId| matches!(graph.node(*id), Node::Reduce { var, .. } if graph.var(*var).axis == ROWS);
        self.all.retain(|(_, condition)| !graph.reachable(&[*condition]).iter().any(across));
        self
    }

    /// The rows that break a condition; every row when one breaks that is not about rows.
    ///
    /// # Errors
    /// An intermediate array is too large.
    pub fn broken(&self, bindings: &Bindings<'_, f64>) -> Result<Broken, InterpretError> {
        let mut broken = Broken::default();
        for (at, place) in self.places(bindings)? {
            match row_of(&place) {
                Some(row) => drop(broken.rows.insert(row)),
                None => broken.rows.extend(0..bindings.rows),
            }
            broken.terms.extend(self.all.get(at).map(|(term, _)| term.label.clone()));
        }
        Ok(broken)
    }

    /// The condition (by number) and element of every breach.
    fn places(&self, bindings: &Bindings<'_, f64>) -> Result<Vec<(usize, Place)>, InterpretError> {
        let roots: Vec<NodeId> = self.all.iter().map(|(_, condition)| *condition).collect();
        let arrays = self.values(&roots, bindings)?;
        let mut found = Vec::new();
        for (at, array) in arrays.iter().enumerate() {
            let breaches = array.data.iter().enumerate().filter(|(_, holds)| **holds == 0.0);
            found.extend(breaches.map(|(flat, _)| (at, place_of(array, flat))));
        }
        Ok(found)
    }

    /// The inputs of a loss are those of its program, and the seed.
    fn values(&self, roots: &[NodeId], bindings: &Bindings<'_, f64>) -> Result<Vec<Array>, InterpretError> {
        let mut own = bindings.clone();
        own.inputs.truncate(self.graph.inputs().len());
        own.sizes.truncate(self.graph.axes().len());
        interpret::values(&self.graph, roots, &own)
    }

    /// Every breach as a cell of the table that the data came from.
    ///
    /// # Errors
    /// An intermediate array is too large.
    pub fn errors(&self, bindings: &Bindings<'_, f64>, origin: Origin<'_>) -> Result<DataErrors, InterpretError> {
        let mut cells: Vec<(InputId, Violations)> = Vec::new();
        let mut others = Vec::new();
        let mut reading: HashMap<usize, Reading<'_>> = HashMap::new();
        for (at, place) in self.places(bindings)? {
            let Some((term, condition)) = self.all.get(at).copied() else { continue };
            if let std::collections::hash_map::Entry::Vacant(entry) = reading.entry(at) {
                entry.insert(Reading::new(self, (term, condition), bindings)?);
            }
            let Some(reading) = reading.get(&at) else { continue };
            let row = row_of(&place).unwrap_or(0);
            let needs = reading.needs(condition, place);
            if needs.is_empty() {
                let reason = format!("`{}` does not hold", to_text(&self.graph, condition));
                others.push(DataError::Shape { name: term.label.clone(), reason });
            }
            for need in needs {
                match self.cell(&need, row, bindings, origin) {
                    Ok(violation) => {
                        let known = cells.iter().position(|(input, _)| *input == need.input);
                        let at = known.unwrap_or_else(|| {
                            let name = &self.graph.input(need.input).name;
                            cells.push((need.input, Violations::new(name, "")));
                            cells.len() - 1
                        });
                        cells.get_mut(at).into_iter().for_each(|(_, all)| all.add(|| violation.clone()));
                    }
                    Err(error) => others.push(error),
                }
            }
        }
        others.dedup();
        let mut errors = Vec::new();
        cells.into_iter().for_each(|(_, violations)| violations.finish(&mut errors));
        errors.extend(others);
        Ok(DataErrors(errors))
    }

    /// The cell that holds an element; what has no cell is an error of its own.
    fn cell(
        &self,
        need: &Need,
        row: usize,
        bindings: &Bindings<'_, f64>,
        origin: Origin<'_>,
    ) -> Result<Violation, DataError> {
        let input = self.graph.input(need.input);
        let column = self.program.name(need.input).and_then(|info| {
            let here = input.role != InputRole::Const;
            bound_to(origin.table, &wanted(self.program, info, true), origin.binds).filter(|_| here)
        });
        match column {
            Some(column) => {
                let width = column.width().max(1);
                let row = if input.per_row() { need.element / width } else { row };
                let row = origin.rows.get(row).copied().unwrap_or(row);
                let needs = Some(need.needs.clone());
                Ok(Violation { needs, ..origin.table.violation(&column, row * width + need.element % width) })
            }
            None => {
                let value = bindings.inputs.get(need.input.index()).and_then(|values| values.get(need.element));
                let reason = format!("it is {}, but needs {}", number(value.copied().unwrap_or(f64::NAN)), need.needs);
                Err(DataError::Shape { name: input.name.clone(), reason })
            }
        }
    }
}

/// A condition's parts with their values.
struct Reading<'a> {
    graph: &'a Graph,
    term: &'a Term,
    values: HashMap<NodeId, Array>,
    sizes: &'a [usize],
}

impl<'a> Reading<'a> {
    fn new(
        checks: &'a Checks<'_>,
        (term, condition): (&'a Term, NodeId),
        bindings: &'a Bindings<'_, f64>,
    ) -> Result<Self, InterpretError> {
        let graph = &checks.graph;
        let parts = parts(graph, condition);
        let arrays = checks.values(&parts, bindings)?;
        let values = parts.into_iter().zip(arrays).collect();
        Ok(Reading { graph, term, values, sizes: &bindings.sizes })
    }

    fn value(&self, id: NodeId, place: &Place) -> f64 {
        let Some(array) = self.values.get(&id) else { return f64::NAN };
        let index = |var: &VarId| place.iter().find(|(own, _)| own == var).map_or(0, |(_, at)| *at);
        let offsets = array.vars.iter().zip(array.strides(&array.vars)).map(|(var, stride)| index(var) * stride);
        array.data.get(offsets.sum::<usize>()).copied().unwrap_or(f64::NAN)
    }

    /// What the elements that break a condition need, one an element.
    fn needs(&self, condition: NodeId, place: Place) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        let mut stack = vec![(condition, place, " and ")];
        while let Some((id, place, joint)) = stack.pop() {
            if self.value(id, &place) != 0.0 {
                continue;
            }
            match self.graph.node(id) {
                Node::Apply(Op::And, args) => {
                    stack.extend(args.iter().rev().map(|arg| (*arg, place.clone(), joint)));
                }
                // Of several ways out, those that change the observation: not its weight, say.
                Node::Apply(Op::Or, args) => {
                    let rank = |arg: &NodeId| self.observed(*arg).map_or(usize::MAX, |(rank, ..)| rank);
                    let best = args.iter().map(rank).min();
                    let ways = args.iter().rev().filter(|arg| Some(rank(arg)) == best);
                    stack.extend(ways.map(|arg| (*arg, place.clone(), " or ")));
                }
                Node::Apply(Op::Select, args) => {
                    if let [test, a, b] = **args {
                        let taken = if self.value(test, &place) == 0.0 { b } else { a };
                        stack.push((taken, place, joint));
                    }
                }
                Node::Reduce { var, body, cond, .. } => {
                    let size = self.sizes.get(self.graph.var(*var).axis.index()).copied().unwrap_or(0);
                    let inner = (0..size).map(|at| place.iter().copied().chain([(*var, at)]).collect::<Place>());
                    let counts = |place: &Place| cond.is_none_or(|cond| self.value(cond, place) != 0.0);
                    stack.extend(inner.filter(counts).map(|place| (*body, place, joint)));
                }
                _ => match self.need(id, &place) {
                    Some(need) => join(&mut needs, need, joint),
                    None => continue,
                },
            }
        }
        needs
    }

    /// What the observed side of a comparison needs.
    fn need(&self, id: NodeId, place: &Place) -> Option<Need> {
        let Node::Apply(op, args) = self.graph.node(id) else { return self.whole(id, place) };
        let (&[a, b], Op::Lt | Op::Le | Op::Eq) = (args.as_ref(), op) else { return self.whole(id, place) };
        let sides = [(a, b, ["below", "at most"]), (b, a, ["above", "at least"])];
        let rated = sides.into_iter().filter_map(|side| Some((self.observed(side.0)?, side)));
        let ((_, input, load), (side, other, words)) = rated.min_by_key(|((rank, ..), _)| *rank)?;
        let subject = if side == load { String::new() } else { format!("`{}` ", to_text(self.graph, side)) };
        let bound = number(self.value(other, place));
        let source = match reads(self.graph, other).is_empty() {
            true => String::new(),
            false => format!(" (`{}`)", to_text(self.graph, other)),
        };
        let needs = match (op, words) {
            (Op::Lt, [word, _]) | (Op::Le, [_, word]) => format!("{subject}{word} {bound}{source}"),
            _ if is_floor(self.graph, side, other) || is_floor(self.graph, other, side) => "a whole number".into(),
            _ => format!("{subject}to be {bound}{source}"),
        };
        Some(Need { input, element: self.element(load, place), needs })
    }

    /// A condition that is no comparison, of the observation in it.
    fn whole(&self, id: NodeId, place: &Place) -> Option<Need> {
        let (_, input, load) = self.observed(id)?;
        let needs = format!("`{}`", to_text(self.graph, id));
        Some(Need { input, element: self.element(load, place), needs })
    }

    /// The input in an expression that a message is best about, with its rank: what the density is about, other data,
    /// anything else.
    fn observed(&self, id: NodeId) -> Option<(usize, InputId, NodeId)> {
        let about = match &self.term.kind {
            TermKind::Density(form) => form.calls().into_iter().flat_map(crate::sema::Form::variates).collect(),
            TermKind::Cost => Vec::new(),
        };
        let rank = |input: InputId| {
            let input = self.graph.input(input);
            let named =
                |text: &&String| canonical(text.split('[').next().unwrap_or_default()) == canonical(&input.name);
            let data = if input.role == InputRole::Data { 1 } else { 2 };
            if about.iter().any(named) { 0 } else { data }
        };
        let all = reads(self.graph, id).into_iter().map(|(input, load)| (rank(input), input, load));
        all.min_by_key(|(rank, ..)| *rank)
    }

    /// The number of an element in its input's values.
    fn element(&self, load: NodeId, place: &Place) -> usize {
        let Node::Load(input, index) = self.graph.node(load) else { return 0 };
        let size = |at: usize| {
            let axis = self.graph.input(*input).axes.get(at);
            axis.and_then(|axis| self.sizes.get(axis.index())).copied().unwrap_or(1)
        };
        index.iter().enumerate().fold(0, |flat, (at, index)| {
            let here = match index {
                Index::Var(var) => place.iter().find(|(own, _)| own == var).map_or(0, |(_, at)| *at),
                Index::At(node) => self.value(*node, place) as usize,
            };
            flat * size(at) + here
        })
    }
}

/// The conditions that have to hold together, in order; none for what always holds.
fn conjuncts(graph: &Graph, condition: NodeId) -> Vec<NodeId> {
    let (mut stack, mut found) = (vec![condition], Vec::new());
    while let Some(id) = stack.pop() {
        match graph.node(id) {
            Node::Apply(Op::And, parts) => stack.extend(parts.iter().rev()),
            Node::Const(bits) if f64::from_bits(*bits) != 0.0 => {}
            _ => found.push(id),
        }
    }
    found
}

/// Adds a need to those of the same element.
fn join(needs: &mut Vec<Need>, need: Need, joint: &str) {
    match needs.iter_mut().find(|known| (known.input, known.element) == (need.input, need.element)) {
        Some(known) if known.needs.contains(&need.needs) => {}
        Some(known) => known.needs = format!("{}{joint}{}", known.needs, need.needs),
        None => needs.push(need),
    }
}

fn row_of(place: &Place) -> Option<usize> {
    place.iter().find(|(var, _)| *var == ROW).map(|(_, at)| *at)
}

fn place_of(array: &Array, flat: usize) -> Place {
    let strides = array.strides(&array.vars);
    let indices = strides.iter().zip(&array.dims).map(|(stride, dim)| flat / stride.max(&1) % dim.max(&1));
    array.vars.iter().copied().zip(indices).collect()
}

fn is_floor(graph: &Graph, id: NodeId, of: NodeId) -> bool {
    matches!(graph.node(id), Node::Apply(Op::Floor, args) if args.as_ref() == [of])
}

/// The inputs that an expression reads, with the loads.
pub(super) fn reads(graph: &Graph, id: NodeId) -> Vec<(InputId, NodeId)> {
    let load = |id: NodeId| if let Node::Load(input, _) = graph.node(id) { Some((*input, id)) } else { None };
    graph.reachable(&[id]).into_iter().filter_map(load).collect()
}

/// Every node whose value says which part of a condition does not hold, and what would.
fn parts(graph: &Graph, root: NodeId) -> Vec<NodeId> {
    let mut found = BTreeSet::new();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        if !found.insert(id) {
            continue;
        }
        match graph.node(id) {
            Node::Apply(Op::And | Op::Or | Op::Select | Op::Lt | Op::Le | Op::Eq, args) => stack.extend(args.iter()),
            Node::Reduce { op: ReduceOp::Prod | ReduceOp::Max, body, cond, .. } => {
                stack.extend(cond.iter().chain([body]))
            }
            _ => {}
        }
        let subscripts = reads(graph, id).into_iter().flat_map(|(_, load)| graph.children(graph.node(load)));
        found.extend(subscripts);
    }
    found.into_iter().collect()
}
