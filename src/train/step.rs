//! One training step: forward, loss, backward, clip, update.
//!
//! A batch is cut into shards by a rule that looks only at its rows and the network, each shard runs
//! on a tape of its own, and gradients are added in the shards' order. So a step gives the same bits
//! on one thread and on many. A loss that compares rows is evaluated once, on all shards' outputs
//! together. Depends on the network, the bridge and the optimiser; knows neither epochs nor files.

use std::ops::Range;
use std::sync::mpsc;

use dfdx::optim::UnusedTensors;
use dfdx::prelude::{Backward, CpuError};

use super::bridge::{
    BatchData, Binding, BindingError, Coupling, LossError, LossGrads, LossKernel, LossValue, record, room, slices,
};
use super::locate::{self, NonFinite};
use super::network::buffer::Pool;
use super::network::tape::{Grads, Pass, Value};
use super::network::{InputError, Masks, Network, Weights, math};
use super::optimiser::{Optimiser, OptimiserConfig, Schedule};
use super::shard::{SHARDS, check_rows, row_indices, shards};

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainerConfig {
    /// The update rule.
    pub optimiser: OptimiserConfig,
    /// The learning rate's course.
    pub schedule: Schedule,
    /// The largest Euclidean length of the gradient over all parameters; longer ones are shortened.
    pub clip_norm: Option<f64>,
    /// Decay of the running average of the weights, in [0, 1); it starts faster and slows down.
    pub ema: Option<f64>,
    /// What dropout draws from.
    pub seed: u64,
    /// Threads to use; changes the time a step takes and nothing else.
    pub threads: usize,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// The loss of the batch before the update.
    pub loss: f64,
    /// Each term's part of it.
    pub terms: Vec<f64>,
    /// The gradient's Euclidean length before clipping.
    pub grad_norm: f64,
    /// The learning rate used.
    pub lr: f64,
}

/// Why a step was not made. The weights are then as they were.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Rows of the wrong width.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Rows of data and rows of input differ.
    #[error("{inputs} rows of input, {parts} a row of data, and {rows} rows of data")]
    Rows {
        /// Rows of input.
        inputs: usize,
        /// Parts of a tuple.
        parts: usize,
        /// Rows of data.
        rows: usize,
    },
    /// No row counts.
    #[error("all rows of the batch have weight 0: leave such rows out or make batches larger")]
    NoWeight,
    /// The loss refused the batch.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The network and the loss do not pair up.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// Something is NaN or infinite.
    #[error(transparent)]
    NonFinite(#[from] Box<NonFinite>),
    /// dfdx failed, or a thread did.
    #[error("internal error in a training step: {0}")]
    Internal(String),
}

impl From<CpuError> for StepError {
    fn from(error: CpuError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) network: Network,
    binding: Binding,
    config: TrainerConfig,
    pub(crate) optimiser: Optimiser,
    pub(crate) ema: Option<Weights>,
    grads: Vec<Option<Grads>>,
    pools: Vec<Pool>,
}

/// One batch on its way through a step.
pub(super) struct Job<'a> {
    pub(super) x: &'a [f32],
    pub(super) batch: &'a BatchData<'a>,
    pub(super) loss: &'a dyn LossKernel,
    shards: Vec<Range<usize>>,
    weight: f64,
}

impl Trainer {
    /// Readies a network for training.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn new(network: Network, binding: Binding, config: TrainerConfig) -> Result<Self, StepError> {
        let optimiser = Optimiser::new(config.optimiser, &network)?;
        let ema = config.ema.map(|_| network.weights());
        let grads = (0..SHARDS).map(|_| None).collect();
        // Not `vec![…; SHARDS]`: clones of a pool are the same pool.
        let pools = (0..SHARDS).map(|_| Pool::default()).collect();
        Ok(Self { network, binding, config, optimiser, ema, grads, pools })
    }

    /// The network with its current weights.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network, to change its weights (to the best ones, say).
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The averaged weights, if they are kept.
    #[must_use]
    pub fn ema(&self) -> Option<&Weights> {
        self.ema.as_ref()
    }

    /// Steps made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.optimiser.updates
    }

    /// How this trains.
    #[must_use]
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// How predicted names and heads pair up.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// One step on a batch. `x` has the input rows of `batch`; with tuples, those of the first part,
    /// then those of the second, and so on.
    ///
    /// # Errors
    /// If sizes do not fit, the loss refuses the data, or anything becomes NaN or infinite. The
    /// weights are then unchanged.
    pub fn step(&mut self, x: &[f32], batch: &BatchData<'_>, loss: &dyn LossKernel) -> Result<StepReport, StepError> {
        self.binding.check(&self.network, loss)?;
        check_rows(&self.network, &self.binding, x, batch)?;
        let weight = batch.weight();
        if weight == 0.0 {
            return Err(StepError::NoWeight);
        }
        let shards = shards(batch.rows, self.network.work * self.binding.parts);
        let job = Job { x, batch, loss, shards, weight };
        let grads = self.take_grads(job.shards.len())?;
        let run = match loss.coupling() {
            Coupling::Mean => self.run_parts(&job, grads)?,
            Coupling::Whole if job.shards.len() == 1 => self.run_parts(&job, grads)?,
            Coupling::Whole if self.config.threads < 2 => self.run_whole(&job, grads)?,
            Coupling::Whole => self.run_whole_threaded(&job, grads)?,
        };
        self.finish(&job, run)
    }

    /// Adds the shards' gradients, checks them, and updates.
    fn finish(&mut self, job: &Job<'_>, run: Run) -> Result<StepReport, StepError> {
        let Run { value, mut grads } = run;
        let (sum, rest) = grads.split_first_mut().ok_or_else(|| internal("no shard ran"))?;
        let mut squares = 0.0;
        for parameter in &self.network.parameters {
            let total = sum.get_or_alloc_mut(&parameter.tensor)?;
            for part in rest.iter_mut() {
                math::add(total, part.get_or_alloc_mut(&parameter.tensor)?);
            }
            squares += math::sum_of_squares(total);
        }
        let grad_norm = squares.sqrt();
        if !value.total.is_finite() || !grad_norm.is_finite() {
            let step = self.steps();
            return Err(Box::new(locate::find(&self.network, &self.binding, job, self.masks(), step, &value)).into());
        }
        if let Some(limit) = self.config.clip_norm.filter(|limit| grad_norm > *limit) {
            for parameter in &self.network.parameters {
                math::scale(sum.get_or_alloc_mut(&parameter.tensor)?, (limit / grad_norm) as f32);
            }
        }
        let lr = self.config.optimiser.lr() * self.config.schedule.factor(self.steps());
        self.optimiser.update(&mut self.network, sum, lr)?;
        self.average();
        for (kept, grads) in self.grads.iter_mut().zip(grads) {
            *kept = Some(grads);
        }
        Ok(StepReport { loss: value.total, terms: value.terms, grad_norm, lr })
    }

    /// Moves the averaged weights towards the current ones.
    fn average(&mut self) {
        let (Some(decay), Some(ema)) = (self.config.ema, &mut self.ema) else { return };
        let t = self.optimiser.updates as f64;
        let keep = decay.min((1.0 + t) / (10.0 + t)) as f32;
        for (mean, parameter) in ema.0.iter_mut().zip(&self.network.parameters) {
            let mean = std::sync::Arc::make_mut(mean);
            for (m, &w) in mean.iter_mut().zip(parameter.values().iter()) {
                *m = keep * *m + (1.0 - keep) * w;
            }
        }
    }

    /// What dropout's masks of the coming step depend on, besides the rows.
    fn masks(&self) -> (u64, u64) {
        (self.config.seed, self.steps())
    }

    /// Gradients of all parameters, zero, one set a shard.
    fn take_grads(&mut self, shards: usize) -> Result<Vec<Grads>, StepError> {
        let mut all = Vec::with_capacity(shards);
        for slot in self.grads.iter_mut().take(shards) {
            let kept = slot.take();
            let fresh = kept.is_none();
            let mut grads = kept.unwrap_or_else(Grads::leaky);
            // dfdx gives a tensor's id away only here.
            let mut leaves = UnusedTensors::default();
            for parameter in &self.network.parameters {
                grads.get_or_alloc_mut(&parameter.tensor)?.fill(0.0);
                leaves.add(&parameter.tensor);
            }
            if fresh {
                grads.retain_leafs(&leaves.ids);
            }
            all.push(grads);
        }
        Ok(all)
    }

    /// Each shard on its own: forward, its part of the loss, backward.
    fn run_parts(&self, job: &Job<'_>, grads: Vec<Grads>) -> Result<Run, StepError> {
        let mut grads = grads.into_iter().zip(job.shards.iter().zip(&self.pools));
        let one = |(grads, (rows, pool)): (Grads, (&Range<usize>, &Pool))| self.run_part(job, rows, pool, grads);
        let results = match (grads.next(), grads.next()) {
            (Some(first), Some(second)) if self.config.threads > 1 => {
                let (a, b) = rayon::join(|| one(first), || one(second));
                vec![a, b]
            }
            (first, second) => first.into_iter().chain(second).map(one).collect(),
        };
        let mut run = Run::default();
        for result in results {
            let (grads, value, share) = result?;
            run.value.add(&value, share);
            run.grads.push(grads);
        }
        Ok(run)
    }

    fn run_part(
        &self,
        job: &Job<'_>,
        rows: &Range<usize>,
        pool: &Pool,
        grads: Grads,
    ) -> Result<(Grads, LossValue, f64), StepError> {
        let part = job.batch.slice(rows.clone());
        let share = part.weight() / job.weight;
        if share == 0.0 {
            return Ok((grads, LossValue::default(), 0.0));
        }
        let indices = row_indices(rows, job.batch.rows, self.binding.parts);
        let (mut pass, outputs) = self.forward(job, rows, &indices, pool, grads);
        let outs = slices(&outputs);
        let heads = self.binding.split(&outs);
        let params: Vec<&[f32]> = self.network.loss_params().collect();
        let mut gradients = room(pool, &heads, &params);
        let value = job.loss.evaluate(&heads, &params, &part, &mut gradients)?;
        let loss = record(&mut pass, &self.network, &self.binding, &outputs, value.total, gradients, share);
        drop(outputs);
        Ok((loss.try_backward()?, value, share))
    }

    /// All shards forward, the loss on everything, all shards backward.
    fn run_whole(&self, job: &Job<'_>, grads: Vec<Grads>) -> Result<Run, StepError> {
        let indices: Vec<Vec<u64>> =
            job.shards.iter().map(|rows| row_indices(rows, job.batch.rows, self.binding.parts)).collect();
        let mut passes = Vec::new();
        for (((rows, pool), grads), indices) in job.shards.iter().zip(&self.pools).zip(grads).zip(&indices) {
            passes.push(self.forward(job, rows, indices, pool, grads));
        }
        let parts: Vec<Vec<Vec<f32>>> = passes.iter().map(|(_, outputs)| self.copies(outputs)).collect();
        let (value, gradients) = self.evaluate_whole(job, &parts)?;
        let mut run = Run { value, grads: Vec::new() };
        for ((mut pass, outputs), gradients) in passes.into_iter().zip(gradients) {
            let total = run.value.total;
            let loss = record(&mut pass, &self.network, &self.binding, &outputs, total, gradients, 1.0);
            drop(outputs);
            run.grads.push(loss.try_backward()?);
        }
        Ok(run)
    }

    /// [`Trainer::run_whole`] with a thread for every shard but the first; tapes stay where they are
    /// made, so the outputs and their gradients travel.
    fn run_whole_threaded(&self, job: &Job<'_>, grads: Vec<Grads>) -> Result<Run, StepError> {
        std::thread::scope(|scope| {
            let mut shards = job.shards.iter().zip(&self.pools).zip(grads);
            let first = shards.next().ok_or_else(|| internal("no shard"))?;
            let mut others = Vec::new();
            for ((rows, pool), grads) in shards {
                let (send_outputs, outputs) = mpsc::channel();
                let (send_gradients, gradients) = mpsc::channel();
                let worker = scope.spawn(move || {
                    self.run_shard(job, rows, pool, grads, |own| {
                        // A closed channel means that the other side failed and says why.
                        send_outputs.send(own).ok();
                        gradients.recv().map_err(|_| internal("the loss of the batch failed"))
                    })
                });
                others.push((worker, outputs, send_gradients));
            }
            let mut value = LossValue::default();
            let ((rows, pool), own_grads) = first;
            let own = self.run_shard(job, rows, pool, own_grads, |own| {
                let mut parts = vec![own];
                for (_, outputs, _) in &others {
                    parts.push(outputs.recv().map_err(|_| internal("a shard failed"))?);
                }
                let (total, mut gradients) = self.evaluate_whole(job, &parts)?;
                value = total;
                for (part, (_, _, send)) in gradients.drain(1..).zip(&others) {
                    send.send((value.total, part)).ok();
                }
                gradients.pop().map(|g| (value.total, g)).ok_or_else(|| internal("no gradients"))
            });
            let mut run = Run::default();
            run.grads.push(own?);
            for (worker, _, send) in others {
                drop(send);
                run.grads.push(worker.join().map_err(|_| internal("a thread panicked"))??);
            }
            run.value = value;
            Ok(run)
        })
    }

    /// One shard of [`Trainer::run_whole_threaded`]: `exchange` gives its outputs away and returns
    /// the loss and the gradients of those outputs.
    fn run_shard(
        &self,
        job: &Job<'_>,
        rows: &Range<usize>,
        pool: &Pool,
        grads: Grads,
        exchange: impl FnOnce(Vec<Vec<f32>>) -> Result<(f64, LossGrads), StepError>,
    ) -> Result<Grads, StepError> {
        let indices = row_indices(rows, job.batch.rows, self.binding.parts);
        let (mut pass, outputs) = self.forward(job, rows, &indices, pool, grads);
        let (total, gradients) = exchange(self.copies(&outputs))?;
        let loss = record(&mut pass, &self.network, &self.binding, &outputs, total, gradients, 1.0);
        drop(outputs);
        Ok(loss.try_backward()?)
    }

    /// The predicted names' values of one shard.
    fn copies(&self, outputs: &[Value]) -> Vec<Vec<f32>> {
        self.binding.split(&slices(outputs)).into_iter().map(<[f32]>::to_vec).collect()
    }

    /// The loss of all shards' outputs together, and its gradients shard by shard.
    fn evaluate_whole(&self, job: &Job<'_>, parts: &[Vec<Vec<f32>>]) -> Result<(LossValue, Vec<LossGrads>), StepError> {
        let names = self.binding.outputs.len();
        let heads: Vec<Vec<f32>> = (0..names)
            .map(|name| parts.iter().filter_map(|part| part.get(name)).flatten().copied().collect())
            .collect();
        let heads: Vec<&[f32]> = heads.iter().map(Vec::as_slice).collect();
        let params: Vec<&[f32]> = self.network.loss_params().collect();
        let mut whole = room(&self.network.pool, &heads, &params);
        let value = job.loss.evaluate(&heads, &params, job.batch, &mut whole)?;
        let mut rest: Vec<std::vec::IntoIter<f32>> = whole.heads.into_iter().map(Vec::into_iter).collect();
        let mut of_params = Some(whole.params);
        let gradients = parts
            .iter()
            .map(|part| LossGrads {
                heads: rest.iter_mut().zip(part).map(|(g, v)| g.by_ref().take(v.len()).collect()).collect(),
                params: of_params.take().unwrap_or_default(),
            })
            .collect();
        Ok((value, gradients))
    }

    /// A recorded forward pass over some rows of the batch.
    fn forward<'a>(
        &'a self,
        job: &Job<'_>,
        rows: &Range<usize>,
        indices: &'a [u64],
        pool: &'a Pool,
        grads: Grads,
    ) -> (Pass<'a>, Vec<Value>) {
        let width = self.network.input_width();
        let mut x = pool.buffer(indices.len() * width);
        for (to, part) in x.chunks_exact_mut(rows.len() * width).zip(job.x.chunks_exact(job.batch.rows * width)) {
            if let Some(from) = part.get(rows.start * width..rows.end * width) {
                to.copy_from_slice(from);
            }
        }
        let mut pass = self.network.pass(pool, indices.len());
        let (seed, step) = self.masks();
        pass.dropout = Some(Masks { seed, step, rows: indices });
        pass.record(grads);
        let outputs = self.network.forward(&mut pass, x);
        (pass, outputs)
    }
}

/// A batch's loss and each shard's gradients.
#[derive(Default)]
struct Run {
    value: LossValue,
    grads: Vec<Grads>,
}

impl LossValue {
    /// Adds `share` times another value.
    fn add(&mut self, other: &Self, share: f64) {
        self.total += share * other.total;
        self.terms.resize(self.terms.len().max(other.terms.len()), 0.0);
        for (to, from) in self.terms.iter_mut().zip(&other.terms) {
            *to += share * from;
        }
    }
}

fn internal(what: &str) -> StepError {
    StepError::Internal(what.to_owned())
}
