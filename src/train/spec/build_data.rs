//! The `data:` part of a checked tree into [`DataOptions`].

use super::finding::Finding;
use super::read::{Read, View, text, texts};
use super::tree::{Node, Value as Yaml};
use crate::data::options::{
    Augment, Bind, ClassSampler, Clock, Covariates, DataOptions, Events, FileEntry, Files, ImageSource, Images, Lags,
    OnInvalid, PixelNormalize, Resample, Share, Source, Split, SplitBy, Standardize, TimeUnit, TupleKind, Tuples,
    Value,
};
use crate::diag::codes;

/// The options, with what does not go together in `findings`.
pub fn data(view: &View, findings: &mut Vec<Finding>) -> Read<DataOptions> {
    let mut options = DataOptions::new(source(view, findings)?);
    options.inputs = view.texts("inputs")?;
    options.bind = view.names("bind").into_iter().filter_map(|(name, node, _)| bind(name, node)).collect();
    options.log = view.texts("log")?;
    options.squares = view.texts("squares")?;
    options.lags = lags(view)?;
    options.standardize = match view.texts("standardize")?.as_slice() {
        [] => Standardize::None,
        [one] if one == "none" => Standardize::None,
        [one] if one == "inputs" => Standardize::Inputs,
        columns => Standardize::Columns(columns.to_vec()),
    };
    options.weight = view.text_opt("weight")?;
    options.split = view.section_opt("split")?.map(|split_view| split(&split_view, findings)).transpose()?;
    options.augment = view.section_opt("augment")?.map(|a| augment(&a, findings)).transpose()?;
    options.tuples = match view.section_opt("tuples")? {
        None => None,
        Some(tuples_view) => tuples(&tuples_view, findings)?,
    };
    options.sampler = match view.section_opt("sampler")? {
        None => None,
        Some(s) => Some(ClassSampler { classes: s.size("classes")?, per_class: s.size("per_class")? }),
    };
    options.on_invalid = if view.text("on_invalid")? == "inf" { OnInvalid::Inf } else { OnInvalid::Error };
    Ok(options)
}

fn bind(name: &str, node: &Node) -> Option<Bind> {
    Some(Bind { name: name.to_owned(), columns: texts(node)? })
}

/// The constants of a scalar or a list.
pub fn values(node: &Node) -> Vec<Value> {
    match &node.value {
        Yaml::List(items) => items.iter().map(constant).collect(),
        _ => vec![constant(node)],
    }
}

#[allow(clippy::cast_precision_loss)]
fn constant(node: &Node) -> Value {
    match &node.value {
        Yaml::Int(i) => Value::Number(*i as f64),
        Yaml::Num(x) => Value::Number(*x),
        Yaml::Bool(b) => Value::Text(b.to_string()),
        _ => Value::Text(text(node).unwrap_or_default()),
    }
}

/// The files of a path, of `{path, with}`, or of a list of them.
pub fn entries(node: Option<&Node>) -> Vec<FileEntry> {
    match node.map(|node| &node.value) {
        Some(Yaml::List(items)) => items.iter().filter_map(entry).collect(),
        _ => node.and_then(entry).into_iter().collect(),
    }
}

fn entry(node: &Node) -> Option<FileEntry> {
    let path = text(node.entry("path").map_or(node, |entry| &entry.node))?;
    let with = match node.entry("with").map(|entry| &entry.node.value) {
        Some(Yaml::Map(columns)) => columns.iter().map(|c| (c.key.clone(), constant(&c.node))).collect(),
        _ => Vec::new(),
    };
    Some(FileEntry { path, with })
}

fn files(node: Option<&Node>) -> Files {
    let part = |key: &str| entries(node.and_then(|node| node.entry(key)).map(|entry| &entry.node));
    if node.is_some_and(|node| node.entry("train").is_some()) {
        return Files::Parts { train: part("train"), valid: part("valid"), test: part("test") };
    }
    Files::All(entries(node))
}

/// The one of `keys` that is given; more than one, or none when one is needed, is a finding.
fn exactly_one(view: &View, keys: &[&'static str], what: &str, findings: &mut Vec<Finding>) -> Option<&'static str> {
    let given: Vec<&'static str> = keys.iter().copied().filter(|key| view.given(key).is_some()).collect();
    match given.as_slice() {
        [] => {
            let all = super::schema::one_of(keys.iter().copied());
            findings.push(Finding::new(codes::S0006, view.place(), format!("{what} needs one of {all}")));
            None
        }
        [one] => Some(one),
        [one, two, ..] => {
            let message = format!("`{one}` and `{two}` do not go together: {what} has one of them");
            let finding = Finding::new(codes::S0007, view.key_place(two), message);
            findings.push(finding.label(view.key_place(one), "the other one"));
            Some(one)
        }
    }
}

fn source(view: &View, findings: &mut Vec<Finding>) -> Read<Source> {
    let kind = exactly_one(view, &["table", "events", "images"], "the data", findings);
    let only_events: &[&str] = &["covariates", "bin", "within", "start", "end"];
    let only_images: &[&str] = &["augment", "tuples"];
    for (keys, owner) in [(only_events, "events"), (only_images, "images")] {
        for key in keys.iter().filter(|key| view.given(key).is_some() && kind.is_some_and(|kind| kind != owner)) {
            let message = format!("`{key}` goes with `{owner}`, and the data here is `{}`", kind.unwrap_or_default());
            findings.push(Finding::new(codes::S0007, view.key_place(key), message));
        }
    }
    Ok(match kind {
        Some("events") => Source::Events(events(view, findings)?),
        Some("images") => Source::Images(images(&view.section("images")?, findings)?),
        _ => Source::Table(files(view.given("table"))),
    })
}

fn events(view: &View, findings: &mut Vec<Finding>) -> Read<Events> {
    let events = view.section("events")?;
    let bin = view.seconds_opt("bin")?;
    if bin.is_none() {
        let message = "events need the width of their bins";
        findings.push(Finding::new(codes::S0006, view.key_place("events"), message).help("`bin: 50 ms`"));
    }
    Ok(Events {
        tables: files(events.given("table")),
        time: events.text("time")?,
        time_unit: time_unit(&events)?,
        unit: events.text_opt("unit")?,
        units: events.size_opt("units")?,
        name: events.text("as")?,
        covariates: view.section_opt("covariates")?.map(|c| covariates(&c, findings)).transpose()?,
        bin_seconds: bin.unwrap_or(1.0),
        within: view.text_opt("within")?,
        start_seconds: view.seconds_opt("start")?,
        end_seconds: view.seconds_opt("end")?,
    })
}

fn time_unit(view: &View) -> Read<TimeUnit> {
    Ok(match view.text("time_unit")?.as_str() {
        "ms" => TimeUnit::Milliseconds,
        "us" => TimeUnit::Microseconds,
        "min" => TimeUnit::Minutes,
        _ => TimeUnit::Seconds,
    })
}

fn covariates(view: &View, findings: &mut Vec<Finding>) -> Read<Covariates> {
    let kind = exactly_one(view, &["time", "rate"], "the clock of the covariates", findings);
    let clock = match kind {
        Some("time") => Clock::Column { time: view.text("time")?, unit: time_unit(view)? },
        _ => Clock::Rate {
            hz: view.hertz_opt("rate")?.unwrap_or(1.0),
            start_seconds: view.seconds_opt("start")?.unwrap_or(0.0),
        },
    };
    let resample = if view.text("resample")? == "interpolate" { Resample::Interpolate } else { Resample::Average };
    Ok(Covariates { tables: files(view.given("table")), clock, inputs: view.texts("inputs")?, resample })
}

fn images(view: &View, findings: &mut Vec<Finding>) -> Read<Images> {
    let color = view.flag("color")?;
    let source = match exactly_one(view, &["array", "folder", "sheet"], "`images`", findings) {
        Some("folder") => ImageSource::Folder { path: view.text("folder")?, color },
        Some("sheet") => ImageSource::Sheet {
            files: files(view.given("sheet")),
            tile: tile(view, findings)?,
            row: view.text("row")?,
            column: view.text("column")?,
            color,
        },
        _ => ImageSource::Array(files(view.given("array"))),
    };
    let normalize = match view.text("normalize")?.as_str() {
        "none" => PixelNormalize::None,
        "each" => PixelNormalize::Each,
        _ => PixelNormalize::Train,
    };
    let labels = view.given("labels").map(|node| files(Some(node)));
    Ok(Images { source, labels, label: view.text_opt("label")?, normalize })
}

fn tile(view: &View, findings: &mut Vec<Finding>) -> Read<(usize, usize)> {
    let sides = view.nums("tile")?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let side = |x: &f64| *x as usize;
    match sides.as_slice() {
        [both] => Ok((side(both), side(both))),
        [width, height] => Ok((side(width), side(height))),
        _ => {
            let message = "a sheet needs the size of its tiles";
            findings.push(Finding::new(codes::S0006, view.key_place("sheet"), message).help("`tile: 64`"));
            Ok((1, 1))
        }
    }
}

fn lags(view: &View) -> Read<Vec<Lags>> {
    let Some(node) = view.given("lags") else { return Ok(Vec::new()) };
    let group = super::table::lags();
    let one = |node: &Node| -> Read<Lags> {
        let lag = View::new(group, Some(node));
        Ok(Lags {
            columns: lag.texts("columns")?,
            past: lag.size("past")?,
            future: lag.size("future")?,
            every: lag.size("every")?,
            now: lag.flag("now")?,
            within: lag.text_opt("within")?,
        })
    };
    match &node.value {
        Yaml::List(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}

fn split(view: &View, findings: &mut Vec<Finding>) -> Read<Split> {
    let kinds = ["random", "blocks", "column", "group", "time"];
    let kind = if kinds.iter().any(|key| view.given(key).is_some()) {
        exactly_one(view, &kinds, "a split", findings)
    } else {
        None
    };
    let by = match kind {
        Some("blocks") => SplitBy::Blocks { rows: view.section("blocks")?.size("rows")? },
        Some(key @ ("column" | "group")) => SplitBy::Column { column: view.text(key)? },
        Some("time") => {
            let time = view.section("time")?;
            SplitBy::Time { column: time.text_opt("column")?, every_seconds: time.seconds_opt("every")?.unwrap_or(1.0) }
        }
        _ => SplitBy::Rows,
    };
    if view.given("random").is_some() {
        view.flag("random")?;
    }
    let (valid, test) = (share(view.given("valid")), share(view.given("test")));
    if valid == Share::None && test == Share::None {
        let message = "this split takes no rows away from training";
        findings.push(Finding::new(codes::S0006, view.place(), message).help("`valid: 0.1`, `test: [3, 8]`"));
    }
    if let (Share::Fraction(v), Share::Fraction(t)) = (&valid, &test)
        && v + t >= 1.0
    {
        let message = format!("`valid` and `test` together take {} of the rows, and leave none to train on", v + t);
        findings.push(Finding::new(codes::S0007, view.key_place("test"), message));
    }
    if let (SplitBy::Rows, Share::Values(_), _) | (SplitBy::Rows, _, Share::Values(_)) = (&by, &valid, &test) {
        let message = "a list of values needs to say of what: `blocks`, `column`, `group` or `time`";
        findings.push(Finding::new(codes::S0007, view.place(), message));
    }
    Ok(Split { by, valid, test, seed: view.seed_opt("seed")? })
}

fn share(node: Option<&Node>) -> Share {
    match node.map(|node| &node.value) {
        None => Share::None,
        Some(Yaml::List(_)) => Share::Values(node.map(values).unwrap_or_default()),
        Some(_) => node.and_then(super::read::num).map_or(Share::None, Share::Fraction),
    }
}

fn augment(view: &View, findings: &mut Vec<Finding>) -> Read<Augment> {
    for key in ["scale", "exposure", "contrast"] {
        if let Some((lo, hi)) = view.pair_opt(key)?.filter(|(lo, hi)| lo > hi) {
            let message = format!("`{key}` goes from {lo} to {hi}: the smaller one stands first");
            findings.push(Finding::new(codes::S0003, view.key_place(key), message));
        }
    }
    Ok(Augment {
        rotate: view.num("rotate")?,
        scale: view.pair_opt("scale")?,
        shift: view.num("shift")?,
        crop: view.size_opt("crop")?,
        mirror: view.flag("mirror")?,
        exposure: view.pair_opt("exposure")?,
        brightness: view.num("brightness")?,
        contrast: view.pair_opt("contrast")?,
        noise: view.num("noise")?,
    })
}

fn tuples(view: &View, findings: &mut Vec<Finding>) -> Read<Option<Tuples>> {
    let get = |key: &str| view.text_opt(key);
    let triplet = (get("anchor")?, get("positive")?, get("negative")?);
    let pair = (get("first")?, get("second")?, get("same")?);
    let kind = match (triplet, pair) {
        ((Some(anchor), Some(positive), Some(negative)), (None, None, None)) => {
            TupleKind::Triplet { anchor, positive, negative }
        }
        ((None, None, None), (Some(first), Some(second), Some(same))) => TupleKind::Pair { first, second, same },
        _ => {
            let message = "tuples are `{anchor: a, positive: p, negative: n}` or `{first: a, second: b, same: y}`";
            findings.push(Finding::new(codes::S0007, view.place(), message));
            return Ok(None);
        }
    };
    Ok(Some(Tuples { kind, per_epoch: view.size_opt("per_epoch")? }))
}
