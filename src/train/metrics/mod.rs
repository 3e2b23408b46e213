//! What is measured when a run ends, and what its pictures are made from.
//!
//! [`REGISTRY`] has one row a metric, and a spec's words and rules are read off it. To add one: a function of a [`Scene`],
//! and a row. A metric that has no meaning for a program (bits per spike of a continuous quantity), or lacks what it
//! compares with, is refused before training starts. Depends on the compiler's
//! facade, prepared data and the network's predictions.

pub(super) mod continuous;
pub(super) mod counts;
pub(super) mod faces;
mod moments;
pub mod predictive;
mod scene;

pub use faces::{Embed, Faces};
pub use moments::property;
pub use scene::{Oracle, Scene, TrainFacts, UnitWords, head_values};

use crate::compile::Program;
use crate::ir::graph::InputRole;

use super::errors::Result;

/// One figure: its name, which may differ from its metric's (`coverage_0.9`), and its value.
pub type Figure = (String, f64);

/// A metric.
pub struct Metric {
    /// Its name in a spec.
    pub name: &'static str,
    /// What it is, with the formula.
    pub doc: &'static str,
    /// What there must be for it to mean something.
    pub needs: Needs,
    /// Its figures on one part.
    pub figures: fn(&Scene<'_>) -> Result<Vec<Figure>>,
}

/// What a metric needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A density of counts.
    Counts,
    /// A density of counts, and their true expectations.
    Oracle,
    /// A density of a continuous quantity.
    Continuous,
    /// Any density.
    Density,
    /// Pictures with classes, and who is to be recognised.
    Faces,
}

impl Needs {
    /// The key of a spec's `evaluate` without which there is nothing to compare with.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Needs::Oracle => Some("oracle"),
            Needs::Faces => Some("recognition"),
            Needs::Nothing | Needs::Counts | Needs::Continuous | Needs::Density => None,
        }
    }
}

/// The metric that asks for the figures of other models; [`super::finale`] has their networks.
pub const BASELINES: &str = "baselines";

fn none(_: &Scene<'_>) -> Result<Vec<Figure>> {
    Ok(Vec::new())
}

/// Every metric.
pub const REGISTRY: &[Metric] = &[
    Metric {
        name: "nll",
        doc: "Mean negative log likelihood, nats a row; always there.",
        needs: Needs::Nothing,
        figures: none,
    },
    Metric {
        name: "bits_per_spike",
        doc: "(log likelihood − that of a Poisson count at the unit's constant training rate) / (events · ln 2), all units \
              pooled.",
        needs: Needs::Counts,
        figures: counts::bits_per_spike,
    },
    Metric {
        name: "oracle",
        doc: "Bits per spike of the true rates, and the fraction of them that the model reaches.",
        needs: Needs::Oracle,
        figures: counts::oracle,
    },
    Metric {
        name: "pseudo_r2",
        doc: "1 − deviance / deviance of the constant rate (counts: Poisson deviance; else squared error).",
        needs: Needs::Density,
        figures: counts::pseudo_r2,
    },
    Metric {
        name: "rmse",
        doc: "Root of the mean squared difference of observation and predicted mean.",
        needs: Needs::Density,
        figures: continuous::rmse,
    },
    Metric {
        name: "calibration",
        doc: "Share of observations inside the central interval of each of `evaluate.levels`.",
        needs: Needs::Continuous,
        figures: continuous::coverage,
    },
    Metric {
        name: "dispersion",
        doc: "Pearson dispersion Σ(y − mean)² / variance ÷ n: 1 when the spread is as predicted.",
        needs: Needs::Density,
        figures: continuous::dispersion,
    },
    Metric {
        name: "rank1",
        doc: "Share of probes whose nearest gallery picture is of their class.",
        needs: Needs::Faces,
        figures: faces::rank1,
    },
    Metric {
        name: "rank5",
        doc: "Share of probes with their class among the five nearest.",
        needs: Needs::Faces,
        figures: faces::rank5,
    },
    Metric {
        name: "auc",
        doc: "Probability that two pictures of one class lie nearer than two of different ones.",
        needs: Needs::Faces,
        figures: faces::auc,
    },
    Metric {
        name: BASELINES,
        doc: "The same figures of simple models: constant rate, no inputs, raw pixels, the untrained network.",
        needs: Needs::Nothing,
        figures: none,
    },
];

/// The names under a spec's `metrics`.
pub const NAMES: &[&str] = &names::<{ REGISTRY.len() }>();

#[allow(clippy::indexing_slicing)] // Proven: both have N entries, and the compiler runs it.
const fn names<const N: usize>() -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = REGISTRY[at].name;
        at += 1;
    }
    names
}

/// The metric of that name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    REGISTRY.iter().find(|metric| metric.name == name)
}

/// Why `metric` means nothing for a program, if so.
pub fn misfit(metric: &Metric, program: &Program) -> Option<String> {
    let observed = |integral: bool| {
        let data = program.hir.names.iter().filter(|info| info.role == InputRole::Data);
        data.clone().any(|info| program.hir.graph.input(info.input).support.integral == integral)
    };
    let density = program.hir.terms.iter().any(|term| matches!(term.kind, crate::sema::TermKind::Density(_)));
    let why = match metric.needs {
        Needs::Counts | Needs::Oracle if !(density && observed(true)) => "the program has no density of counts",
        Needs::Continuous if !(density && observed(false)) => "the program has no density of a continuous quantity",
        Needs::Density if !density => "the program has no density",
        _ => return None,
    };
    Some(format!("the metric `{}` means nothing here: {why}", metric.name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
