//! The compiled program as the loss that a network trains against.
//!
//! [`TrainLoss`] holds the native kernel of a program whose predictions and parameters are raw values behind their
//! links, knows which of its inputs is a head, a parameter, a column or a constant, and answers as a
//! [`LossKernel`]. Depends on the compiler's facade and `codegen`; knows neither networks nor files.

use std::collections::BTreeMap;

use super::bridge::{BatchData, Coupling, LossError, LossGrads, LossKernel, LossValue};
use crate::codegen::{CodegenError, CompiledLoss, Want};
use crate::compile::{Program, UnknownSize, WrongValue};
use crate::ir::graph::{InputId, InputRole, ROW};
use crate::ir::program::{Bindings, Outputs};
use crate::sema::Reduction;

/// A program's loss, compiled for training.
#[derive(Debug)]
pub struct TrainLoss {
    compiled: CompiledLoss<f32>,
    slots: Vec<Slot>,
    /// Sizes of all axes; the rows' entry is set at each call.
    sizes: Vec<usize>,
    heads: Vec<String>,
    params: Vec<String>,
    terms: Vec<String>,
    /// What each gradient of the kernel is of.
    gradients: Vec<Target>,
    reduction: Reduction,
    coupling: Coupling,
    /// Whether any term has a loss a row.
    by_row: bool,
}

/// Where an input's numbers come from.
#[derive(Debug)]
enum Slot {
    Head(usize),
    Param(usize),
    Column { name: String, width: usize },
    Constant(Vec<f32>),
    Seed,
}

/// What a gradient is of.
#[derive(Debug, Clone, Copy)]
enum Target {
    Head(usize),
    Param(usize),
}

/// Why a program cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// An axis without a size.
    #[error(transparent)]
    Size(#[from] UnknownSize),
    /// A value that its name cannot have.
    #[error(transparent)]
    Value(#[from] WrongValue),
    /// Native code refuses the program.
    #[error("the loss cannot be compiled: {0}")]
    Codegen(#[from] CodegenError),
    /// Names that nothing gives a value.
    #[error("nothing gives `{0}` a value")]
    Unbound(String),
}

/// Training computes in `f32`.
const NARROW: &str = "change the units of what it meets";

impl TrainLoss {
    /// Compiles `program` for axes of the sizes `known` (canonical names). `constants` has the values of constants,
    /// by canonical name.
    ///
    /// # Errors
    /// A size or a value is missing, or native code cannot be made.
    pub fn new(
        program: &Program,
        known: &BTreeMap<String, usize>,
        constants: &BTreeMap<String, Vec<f64>>,
    ) -> Result<Self, KernelError> {
        let sizes = program.sizes(1, known)?;
        program.check_numbers(NARROW)?;
        let mut loss = TrainLoss {
            compiled: CompiledLoss::compile(&program.loss, &sizes)?,
            slots: Vec::new(),
            heads: Vec::new(),
            params: Vec::new(),
            terms: program.loss.terms.iter().map(|term| term.label.clone()).collect(),
            gradients: Vec::new(),
            reduction: program.hir.reduction,
            coupling: coupling(program),
            by_row: program.loss.terms.iter().any(|term| program.loss.graph.free(term.node).contains(&ROW)),
            sizes,
        };
        for at in 0..program.loss.graph.inputs().len() {
            let slot = loss.slot(program, InputId(at as u32), constants)?;
            loss.slots.push(slot);
        }
        let target = |input: &InputId| match loss.slots.get(input.index()) {
            Some(Slot::Head(at)) => Some(Target::Head(*at)),
            Some(Slot::Param(at)) => Some(Target::Param(*at)),
            _ => None,
        };
        let gradients: Option<Vec<Target>> = program.loss.gradients.iter().map(|(input, _)| target(input)).collect();
        loss.gradients = gradients.ok_or_else(|| KernelError::Unbound("a gradient".into()))?;
        Ok(loss)
    }

    fn slot(
        &mut self,
        program: &Program,
        input: InputId,
        constants: &BTreeMap<String, Vec<f64>>,
    ) -> Result<Slot, KernelError> {
        let graph = &program.loss.graph;
        let Some(info) = program.name(input) else { return Ok(Slot::Seed) };
        let own = graph.input(input).axes.iter().skip(usize::from(graph.input(input).per_row()));
        let dims: Vec<usize> = own.filter_map(|axis| self.sizes.get(axis.index()).copied()).collect();
        Ok(match (info.role, constants.get(&info.key)) {
            (InputRole::Predict, _) => {
                self.heads.push(info.name.clone());
                Slot::Head(self.heads.len() - 1)
            }
            (InputRole::Param, _) => {
                self.params.push(info.name.clone());
                Slot::Param(self.params.len() - 1)
            }
            (InputRole::Data, _) => Slot::Column { name: info.name.clone(), width: dims.iter().product() },
            (InputRole::Const | InputRole::Free, given) => {
                if given.is_none() && info.value.is_none() {
                    return Err(KernelError::Unbound(info.name.clone()));
                }
                let values = program.value_of(info, &dims, given.map(Vec::as_slice), Some(NARROW))?;
                Slot::Constant(values.iter().map(|&x| x as f32).collect())
            }
            (InputRole::Seed, _) => Slot::Seed,
        })
    }

    /// Each term's value without gradients, and each row's loss when asked for (empty for a program whose rows have
    /// none), on up to `threads` threads.
    ///
    /// # Errors
    /// As [`LossKernel::evaluate`].
    pub fn value(
        &self,
        heads: &[&[f32]],
        params: &[&[f32]],
        batch: &BatchData<'_>,
        per_row: bool,
        threads: usize,
    ) -> Result<(LossValue, Vec<f32>), LossError> {
        let mut out = Outputs::default();
        let want = Want { gradients: false, per_row: per_row && self.by_row };
        self.run(heads, params, batch, want, threads, &mut out)?;
        let total = out.terms.iter().sum();
        Ok((LossValue { total, terms: out.terms }, out.per_row))
    }

    fn run(
        &self,
        heads: &[&[f32]],
        params: &[&[f32]],
        batch: &BatchData<'_>,
        want: Want,
        threads: usize,
        out: &mut Outputs<f32>,
    ) -> Result<(), LossError> {
        let seed = self.seed(batch);
        let mut inputs: Vec<&[f32]> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            inputs.push(match slot {
                Slot::Head(at) => heads.get(*at).copied().unwrap_or_default(),
                Slot::Param(at) => params.get(*at).copied().unwrap_or_default(),
                Slot::Column { name, width } => column(batch, name, *width)?,
                Slot::Constant(values) => values,
                Slot::Seed => &[],
            });
        }
        let mut sizes = self.sizes.clone();
        if let Some(rows) = sizes.first_mut() {
            *rows = batch.rows;
        }
        let bindings = Bindings { rows: batch.rows, inputs, sizes, seed: &seed };
        self.compiled.evaluate(&bindings, want, threads, out).map_err(|error| LossError::Refused(error.to_string()))
    }

    /// Each row's adjoint; empty for 1/rows each.
    fn seed(&self, batch: &BatchData<'_>) -> Vec<f32> {
        match (batch.weights, self.reduction) {
            (None, Reduction::Mean) => Vec::new(),
            (None, Reduction::Sum) => vec![1.0; batch.rows],
            (Some(weights), Reduction::Sum) => weights.to_vec(),
            (Some(weights), Reduction::Mean) => {
                let total = batch.weight();
                weights.iter().map(|&w| (f64::from(w) / total) as f32).collect()
            }
        }
    }
}

fn column<'a>(batch: &BatchData<'a>, name: &str, width: usize) -> Result<&'a [f32], LossError> {
    let found = batch.columns.iter().find(|column| column.name == name);
    let column = found.ok_or_else(|| LossError::MissingColumn { name: name.to_owned() })?;
    if column.width == width {
        Ok(column.values)
    } else {
        Err(LossError::Size { name: name.to_owned(), found: column.width, expected: width })
    }
}

fn coupling(program: &Program) -> Coupling {
    let alone = program.hir.reduction == Reduction::Mean && !program.hir.whole_batch;
    if alone { Coupling::Mean } else { Coupling::Whole }
}

impl LossKernel for TrainLoss {
    fn heads(&self) -> &[String] {
        &self.heads
    }

    fn params(&self) -> &[String] {
        &self.params
    }

    fn terms(&self) -> &[String] {
        &self.terms
    }

    fn coupling(&self) -> Coupling {
        self.coupling
    }

    fn evaluate(
        &self,
        heads: &[&[f32]],
        params: &[&[f32]],
        batch: &BatchData<'_>,
        grads: &mut LossGrads,
    ) -> Result<LossValue, LossError> {
        let mut out = Outputs::default();
        // The kernel writes where the caller wants its numbers: the vectors go there and come back.
        for target in &self.gradients {
            out.gradients.push(take(grads, *target).map(std::mem::take).unwrap_or_default());
        }
        let want = Want { gradients: true, per_row: false };
        let done = self.run(heads, params, batch, want, 1, &mut out);
        for (target, values) in self.gradients.iter().zip(&mut out.gradients) {
            if let Some(to) = take(grads, *target) {
                *to = std::mem::take(values);
            }
        }
        done?;
        Ok(LossValue { total: out.terms.iter().sum(), terms: out.terms })
    }
}

fn take(grads: &mut LossGrads, target: Target) -> Option<&mut Vec<f32>> {
    match target {
        Target::Head(at) => grads.heads.get_mut(at),
        Target::Param(at) => grads.params.get_mut(at),
    }
}
