//! Optimisers: dfdx's update rules, with the state in our hands.
//!
//! dfdx's `Adam`, `Sgd` and `RMSprop` keep their moments private, so a run could not be resumed to
//! the same bits. Their arithmetic is public as `AdamConfig::try_update` and its kin: that is what
//! runs here, on moments that belong to [`Optimiser`] and can be saved. Learning-rate schedules are
//! here too. Depends on the network's parameters; knows no loss and no data.

use dfdx::optim::{AdamConfig, Momentum, RMSpropConfig, SgdConfig, WeightDecay};
use dfdx::prelude::{Cpu, CpuError, Storage};

use super::network::Network;
use super::network::params::{Parameter, Storage32};
use super::network::tape::Grads;

/// What an optimiser is to do. Learning rates are those at the peak of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimiserConfig {
    /// Kingma & Ba, "Adam" (2015).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments, each in [0, 1).
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Added to the gradient, times the weight (L2).
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter, 2019).
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments, each in [0, 1).
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Taken off the weight, times the learning rate and the weight.
        weight_decay: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// 0 is none.
        momentum: f64,
        /// Whether the step looks ahead (Sutskever et al., 2013).
        nesterov: bool,
        /// Added to the gradient, times the weight (L2).
        weight_decay: f64,
    },
    /// Hinton (2012), as in TensorFlow: the second moment starts at 1 and ε is inside the root.
    RmsProp {
        /// Learning rate.
        lr: f64,
        /// Decay of the second moment, in [0, 1).
        alpha: f64,
        /// Added to the second moment.
        eps: f64,
        /// 0 is none.
        momentum: f64,
        /// Whether the mean gradient is taken off the second moment.
        centered: bool,
        /// Added to the gradient, times the weight (L2).
        weight_decay: f64,
    },
}

impl OptimiserConfig {
    /// The peak learning rate.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match *self {
            Self::Adam { lr, .. } | Self::AdamW { lr, .. } | Self::Sgd { lr, .. } | Self::RmsProp { lr, .. } => lr,
        }
    }

    /// The names of the tensors of state that each parameter has.
    fn slots(&self) -> &'static [&'static str] {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => &["moment1", "moment2"],
            Self::Sgd { .. } => &["velocity"],
            Self::RmsProp { .. } => &["momentum", "square_mean", "mean"],
        }
    }

    fn initial(&self, slot: &str) -> f32 {
        if slot == "square_mean" { 1.0 } else { 0.0 }
    }

    /// One update of one parameter, by dfdx. `step` counts from 1.
    fn update(
        &self,
        step: i32,
        lr: f64,
        parameter: &mut Parameter,
        state: &mut [Storage32],
        gradient: &Storage32,
    ) -> Result<(), CpuError> {
        let decay = |rule: fn(f64) -> WeightDecay, by: f64| (parameter.decays && by != 0.0).then(|| rule(by));
        let tensor = &mut parameter.tensor;
        match (*self, state) {
            (Self::Adam { betas, eps, weight_decay, .. }, [m, v]) => {
                let weight_decay = decay(WeightDecay::L2, weight_decay);
                AdamConfig { lr, betas, eps, weight_decay }.try_update(step, tensor, m, v, gradient)
            }
            (Self::AdamW { betas, eps, weight_decay, .. }, [m, v]) => {
                let weight_decay = decay(WeightDecay::Decoupled, weight_decay);
                AdamConfig { lr, betas, eps, weight_decay }.try_update(step, tensor, m, v, gradient)
            }
            (Self::Sgd { momentum, nesterov, weight_decay, .. }, [v]) => {
                let weight_decay = decay(WeightDecay::L2, weight_decay);
                let rule = if nesterov { Momentum::Nesterov } else { Momentum::Classic };
                let momentum = (momentum != 0.0).then(|| rule(momentum));
                SgdConfig { lr, momentum, weight_decay }.try_update(tensor, v, gradient)
            }
            (Self::RmsProp { alpha, eps, momentum, centered, weight_decay, .. }, [m, square, mean]) => {
                let weight_decay = decay(WeightDecay::L2, weight_decay);
                let momentum = (momentum != 0.0).then_some(momentum);
                RMSpropConfig { lr, alpha, eps, momentum, centered, weight_decay }
                    .try_update(tensor, m, square, mean, gradient)
            }
            // The state was allocated by `slots`, which pairs with the arms above.
            _ => Err(CpuError::WrongNumElements),
        }
    }
}

/// How the learning rate goes over the steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Rises linearly over this many steps, then stays.
    Warmup(u64),
    /// Rises linearly over `warmup` steps, then falls along half a cosine to `floor` times the
    /// peak at `total` steps, and stays there (Loshchilov & Hutter, "SGDR", 2017).
    Cosine {
        /// Steps of the rise.
        warmup: u64,
        /// Steps of the run.
        total: u64,
        /// The last learning rate over the peak, in [0, 1].
        floor: f64,
    },
}

impl Schedule {
    /// What the peak learning rate is multiplied by at a step, counted from 0.
    #[must_use]
    pub fn factor(&self, step: u64) -> f64 {
        let rise = |warmup: u64| (step + 1) as f64 / warmup as f64;
        match *self {
            Self::Warmup(warmup) | Self::Cosine { warmup, .. } if step < warmup => rise(warmup),
            Self::Constant | Self::Warmup(_) => 1.0,
            Self::Cosine { warmup, total, floor } => {
                let span = total.saturating_sub(warmup).max(1) as f64;
                let along = ((step - warmup) as f64 / span).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * along).cos())
            }
        }
    }
}

/// An optimiser's rule and its state for one network.
#[derive(Debug)]
pub struct Optimiser {
    config: OptimiserConfig,
    /// Updates made.
    pub(crate) updates: u64,
    /// By parameter, then by slot.
    state: Vec<Vec<Storage32>>,
}

impl Optimiser {
    /// The state before the first update.
    ///
    /// # Errors
    /// If memory runs out.
    pub(crate) fn new(config: OptimiserConfig, network: &Network) -> Result<Self, CpuError> {
        let state = network.parameters.iter().map(|p| {
            let slots = config.slots().iter();
            slots.map(|slot| filled(&network.device, p.len(), config.initial(slot))).collect()
        });
        Ok(Self { config, updates: 0, state: state.collect::<Result<_, _>>()? })
    }

    /// Updates all parameters of the network with the given learning rate.
    ///
    /// # Errors
    /// If memory runs out.
    pub(crate) fn update(&mut self, network: &mut Network, grads: &mut Grads, lr: f64) -> Result<(), CpuError> {
        self.updates += 1;
        // Beyond 2³¹ updates every bias correction is 1.
        let step = i32::try_from(self.updates).unwrap_or(i32::MAX);
        for (parameter, state) in network.parameters.iter_mut().zip(&mut self.state) {
            let gradient = grads.get_or_alloc_mut(&parameter.tensor)?;
            self.config.update(step, lr, parameter, state, gradient)?;
            parameter.refresh();
        }
        Ok(())
    }

    /// Every tensor of state: the parameter's index, the slot's name, the numbers.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (usize, &'static str, &[f32])> {
        let slots = self.config.slots();
        self.state.iter().enumerate().flat_map(move |(i, state)| {
            slots.iter().zip(state).map(move |(slot, numbers)| (i, *slot, numbers.as_slice()))
        })
    }

    /// The same, to be overwritten.
    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = (usize, &'static str, &mut [f32])> {
        let slots = self.config.slots();
        self.state.iter_mut().enumerate().flat_map(move |(i, state)| {
            slots.iter().zip(state).map(move |(slot, numbers)| (i, *slot, numbers.as_mut_slice()))
        })
    }

    /// The rule.
    #[must_use]
    pub fn config(&self) -> &OptimiserConfig {
        &self.config
    }
}

fn filled(device: &Cpu, len: usize, value: f32) -> Result<Storage32, CpuError> {
    let mut storage: Storage32 = device.try_alloc_len(len)?;
    storage.fill(value);
    Ok(storage)
}
