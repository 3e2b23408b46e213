//! A checked tree into typed [`Settings`], and the rules that span several keys.

use super::build_data;
use super::finding::Finding;
use super::read::{Read, View, chosen, num, nums, text};
use super::schema::Ty;
use super::table::ROOT;
use super::tree::{Node, Value};
use super::types::{
    EarlyStop, Evaluate, HeadStart, Length, Oracle, Program, Recognition, Schedule, Settings, TrainOptions, UnitTable,
};
use crate::data::options;
use crate::diag::codes;
use crate::train::network::{Activation, Layer, WeightInit};
use crate::train::optimiser::OptimiserConfig;

/// The settings of a tree that `check` found nothing wrong with.
///
/// # Errors
/// Keys that do not go together, all of them.
pub fn build(tree: &Node) -> Result<Settings, Vec<Finding>> {
    let root = View::new(&ROOT, Some(tree));
    let mut findings = Vec::new();
    let settings = settings(&root, &mut findings).map_err(|internal| vec![*internal])?;
    super::rules::across(&root, &settings, &mut findings);
    if findings.is_empty() { Ok(settings) } else { Err(findings) }
}

fn settings(root: &View, findings: &mut Vec<Finding>) -> Read<Settings> {
    Ok(Settings {
        program: program(root, findings)?,
        name: root.text_opt("name")?,
        notes: root.text_opt("notes")?,
        consts: root
            .names("const")
            .into_iter()
            .filter_map(|(name, node, _)| Some((name.into(), nums(node)?)))
            .collect(),
        axes: axes(root),
        seed: root.seed_opt("seed")?.unwrap_or(1),
        data: build_data::data(&root.section("data")?, findings)?,
        network: layers(root.given("network"), findings)?,
        heads: root.names("heads").into_iter().map(|(name, node, _)| (name.into(), head(node))).collect(),
        optimizer: optimizer(root)?,
        schedule: schedule(root)?,
        train: train(&root.section("train")?, findings)?,
        metrics: root.texts("metrics")?,
        evaluate: evaluate(root)?,
    })
}

fn program(root: &View, findings: &mut Vec<Finding>) -> Read<Program> {
    match (root.text_opt("loss")?, root.text_opt("program")?) {
        (Some(path), None) => Ok(Program::File(path.into())),
        (None, Some(text)) => Ok(Program::Text(text)),
        (Some(path), Some(_)) => {
            let message = "`loss` and `program` both say what the program is";
            let finding = Finding::new(codes::S0007, root.key_place("program"), message);
            findings.push(finding.label(root.key_place("loss"), "the other one").help("keep one of them"));
            Ok(Program::File(path.into()))
        }
        (None, None) => {
            let message = "the spec names no program";
            findings
                .push(Finding::new(codes::S0006, root.place(), message).help(
                    "`loss: spikes.loss` for a file beside the spec, or `program: \"poisson(k | softplus(η))\"`",
                ));
            Ok(Program::Text(String::new()))
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn axes(root: &View) -> Vec<(String, usize)> {
    let size = |node: &Node| num(node).map(|x| x as usize);
    root.names("axes").into_iter().filter_map(|(name, node, _)| Some((name.into(), size(node)?))).collect()
}

fn head(node: &Node) -> HeadStart {
    let init = node.entry("init").map_or(node, |entry| &entry.node);
    match text(init).as_deref() {
        Some("zero") => HeadStart::Zero,
        Some("mean") => HeadStart::Mean,
        Some("identity") => HeadStart::Identity,
        _ => nums(init).filter(|_| !matches!(init.value, Value::Map(_))).map_or(HeadStart::Default, HeadStart::Bias),
    }
}

/// The layers of a list; `None` is no layers.
fn layers(list: Option<&Node>, findings: &mut Vec<Finding>) -> Read<Vec<Layer>> {
    let Some(Value::List(items)) = list.map(|node| &node.value) else { return Ok(Vec::new()) };
    let Some(Ty::List(Ty::Choice(group))) = ROOT.row("network").map(|row| &row.ty) else { return Ok(Vec::new()) };
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        let disagree = || {
            let message = "lossc's table of layers and its reader disagree here";
            Box::new(Finding::new(codes::S0099, item.place, message))
        };
        let (name, options) = chosen(group, item).ok_or_else(disagree)?;
        made.push(layer(name, &options, findings)?.ok_or_else(disagree)?);
    }
    Ok(made)
}

/// One layer; `None` for a name that this code does not know.
fn layer(name: &str, options: &View, findings: &mut Vec<Finding>) -> Read<Option<Layer>> {
    Ok(Some(match name {
        "dense" => Layer::Dense { units: options.size("units")?, bias: options.flag("bias")?, init: weights(options)? },
        "conv" => conv(options, findings)?,
        "max_pool" => {
            let size = options.size("size")?;
            Layer::MaxPool { size, stride: options.size_opt("stride")?.unwrap_or(size) }
        }
        "flatten" => Layer::Flatten,
        #[allow(clippy::cast_possible_truncation)]
        "dropout" => Layer::Dropout(options.num("p")? as f32),
        "layer_norm" => Layer::LayerNorm,
        "residual" => Layer::Residual(layers(options.whole(), findings)?),
        "l2_normalize" => Layer::L2Normalize,
        "relu" => Layer::Activation(Activation::Relu),
        "gelu" => Layer::Activation(Activation::Gelu),
        "silu" => Layer::Activation(Activation::Silu),
        "tanh" => Layer::Activation(Activation::Tanh),
        "sigmoid" => Layer::Activation(Activation::Sigmoid),
        "softplus" => Layer::Activation(Activation::Softplus),
        "elu" => Layer::Activation(Activation::Elu),
        #[allow(clippy::cast_possible_truncation)]
        "leaky_relu" => Layer::Activation(Activation::LeakyRelu(options.num("slope")? as f32)),
        _ => return Ok(None),
    }))
}

fn weights(options: &View) -> Read<WeightInit> {
    Ok(match options.text("init")?.as_str() {
        "he" => WeightInit::He,
        "xavier" => WeightInit::Xavier,
        "zero" => WeightInit::Zero,
        _ => WeightInit::Uniform,
    })
}

fn conv(options: &View, findings: &mut Vec<Finding>) -> Read<Layer> {
    let kernel = options.size("kernel")?;
    let same = options.text("padding")? == "same";
    if same && kernel % 2 == 0 {
        let message = format!("`padding: same` needs an odd kernel, and this one has {kernel}");
        findings.push(Finding::new(codes::S0007, options.key_place("padding"), message));
    }
    let padding = if same { kernel / 2 } else { options.size("padding")? };
    Ok(Layer::Conv { channels: options.size("channels")?, kernel, stride: options.size("stride")?, padding })
}

fn optimizer(root: &View) -> Read<OptimiserConfig> {
    let (name, options) = root.choice("optimizer")?;
    let (lr, weight_decay) = (options.num("lr")?, options.num("weight_decay")?);
    let adam = |options: &View| Read::Ok(([options.num("beta1")?, options.num("beta2")?], options.num("eps")?));
    Ok(match name {
        "sgd" => {
            let (momentum, nesterov) = (options.num("momentum")?, options.flag("nesterov")?);
            OptimiserConfig::Sgd { lr, momentum, nesterov, weight_decay }
        }
        "rmsprop" => OptimiserConfig::RmsProp {
            lr,
            alpha: options.num("alpha")?,
            eps: options.num("eps")?,
            momentum: options.num("momentum")?,
            centered: options.flag("centered")?,
            weight_decay,
        },
        "adam" => {
            let (betas, eps) = adam(&options)?;
            OptimiserConfig::Adam { lr, betas, eps, weight_decay }
        }
        _ => {
            let (betas, eps) = adam(&options)?;
            OptimiserConfig::AdamW { lr, betas, eps, weight_decay }
        }
    })
}

fn schedule(root: &View) -> Read<Schedule> {
    let (name, options) = root.choice("schedule")?;
    let cosine_to = if name == "cosine" { Some(options.num("final")?) } else { None };
    Ok(Schedule { warmup: options.size("warmup")? as u64, cosine_to })
}

fn train(view: &View, findings: &mut Vec<Finding>) -> Read<TrainOptions> {
    let length = match (view.size_opt("epochs")?, view.size_opt("steps")?) {
        (Some(_), Some(steps)) => {
            let finding = Finding::new(codes::S0007, view.key_place("steps"), "`epochs` and `steps` both say how long");
            findings.push(finding.label(view.key_place("epochs"), "the other one").help("keep one of them"));
            Length::Steps(steps as u64)
        }
        (None, Some(steps)) => Length::Steps(steps as u64),
        (epochs, None) => Length::Epochs(epochs.unwrap_or(20) as u64),
    };
    let early_stop = match view.section_opt("early_stop")? {
        None => None,
        Some(stop) => {
            stop.text("metric")?;
            Some(EarlyStop { patience: stop.size("patience")? as u64, min_delta: stop.num("min_delta")? })
        }
    };
    Ok(TrainOptions {
        length,
        batch: view.size("batch")?,
        clip_norm: view.num_opt("clip_norm")?,
        ema: view.num_opt("ema")?,
        early_stop,
        validate_every: view.size_opt("validate_every")?.map(|n| n as u64),
        checkpoint_every: view.section("checkpoint")?.size("every")? as u64,
        time_limit: view.seconds_opt("time_limit")?,
    })
}

fn evaluate(root: &View) -> Read<Evaluate> {
    let view = root.section("evaluate")?;
    let oracle = match view.section_opt("oracle")? {
        None => None,
        Some(oracle) => Some(Oracle {
            files: build_data::entries(oracle.given("table")),
            time: oracle.text("time")?,
            columns: oracle.texts("columns")?,
            per_second: oracle.text("per")? == "second",
        }),
    };
    let units = match view.section_opt("units")? {
        None => None,
        Some(units) => {
            Some(UnitTable { files: build_data::entries(units.given("table")), label: units.text("label")? })
        }
    };
    let recognition = match view.section_opt("recognition")? {
        None => None,
        Some(faces) => Some(Recognition {
            gallery: selection(&faces, "gallery"),
            probes: selection(&faces, "probes"),
            mirror: faces.flag("mirror")?,
        }),
    };
    Ok(Evaluate { oracle, units, recognition, levels: view.nums("levels")? })
}

fn selection(view: &View, key: &str) -> Vec<(String, Vec<options::Value>)> {
    view.names(key).into_iter().map(|(column, node, _)| (column.to_owned(), build_data::values(node))).collect()
}
