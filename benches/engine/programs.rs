//! The programs that are timed, and their compilation.

use std::collections::{BTreeMap, HashMap};

use lossc::compile::Program;
use lossc::diag::has_errors;
use lossc::ir::graph::InputRole;
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};

use crate::Result;

/// Sizes of the named axes: embedding coordinates and neurons.
pub const AXES: [(&str, usize); 2] = [("m", 128), ("N", 100)];

fn text(name: &str) -> Result<&'static str> {
    Ok(match name {
        "poisson_softplus" => include_str!("../programs/poisson_softplus.loss"),
        "poisson_log" => include_str!("../programs/poisson_log.loss"),
        "normal_softplus" => include_str!("../programs/normal_softplus.loss"),
        "neg_binomial" => include_str!("../programs/neg_binomial.loss"),
        "triplet" => include_str!("../programs/triplet.loss"),
        "poisson_units" => include_str!("../programs/poisson_units.loss"),
        _ => return Err(format!("there is no program `{name}`").into()),
    })
}

/// Compiles a program as training does: gradients of predictions and parameters, raw values behind their links.
pub fn compile(name: &str) -> Result<Program> {
    let source = Source::new(name, text(name)?);
    let options = Options { raw: true, set: HashMap::new(), ..Options::default() };
    let analysis = analyze(&source, &NoFiles, &options);
    if has_errors(&analysis.diagnostics) {
        return Err(format!("{name}: {:?}", analysis.diagnostics).into());
    }
    let learned = |role| matches!(role, InputRole::Predict | InputRole::Param);
    let wrt: Vec<_> = analysis.hir.names.iter().filter(|info| learned(info.role)).map(|info| info.input).collect();
    Ok(Program::compile(analysis.hir, &wrt)?)
}

/// Sizes of the axes as the compiler takes them; `m` where a network embeds into fewer coordinates.
pub fn axes(embedding: Option<usize>) -> BTreeMap<String, usize> {
    let mut axes: BTreeMap<String, usize> =
        AXES.iter().map(|&(name, size)| (lossc::syntax::names::canonical(name), size)).collect();
    if let Some(size) = embedding {
        axes.insert("m".into(), size);
    }
    axes
}
