//! Rules between parts of a spec that no single key shows.

use super::finding::Finding;
use super::read::{View, text};
use super::tree::{Node, Value as Yaml};
use super::types::Settings;
use crate::data::options::{Files, ImageSource, Share, Source};
use crate::diag::codes;
use crate::train::metrics::metric;

/// Adds what does not go together across `settings`.
pub fn across(root: &View, settings: &Settings, findings: &mut Vec<Finding>) {
    if let Some(data) = root.given("data") {
        sampling(data, settings, findings);
        twice(data, findings);
    }
    parts(root, settings, findings);
    let evaluate = root.given("evaluate");
    for name in &settings.metrics {
        let key = metric(name).and_then(|metric| metric.needs.key());
        if let Some(key) = key.filter(|key| evaluate.and_then(|evaluate| evaluate.entry(key)).is_none()) {
            let message = format!("the metric `{name}` needs `evaluate.{key}`");
            findings.push(Finding::new(codes::S0007, root.key_place("metrics"), message));
        }
    }
}

fn sampling(data: &Node, settings: &Settings, findings: &mut Vec<Finding>) {
    let place = |key: &str| data.entry(key).map_or(data.place, |entry| entry.key_place);
    if settings.data.tuples.is_some() && settings.data.sampler.is_some() {
        let message = "`tuples` and `sampler` both say how a batch is drawn";
        let finding = Finding::new(codes::S0007, place("sampler"), message);
        findings.push(finding.label(place("tuples"), "the other one").help("keep one of them"));
    }
}

/// Inputs that stand twice in the list, spelt the same.
fn twice(data: &Node, findings: &mut Vec<Finding>) {
    let Some(Yaml::List(items)) = data.entry("inputs").map(|entry| &entry.node.value) else { return };
    for (at, item) in items.iter().enumerate() {
        if let Some(first) = items.iter().take(at).find(|first| text(first) == text(item)) {
            let message = format!("`inputs` names `{}` twice", text(item).unwrap_or_default());
            let finding = Finding::new(codes::S0007, item.place, message).label(first.place, "the first time");
            findings.push(finding.help("delete one of them"));
        }
    }
}

/// The source's files when they say which part a row belongs to.
fn source_files(source: &Source) -> &Files {
    const NONE: &Files = &Files::All(Vec::new());
    match source {
        Source::Table(files) => files,
        Source::Events(events) => &events.tables,
        Source::Images(images) => match &images.source {
            ImageSource::Array(files) | ImageSource::Sheet { files, .. } => files,
            ImageSource::Folder { .. } => NONE,
        },
    }
}

fn parts(root: &View, settings: &Settings, findings: &mut Vec<Finding>) {
    let Some(data) = root.given("data") else { return };
    let split_place = data.entry("split").map_or(data.place, |entry| entry.key_place);
    let split = settings.data.split.as_ref();
    let (file_valid, file_test) = match source_files(&settings.data.source) {
        Files::Parts { valid, test, .. } => (!valid.is_empty(), !test.is_empty()),
        Files::All(_) => (false, false),
    };
    for (part, by_file, share) in
        [("valid", file_valid, split.map(|s| &s.valid)), ("test", file_test, split.map(|s| &s.test))]
    {
        if by_file && share.is_some_and(|share| *share != Share::None) {
            let message = format!("the files already say which rows are `{part}`, and the split says it again");
            findings.push(Finding::new(codes::S0007, split_place, message).help(format!("delete `{part}` from one")));
        }
    }
    let has_valid = file_valid || split.is_some_and(|split| split.valid != Share::None);
    if settings.train.early_stop.is_some() && !has_valid {
        let place =
            root.given("train").and_then(|train| train.entry("early_stop")).map_or(root.place(), |e| e.key_place);
        let message = "`early_stop` needs validation rows, and the data sets none aside";
        findings.push(Finding::new(codes::S0007, place, message).help("`split: {valid: 0.1}` under `data`"));
    }
}
