//! From a spec and its files to everything that trains: program, data, network, loss.
//!
//! The order is that of dependence: the program says what it wants of the data, the data gives the axes their sizes,
//! the sizes give the heads theirs, and all of them compile the loss. Depends on every lower part of `train`, on the
//! compiler's facade and on `data`; trains nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::bridge::{Binding, LossKernel};
use super::errors::{Result, TrainError};
use super::feed::Feed;
use super::kernel::TrainLoss;
use super::leak::leaks;
use super::network::{Head, HeadInit, InputShape, Network, layers};
use super::spec::{Finding, HeadStart, Program as ProgramText, Spec};
use super::start;
use crate::compile::{Program, axis_key, differentiable};
use crate::data::options::{OnInvalid, Part, TupleKind};
use crate::data::{DataError, DataErrors, Fitted, Folder, Inputs, Intake, Prepared, prepare};
use crate::diag::{Diagnostic, codes, did_you_mean, has_errors, not_utf8};
use crate::evaluate::{Checks, Origin, wanted};
use crate::files::Beside;
use crate::ir::graph::{AxisId, InputId, InputRole, ROWS};
use crate::ir::program::Bindings;
use crate::sema::{self, NameInfo, Options, ROW_COUNT};
use crate::source::Source;
use crate::syntax::names::canonical;

/// A program ready for training, before any data is read.
#[derive(Debug)]
pub struct Compiled {
    /// Its text.
    pub source: Source,
    /// The compiled program, its predictions and parameters behind their links.
    pub program: Program,
    /// Values of constants in base units, by canonical name.
    pub constants: BTreeMap<String, Vec<f64>>,
    /// What is odd about the program, and no error.
    pub warnings: Vec<Diagnostic>,
}

/// Everything that trains.
#[derive(Debug)]
pub struct Setup {
    /// The spec.
    pub spec: Spec,
    /// The folder that its paths start from.
    pub folder: PathBuf,
    /// The program.
    pub compiled: Compiled,
    /// Batches.
    pub feed: Feed,
    /// The loss.
    pub loss: TrainLoss,
    /// Which head is which predicted name.
    pub binding: Binding,
    /// Sizes of axes by canonical name.
    pub axes: BTreeMap<String, usize>,
    /// The loss of the best prediction that reads no inputs, where heads start there.
    pub start: Option<start::Start>,
}

/// Reads a file whole.
///
/// # Errors
/// What the system says, with the path.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| TrainError::Read { path: path.to_owned(), source })
}

/// The program's text: the file that the spec names, or what stands in the spec.
///
/// # Errors
/// A file that is not there or not text.
pub fn program_text(spec: &Spec, folder: &Path) -> Result<Source> {
    match &spec.settings.program {
        ProgramText::Text(text) => Ok(Source::new("program", text.as_str())),
        ProgramText::File(path) => {
            let bytes = read_file(&folder.join(path)).map_err(|error| {
                let message = format!("the program cannot be read: {error}");
                TrainError::from(spec.errors(vec![spec.mistake(codes::S0014, "loss", message)]))
            })?;
            Source::from_bytes(path.to_string_lossy(), &bytes).map_err(|error| {
                let diagnostics = vec![not_utf8(&error)];
                TrainError::Program { source_text: error.readable, diagnostics }
            })
        }
    }
}

/// Compiles the program of a spec for training; `rows` is the number of training rows once it is known.
///
/// # Errors
/// The program's mistakes; names that nothing binds; heads and constants that the program does not have.
pub fn compile(spec: &Spec, folder: &Path, source: Source, rows: Option<usize>) -> Result<Compiled> {
    let constants: BTreeMap<String, Vec<f64>> =
        spec.settings.consts.iter().map(|(name, values)| (canonical(name), values.clone())).collect();
    let options = options(spec, rows);
    let analysis = sema::analyze(&source, &Beside { root: folder.to_owned() }, &options);
    if has_errors(&analysis.diagnostics) {
        return Err(TrainError::Program { source_text: source, diagnostics: analysis.diagnostics });
    }
    let findings = unbound(spec, &analysis.hir.names, &constants, &options);
    if !findings.is_empty() {
        return Err(spec.errors(findings).into());
    }
    let learned = |info: &&NameInfo| matches!(info.role, InputRole::Predict | InputRole::Param);
    let wrt: Vec<_> = analysis.hir.names.iter().filter(learned).map(|info| info.input).collect();
    let program = Program::compile(analysis.hir, &wrt)?;
    let factor = |key: &str| program.find(key).map_or(1.0, |info| info.factor);
    let in_base = |(key, values): (String, Vec<f64>)| {
        let factor = factor(&key);
        (key, values.into_iter().map(|value| value * factor).collect())
    };
    let constants = constants.into_iter().map(in_base).collect();
    Ok(Compiled { source, program, constants, warnings: analysis.diagnostics })
}

fn options(spec: &Spec, rows: Option<usize>) -> Options {
    let single = |values: &[f64]| if let [value] = *values { Some(value) } else { None };
    let constants = spec.settings.consts.iter();
    let mut set: HashMap<String, f64> =
        constants.filter_map(|(name, values)| Some((canonical(name), single(values)?))).collect();
    set.extend(spec.settings.axes.iter().map(|(name, size)| (canonical(name), *size as f64)));
    set.extend(rows.map(|rows| (ROW_COUNT.to_owned(), rows as f64)));
    let mut roles: HashMap<String, InputRole> =
        spec.settings.heads.iter().map(|(name, _)| (canonical(name), InputRole::Predict)).collect();
    for part in tuple_parts(spec) {
        roles.insert(canonical(&part), InputRole::Predict);
    }
    let mut bound: HashSet<String> = spec.settings.data.bind.iter().map(|bind| canonical(&bind.name)).collect();
    if let Some(TupleKind::Pair { same, .. }) = spec.settings.data.tuples.as_ref().map(|tuples| &tuples.kind) {
        bound.insert(canonical(same));
    }
    for key in &bound {
        roles.insert(key.clone(), InputRole::Data);
    }
    Options { set, set_by: "the spec", roles, bound, raw: true, reach: None }
}

/// The predicted names that are one network's outputs for different pictures.
pub fn tuple_parts(spec: &Spec) -> Vec<String> {
    match spec.settings.data.tuples.as_ref().map(|tuples| &tuples.kind) {
        Some(TupleKind::Triplet { anchor, positive, negative }) => {
            vec![anchor.clone(), positive.clone(), negative.clone()]
        }
        Some(TupleKind::Pair { first, second, .. }) => vec![first.clone(), second.clone()],
        None => Vec::new(),
    }
}

/// Names without a value, and entries of the spec without a name.
fn unbound(spec: &Spec, names: &[NameInfo], constants: &BTreeMap<String, Vec<f64>>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    for info in names.iter().filter(|info| !info.is_row_count()) {
        let valueless = info.value.is_none() && !constants.contains_key(&info.key);
        let message = match info.role {
            InputRole::Free => format!(
                "`{0}` of the program is bound to nothing: `heads: {{{0}: …}}` predicts it, `const: {{{0}: 0.2}}` fixes \
                 it, `bind: {{{0}: column}}` under `data` reads it",
                info.name
            ),
            InputRole::Const if valueless => {
                format!("the constant `{0}` of the program has no value: `const: {{{0}: …}}`", info.name)
            }
            _ => continue,
        };
        findings.push(spec.mistake(codes::S0014, "", message));
    }
    let tuples = tuple_parts(spec);
    for (name, path, role, what) in spec
        .settings
        .heads
        .iter()
        .map(|(name, _)| (name, "heads", InputRole::Predict, "predicts"))
        .chain(spec.settings.consts.iter().map(|(name, _)| (name, "const", InputRole::Const, "has a constant")))
    {
        let known = names.iter().any(|info| info.key == canonical(name) && info.role == role);
        let is_set = options.set.contains_key(&canonical(name)) && names.iter().any(|i| i.key == canonical(name));
        let elsewhere = match role {
            InputRole::Const => is_set,
            InputRole::Predict => !tuples.is_empty(),
            _ => false,
        };
        if !known && !elsewhere {
            let all: Vec<&str> = names.iter().filter(|info| info.role == role).map(|info| info.name.as_str()).collect();
            let message = format!("the program {what} no `{name}`{}", did_you_mean(name, all));
            findings.push(spec.mistake(codes::S0014, &format!("{path}.{name}"), message));
        }
    }
    findings
}

/// Reads the data that a compiled program wants.
///
/// # Errors
/// Everything that is wrong with it.
pub fn data(spec: &Spec, folder: &Path, compiled: &Compiled, fitted: Option<&Fitted>) -> Result<Prepared> {
    let same = match spec.settings.data.tuples.as_ref().map(|tuples| &tuples.kind) {
        Some(TupleKind::Pair { same, .. }) => Some(canonical(same)),
        _ => None,
    };
    let of_table = |info: &&NameInfo| info.role == InputRole::Data && Some(&info.key) != same.as_ref();
    let names = compiled.program.hir.names.iter().filter(of_table);
    let wanted: Vec<_> = names.map(|info| wanted(&compiled.program, info, true)).collect();
    let axes = spec.settings.axes.iter().map(|(name, size)| (canonical(name), *size)).collect();
    let loader = Folder::new(folder);
    let prepared = prepare(&Intake::new(&loader), &spec.settings.data, &wanted, &axes, spec.settings.seed, fitted);
    prepared.map_err(|errors| placed(spec, errors.into()))
}

/// The rows with observations that their densities exclude, as far as columns and constants show it: bounds that are
/// predicted are not known before training. They are a mistake unless the spec says that their loss is infinite; no
/// network can learn from a row whose loss is infinite whatever it predicts.
fn impossible(spec: &Spec, compiled: &Compiled, prepared: &Prepared) -> Result<BTreeSet<usize>> {
    let (program, bound) = (&compiled.program, &prepared.bound);
    if prepared.rows == 0 {
        return Ok(BTreeSet::new());
    }
    let mut axes = bound.axes.clone();
    axes.extend(spec.settings.axes.iter().map(|(name, size)| (canonical(name), *size)));
    // An axis without a size is a prediction's.
    for at in 0..program.loss.graph.axes().len() {
        axes.entry(axis_key(&program.hir, AxisId(at as u32))).or_insert(1);
    }
    let sizes = program.sizes(prepared.rows, &axes)?;
    let mut values: Vec<Cow<'_, [f64]>> = Vec::new();
    for (at, input) in program.loss.graph.inputs().iter().enumerate() {
        let dims: Vec<usize> = input.axes.iter().filter_map(|axis| sizes.get(axis.index()).copied()).collect();
        let info = program.name(InputId(at as u32));
        let column = info.and_then(|info| bound.columns.iter().find(|column| column.name == info.name));
        values.push(match (column, info.filter(|info| info.role == InputRole::Const)) {
            (Some(column), _) => Cow::Borrowed(&column.values),
            (None, Some(info)) => {
                let given = compiled.constants.get(&info.key).map(Vec::as_slice);
                Cow::Owned(program.value_of(info, &dims, given, None)?)
            }
            (None, None) => Cow::Borrowed(&[]),
        });
    }
    let known = |input: InputId| values.get(input.index()).is_some_and(|values| !values.is_empty());
    let checks = Checks::new(program, &known).row_by_row();
    let inputs = values.iter().map(|values| values.as_ref()).collect();
    let bindings = Bindings { rows: prepared.rows, inputs, sizes, seed: &[] };
    let mut rows = checks.broken(&bindings)?.rows;
    if spec.settings.data.on_invalid == OnInvalid::Inf || rows.is_empty() {
        rows.extend(bound.columns.iter().flat_map(|column| &column.outside));
        return Ok(rows);
    }
    let origin = Origin { table: &prepared.table, binds: &spec.settings.data.bind, rows: &prepared.source_rows };
    Err(checks.errors(&bindings, origin)?.into())
}

/// Mistakes of the data with the places of the keys that they are about, when the spec has some.
pub fn placed(spec: &Spec, error: TrainError) -> TrainError {
    let TrainError::Data(DataErrors(errors)) = error else { return error };
    let place = |error: &DataError| match error.key() {
        Some(key) => Some(spec.locate(&key)),
        None => spec.locate_text(error.file()?),
    };
    if errors.iter().all(|error| place(error).is_none()) {
        return TrainError::Data(DataErrors(errors));
    }
    let finding = |error: &DataError| {
        let place = place(error).unwrap_or_else(|| spec.locate("data"));
        let finding = Finding::new(codes::S0014, place, error.to_string());
        error.advice().into_iter().fold(finding, Finding::help)
    };
    spec.errors(errors.iter().map(finding).collect()).into()
}

impl Setup {
    /// Builds everything from a spec whose paths start at `folder`, with the network at its initial weights.
    ///
    /// # Errors
    /// All that can be found wrong together.
    pub fn new(spec: Spec, folder: &Path) -> Result<(Setup, Network)> {
        let source = program_text(&spec, folder)?;
        Setup::with_program(spec, folder, source)
    }

    /// The same with the program's text given.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn with_program(spec: Spec, folder: &Path, source: Source) -> Result<(Setup, Network)> {
        let mut compiled = compile(&spec, folder, source, None)?;
        let mut prepared = data(&spec, folder, &compiled, None)?;
        let counts = compiled.program.hir.names.iter().any(NameInfo::is_row_count);
        let counted = |compiled: Compiled, rows: usize| match counts {
            true => compile(&spec, folder, compiled.source, Some(rows)),
            false => Ok(compiled),
        };
        compiled = counted(compiled, prepared.parts.train.len())?;
        let leaks = leaks(&compiled.program, &prepared, &spec.settings.data.bind);
        prepared.summary.warnings.extend(leaks);
        let left_out = impossible(&spec, &compiled, &prepared)?;
        if !left_out.is_empty() {
            prepared.leave_out(&left_out).map_err(|errors| placed(&spec, errors.into()))?;
            compiled = counted(compiled, prepared.parts.train.len())?;
        }
        let settings = &spec.settings;
        let mut axes = prepared.bound.axes.clone();
        axes.extend(settings.axes.iter().map(|(name, size)| (canonical(name), *size)));
        let feed = Feed::new(prepared, &settings.data, settings.train.batch, settings.seed)?;
        let Parts { network, binding, loss, start } = Parts::build(&spec, &compiled, &feed, &mut axes, true)?;
        Ok((Setup { folder: folder.to_owned(), compiled, feed, loss, binding, axes, start, spec }, network))
    }

    /// The program as it stands, without the links of training.
    ///
    /// # Errors
    /// None that [`Setup::new`] has not reported.
    pub fn plain_program(&self) -> Result<Program> {
        let Compiled { source, .. } = &self.compiled;
        let rows = self.feed.rows(Part::Train).len();
        let options = Options { raw: false, ..options(&self.spec, Some(rows)) };
        let analysis = sema::analyze(source, &Beside { root: self.folder.clone() }, &options);
        if has_errors(&analysis.diagnostics) {
            return Err(TrainError::Program { source_text: source.clone(), diagnostics: analysis.diagnostics });
        }
        let wrt = differentiable(&analysis.hir);
        Ok(Program::compile(analysis.hir, &wrt)?)
    }
}

/// A network and the loss that it is to make small.
#[derive(Debug)]
pub struct Parts {
    /// The network, with initial weights.
    pub network: Network,
    /// Which head is which predicted name.
    pub binding: Binding,
    /// The loss.
    pub loss: TrainLoss,
    /// The best prediction that reads no inputs, where heads start there.
    pub start: Option<start::Start>,
}

impl Parts {
    /// Builds the network of a spec for `feed`'s inputs; `axes` has the sizes that are known and gains those of
    /// embeddings. Heads that start at the best constant find it when `fresh`; other weights will be read from a file.
    ///
    /// # Errors
    /// Inputs that the network's layers do not fit, heads that the loss does not fit.
    pub fn build(
        spec: &Spec,
        compiled: &Compiled,
        feed: &Feed,
        axes: &mut BTreeMap<String, usize>,
        fresh: bool,
    ) -> Result<Parts> {
        let (settings, program) = (&spec.settings, &compiled.program);
        let input = input_shape(feed);
        if input == InputShape::Flat(0) {
            let finding = spec.mistake(codes::S0014, "data", "the network has nothing to read: `inputs` is missing");
            let finding = finding.help("name the columns it reads: `inputs: [speed, \"d_*\"]`");
            return Err(spec.errors(vec![finding]).into());
        }
        let trunk = layers::infer(input, &settings.network).map_err(|errors| shape_errors(spec, errors))?;
        identity_axes(spec, program, trunk.len(), axes);
        let loss = TrainLoss::new(program, axes, &compiled.constants)?;
        let params = start::parameters(program, axes)?;
        let plan = HeadPlan::new(spec, program, axes, trunk.len())?;
        let searched = fresh && settings.heads.iter().any(|(_, start)| *start == HeadStart::Mean);
        let start = if searched { Some(start::constant(feed, &loss, &plan.widths, &params)?) } else { None };
        let heads = plan.heads(spec, start.as_ref());
        let network = Network::new(input, &settings.network, &heads, &params, settings.seed);
        let network = network.map_err(|errors| shape_errors(spec, errors))?;
        let tuples = tuple_parts(spec);
        let binding =
            if tuples.is_empty() { Binding::by_name(&network, &loss) } else { Binding::tuples(&tuples, &loss) };
        Ok(Parts { binding: binding.map_err(TrainError::Binding)?, network, loss, start })
    }
}

/// What one row of the network's input is.
pub fn input_shape(feed: &Feed) -> InputShape {
    match (&feed.data().inputs, feed.view()) {
        (Inputs::Images(set), Some(view)) => {
            InputShape::Image { channels: set.channels, height: view.height, width: view.width }
        }
        (Inputs::Images(set), None) => InputShape::Flat(set.size()),
        (Inputs::Matrix(matrix), _) => InputShape::Flat(matrix.width()),
    }
}

fn shape_errors(spec: &Spec, errors: layers::ShapeErrors) -> TrainError {
    let finding = |error: &layers::ShapeError| {
        let mut finding = spec.mistake(codes::S0014, "network", error.to_string());
        finding.place = if error.path.is_empty() { finding.place } else { spec.locate_layer(&error.path) };
        finding
    };
    spec.errors(errors.0.iter().map(finding).collect()).into()
}

/// Gives the last axis of a prediction that takes the network's output as it is the size of that output.
fn identity_axes(spec: &Spec, program: &Program, width: usize, axes: &mut BTreeMap<String, usize>) {
    let identity = |name: &str| {
        let named = spec.settings.heads.iter().find(|(head, _)| canonical(head) == canonical(name));
        named.is_some_and(|(_, start)| *start == HeadStart::Identity)
    };
    let tuples = tuple_parts(spec);
    let any_identity = spec.settings.heads.iter().any(|(_, start)| *start == HeadStart::Identity);
    for info in program.hir.names.iter().filter(|info| info.role == InputRole::Predict) {
        let takes_all =
            identity(&info.name) || (!tuples.is_empty() && (any_identity || spec.settings.heads.is_empty()));
        let last = program.hir.graph.input(info.input).axes.last().copied().filter(|axis| *axis != ROWS);
        if let (true, Some(axis)) = (takes_all, last)
            && program.hir.graph.axis(axis).size.is_none()
        {
            axes.entry(axis_key(&program.hir, axis)).or_insert(width);
        }
    }
}

/// The heads before their biases are known.
struct HeadPlan {
    /// Name and width of each predicted name of the loss, in its order.
    widths: Vec<(String, usize)>,
    /// Whether one head serves all of them.
    shared: bool,
    trunk: usize,
}

impl HeadPlan {
    fn new(spec: &Spec, program: &Program, axes: &BTreeMap<String, usize>, trunk: usize) -> Result<Self> {
        let sizes = program.sizes(1, axes)?;
        let inputs = program.loss.graph.inputs().iter();
        let widths: Vec<(String, usize)> = inputs
            .filter(|input| input.role == InputRole::Predict)
            .map(|input| {
                let own = input.axes.iter().filter(|axis| **axis != ROWS);
                (input.name.clone(), own.filter_map(|axis| sizes.get(axis.index())).product())
            })
            .collect();
        let shared = !tuple_parts(spec).is_empty();
        if shared && widths.iter().any(|(_, width)| Some(*width) != widths.first().map(|(_, first)| *first)) {
            return Err(TrainError::Refused("the members of a tuple need predictions of one size".into()));
        }
        Ok(HeadPlan { widths, shared, trunk })
    }

    fn heads(&self, spec: &Spec, start: Option<&start::Start>) -> Vec<Head> {
        let given = |name: &str| {
            let heads = spec.settings.heads.iter();
            heads.clone().find(|(head, _)| canonical(head) == canonical(name)).map(|(_, start)| start.clone())
        };
        if self.shared {
            let units = self.widths.first().map_or(self.trunk, |(_, width)| *width);
            let named = spec.settings.heads.first().map(|(_, start)| start.clone());
            let identity = named.as_ref().is_none_or(|start| *start == HeadStart::Identity) && units == self.trunk;
            let init = if identity { HeadInit::Identity } else { HeadInit::Default };
            return vec![Head { name: "embedding".into(), units, init }];
        }
        let of = |at: usize, (name, units): &(String, usize)| {
            let bias = || start.and_then(|start| start.heads.get(at)).cloned().unwrap_or_else(|| vec![0.0; *units]);
            let init = match given(name).unwrap_or_default() {
                HeadStart::Default => HeadInit::Default,
                HeadStart::Zero => HeadInit::Zero,
                HeadStart::Identity => HeadInit::Identity,
                HeadStart::Mean => HeadInit::Mean(bias()),
                HeadStart::Bias(values) if values.len() == 1 => {
                    HeadInit::Bias(values.iter().map(|&x| x as f32).collect::<Vec<_>>().repeat(*units))
                }
                HeadStart::Bias(values) => HeadInit::Bias(values.iter().map(|&x| x as f32).collect()),
            };
            Head { name: name.clone(), units: *units, init }
        };
        self.widths.iter().enumerate().map(|(at, head)| of(at, head)).collect()
    }
}

/// The names of the terms that are costs rather than densities, and of those without rows.
pub fn term_kinds(program: &Program, loss: &TrainLoss) -> Vec<TermKind> {
    use crate::ir::graph::ROW;
    let kinds = program.hir.terms.iter().zip(&program.loss.terms).zip(loss.terms());
    kinds
        .map(|((term, root), label)| TermKind {
            label: label.clone(),
            density: matches!(term.kind, sema::TermKind::Density(_)),
            by_row: program.loss.graph.free(root.node).contains(&ROW),
        })
        .collect()
}

/// What a term is, for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermKind {
    /// Its label.
    pub label: String,
    /// A density, whose value is a negative log likelihood.
    pub density: bool,
    /// It has a value a row; others are added once.
    pub by_row: bool,
}
