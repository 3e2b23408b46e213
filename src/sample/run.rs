//! The draws themselves: laws for some rows at a time, a number of the stream for each element.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rand::RngCore;

use super::batch::{Batch, Density};
use super::law::{Flaw, Law};
use super::plan::{Target, by_row, row_axes};
use super::{Drawn, Request};
use crate::compile::Program;
use crate::data::BoundColumn;
use crate::data::names::element_names;
use crate::data::random::{Purpose, stream};
use crate::diag::{Diagnostic, codes};
use crate::evaluate::EvaluateError;
use crate::ir::graph::{Graph, InputId};
use crate::ir::support::Interval;

/// Laws that are held at once, about.
const LAWS: usize = 1 << 11;
/// Draws whose densities are evaluated at once, where they depend on what was drawn.
const PAIRS: usize = 1 << 8;

/// A name that is drawn: where its values go.
#[derive(Clone, Debug)]
struct Name {
    input: InputId,
    name: String,
    /// Sizes of its axes without the rows.
    dims: Vec<usize>,
    /// One value for all rows of a draw.
    once: bool,
    /// Numbers of the stream before its own.
    offset: usize,
}

impl Name {
    fn width(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A program on a table, ready to draw.
pub struct Sampler {
    graph: Graph,
    targets: Vec<(Target, Density)>,
    names: Vec<Name>,
    made: HashMap<InputId, InputId>,
    inputs: Vec<Vec<f64>>,
    sizes: Vec<usize>,
    rows: usize,
    columns: Vec<BoundColumn>,
    request: Request,
}

/// Laws, one an element that differs.
type Laws = Vec<Law>;

impl Sampler {
    pub(super) fn new(
        program: &Program,
        targets: Vec<Target>,
        mut inputs: Vec<Vec<f64>>,
        mut sizes: Vec<usize>,
        (columns, rows): (Vec<BoundColumn>, usize),
        request: &Request,
    ) -> Result<Sampler, EvaluateError> {
        let mut graph = program.hir.graph.clone();
        // The checked graph is older than the seed's input.
        inputs.truncate(graph.inputs().len());
        sizes.resize(graph.axes().len(), 1);
        let made = by_row(&mut graph, &targets);
        let mut wrong = Vec::new();
        let mut ready = Vec::new();
        for mut target in targets {
            if let Some(size) = target.categories.and_then(|axis| sizes.get(axis.index())) {
                target.support = Interval::integers(0.0, *size as f64 - 1.0);
            }
            match Density::new(&graph, &target, &made) {
                Ok(density) => ready.push((target, density)),
                Err(message) => wrong.push(Diagnostic::new(codes::E0801, target.span, message)),
            }
        }
        let names = names(program, &ready, &sizes);
        let sampler =
            Sampler { graph, targets: ready, names, made, inputs, sizes, rows, columns, request: request.clone() };
        wrong.extend(sampler.uncovered());
        if wrong.is_empty() { Ok(sampler) } else { Err(EvaluateError::Program(wrong)) }
    }

    /// Every element of a name has to have one density.
    fn uncovered(&self) -> Vec<Diagnostic> {
        let batch = Batch { rows: 1, inputs: Vec::new(), sizes: self.sizes.clone() };
        let mut wrong = Vec::new();
        for name in &self.names {
            let mut times = vec![0; name.width()];
            let mut last = None;
            for (target, density) in self.targets.iter().filter(|(target, _)| target.input == name.input) {
                last = Some(target.span);
                for (place, _) in density.places(&batch, &name.dims).0 {
                    times.get_mut(place).into_iter().for_each(|times| *times += 1);
                }
            }
            let text = &name.name;
            let message = if times.iter().any(|times| *times > 1) {
                format!(
                    "`{text}` stands left of the bar in more than one density: together they are no law to draw from"
                )
            } else if times.contains(&0) {
                format!("only some of the elements of `{text}` have a density to draw them from")
            } else {
                continue;
            };
            wrong.push(Diagnostic::new(codes::E0801, last.unwrap_or_default(), message));
        }
        wrong
    }

    /// Names of the columns: what is drawn, then what the table gave.
    pub fn columns(&self) -> Vec<String> {
        let drawn = self.names.iter().flat_map(|name| element_names(&name.name, &name.dims));
        drawn.chain(self.columns.iter().flat_map(|column| element_names(&column.name, &column.dims))).collect()
    }

    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Draws everything: row by row, each row's draws in order.
    ///
    /// # Errors
    /// A density that is no law for a row; what `take` refuses.
    pub fn run<E: From<EvaluateError>>(&self, mut take: impl FnMut(Drawn) -> Result<(), E>) -> Result<(), E> {
        let mut common: HashMap<usize, Laws> = HashMap::new();
        let width = self.names.iter().filter(|name| !name.once).map(Name::width).sum::<usize>().max(1);
        let dependent = self.targets.iter().any(|(target, _)| target.dependent);
        let together = (LAWS / width).max(1);
        for first in (0..self.rows).step_by(together) {
            let rows: Vec<usize> = (first..self.rows.min(first.saturating_add(together))).collect();
            let rows = rows.as_slice();
            let mut laws: HashMap<usize, Laws> = HashMap::new();
            let batch = self.batch(rows, &HashMap::new());
            for (at, (target, density)) in self.targets.iter().enumerate().filter(|(_, (target, _))| !target.dependent)
            {
                let into = if density.by_row() { &mut laws } else { &mut common };
                if let Entry::Vacant(place) = into.entry(at) {
                    place.insert(self.laws(target, density, &batch, rows)?);
                }
            }
            let draws = self.request.draws;
            let pairs = rows.len() * draws;
            let step = if dependent { (PAIRS / width).max(1) } else { pairs.clamp(1, PAIRS * 16) };
            for from in (0..pairs).step_by(step) {
                let block: Vec<(usize, usize)> =
                    (from..pairs.min(from + step)).map(|pair| (pair / draws, pair % draws)).collect();
                let known = |at: usize| laws.get(&at).or_else(|| common.get(&at));
                for drawn in self.block(rows, &block, known)? {
                    take(drawn)?;
                }
            }
        }
        Ok(())
    }

    /// Draws of pairs of a row (its place in `rows`) and a draw.
    fn block<'l>(
        &self,
        rows: &[usize],
        block: &[(usize, usize)],
        known: impl Fn(usize) -> Option<&'l Laws>,
    ) -> Result<Vec<Drawn>, EvaluateError> {
        let mut values: HashMap<InputId, Vec<f64>> = HashMap::new();
        let numbers: Vec<usize> = block.iter().filter_map(|(at, _)| rows.get(*at).copied()).collect();
        for (at, (target, density)) in self.targets.iter().enumerate() {
            let Some(name) = self.names.iter().find(|name| name.input == target.input) else { continue };
            let made;
            let (laws, own) = match known(at) {
                Some(laws) => (laws, false),
                None => {
                    made = self.laws(target, density, &self.batch(&numbers, &values), &numbers)?;
                    (&made, true)
                }
            };
            let batch = Batch { rows: block.len(), inputs: Vec::new(), sizes: self.sizes.clone() };
            let (places, stride) = density.places(&batch, &name.dims);
            let into = values.entry(name.input).or_insert_with(|| vec![f64::NAN; block.len() * name.width()]);
            for (pair, &(row, draw)) in block.iter().enumerate() {
                let first = stride * if own { pair } else { row };
                for &(place, law) in &places {
                    let u = self.number(name, rows.get(row).copied().unwrap_or(0), draw, place);
                    let value = laws.get(first + law).map_or(f64::NAN, |law| law.quantile(u));
                    into.get_mut(pair * name.width() + place).into_iter().for_each(|slot| *slot = value);
                }
            }
        }
        Ok(self.lines(&numbers, block, &values))
    }

    fn lines(&self, numbers: &[usize], block: &[(usize, usize)], values: &HashMap<InputId, Vec<f64>>) -> Vec<Drawn> {
        let line = |(pair, (&row, &(_, draw))): (usize, (&usize, &(usize, usize)))| {
            let drawn = self.names.iter().flat_map(|name| {
                let all = values.get(&name.input).map_or(&[][..], Vec::as_slice);
                all.get(pair * name.width()..(pair + 1) * name.width()).unwrap_or(&[])
            });
            let given = self.columns.iter().flat_map(|column| column.row(row));
            Drawn { row: row + 1, draw: draw + 1, values: drawn.chain(given).copied().collect() }
        };
        numbers.iter().zip(block).enumerate().map(line).collect()
    }

    /// A number in (0, 1): the element's own in the stream of its row, or of all rows.
    fn number(&self, name: &Name, row: usize, draw: usize, place: usize) -> f64 {
        let width: usize = self.names.iter().filter(|other| other.once == name.once).map(Name::width).sum();
        let mut random = stream(self.request.seed, Purpose::Draws, if name.once { 0 } else { row as u64 + 1 });
        random.set_word_pos(2 * (draw as u128 * width as u128 + (name.offset + place) as u128));
        ((random.next_u64() >> 11) as f64 + 0.5) * 2f64.powi(-53)
    }

    /// The rows of a table, with what has been drawn for them.
    fn batch(&self, rows: &[usize], drawn: &HashMap<InputId, Vec<f64>>) -> Batch {
        let zeros = |input: InputId| {
            let width: usize = row_axes(&self.graph, input).iter().filter_map(|a| self.sizes.get(a.index())).product();
            vec![0.0; width * if self.graph.input(input).per_row() { rows.len() } else { 1 }]
        };
        let one = |at: usize| {
            let input = InputId(at as u32);
            let source = self.made.iter().find(|(_, made)| **made == input).map_or(input, |(source, _)| *source);
            if !self.made.contains_key(&input)
                && let Some(values) = drawn.get(&source)
            {
                return values.clone();
            }
            match self.inputs.get(at) {
                Some(values) if !self.graph.input(input).per_row() => values.clone(),
                Some(values) if self.rows > 0 && !values.is_empty() => {
                    let width = values.len() / self.rows;
                    rows.iter()
                        .flat_map(|row| values.get(row * width..(row + 1) * width).unwrap_or(&[]))
                        .copied()
                        .collect()
                }
                _ => zeros(input),
            }
        };
        let inputs = (0..self.graph.inputs().len()).map(one).collect();
        Batch { rows: rows.len(), inputs, sizes: self.sizes.clone() }
    }

    fn laws(&self, target: &Target, density: &Density, batch: &Batch, rows: &[usize]) -> Result<Laws, EvaluateError> {
        let found = density.laws(batch)?;
        let each = if density.by_row() { found.len() / batch.rows.max(1) } else { 0 };
        let number = |at: usize| at.checked_div(each).and_then(|at| rows.get(at)).map(|row| row + 1);
        let one = |(at, law): (usize, Result<Law, Flaw>)| law.map_err(|flaw| self.flawed(target, flaw, number(at)));
        found.into_iter().enumerate().map(one).collect()
    }

    fn flawed(&self, target: &Target, flaw: Flaw, row: Option<usize>) -> EvaluateError {
        let (text, support) = (&target.text, target.support);
        let place = row.map_or_else(String::new, |row| format!(" in row {row}"));
        let sum = |total: f64| if total > 1.5 { "more than 1".into() } else { format!("{total:.6}, not to 1") };
        let message = match flaw {
            Flaw::Total(total) if support.integral => {
                format!("the probabilities of all {support} values of `{text}` add up to {}{place}", sum(total))
            }
            Flaw::Total(total) => {
                format!("the density of `{text}` over all {support} values adds up to {}{place}", sum(total))
            }
            Flaw::Rough if support.integral => {
                format!("the probabilities of `{text}` are spread over too many whole numbers to add them up{place}")
            }
            Flaw::Rough => format!("the density of `{text}` has too many bends or jumps to add it up{place}"),
        };
        EvaluateError::Program(vec![Diagnostic::new(codes::E0802, target.span, message)])
    }
}

/// The names that are drawn, in the program's order.
fn names(program: &Program, targets: &[(Target, Density)], sizes: &[usize]) -> Vec<Name> {
    let graph = &program.hir.graph;
    let mut names: Vec<Name> = Vec::new();
    for info in &program.hir.names {
        if !targets.iter().any(|(target, _)| target.input == info.input) {
            continue;
        }
        let size = |axis: &crate::ir::graph::AxisId| sizes.get(axis.index()).copied().unwrap_or(1);
        let dims = row_axes(graph, info.input).iter().map(size).collect();
        let once = !graph.input(info.input).per_row();
        let offset = names.iter().filter(|name| name.once == once).map(Name::width).sum();
        names.push(Name { input: info.input, name: info.name.clone(), dims, once, offset });
    }
    names
}
