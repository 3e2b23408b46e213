//! Specs as people write them, and as they mistype them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use super::schema::{Absent, Group, Ty};
use super::*;
use crate::data::options::{
    Clock, FileEntry, Files, Share, Source as From, SplitBy, Standardize, TupleKind, Value as V,
};
use crate::train::network::{Activation, Layer};
use crate::train::optimiser::{self, OptimiserConfig};

const SPIKES: &str = r#"
loss: spikes.loss
const: {w: 1e-3, q: [0.1, 0.9]}
axes: {K: 5}
seed: 7
data:
  events: {table: spikes.csv.gz, time: time_ms, time_unit: ms, unit: unit, units: 40, as: k}
  covariates: {table: [a.csv.gz, b.csv.gz], rate: 60 Hz}
  bin: 50 ms
  lags: {past: 8, future: 4, every: 2}
  standardize: inputs
  split: {time: 60 s, valid: [1, 11], test: [3, 8, 13]}
network: [{dense: 128}, gelu, {dropout: 0.1}, {residual: [{dense: {units: 128, init: he}}, relu]}]
heads: {η: {init: mean}}
optimizer: {adamw: {lr: 3e-3, weight_decay: 1e-4}}
schedule: {cosine: {warmup: 100}}
train: {epochs: 50, batch: 256, clip_norm: 1.0, ema: 0.999, early_stop: {patience: 10}, checkpoint: {every: 1}}
metrics: [nll, bits_per_spike, pseudo_r2]
"#;

fn read(text: &str) -> Result<Spec, SpecErrors> {
    Spec::read("a.yaml", text.as_bytes(), &[])
}

/// `line:column code` of every mistake.
fn mistakes(text: &str, sets: &[&str]) -> Vec<String> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let errors = Spec::read("a.yaml", text.as_bytes(), &sets).expect_err("mistakes");
    let place = |(source, diagnostic): &(usize, Diagnostic)| {
        let (line, column) = errors.texts[*source].line_column(diagnostic.span.start);
        format!("{source}:{line}:{column} {}", diagnostic.code)
    };
    errors.diagnostics.iter().map(place).collect()
}

#[test]
fn the_spikes_spec_of_the_contract_reads() {
    let spec = read(SPIKES).unwrap_or_else(|errors| panic!("{errors}"));
    let s = &spec.settings;
    assert_eq!(s.program, Program::File("spikes.loss".into()));
    assert_eq!(s.consts, [("w".to_owned(), vec![1e-3]), ("q".to_owned(), vec![0.1, 0.9])]);
    assert_eq!((s.axes[0].1, s.seed), (5, 7));
    let From::Events(events) = &s.data.source else { panic!("events") };
    assert_eq!((events.bin_seconds, events.units, events.name.as_str()), (0.05, Some(40), "k"));
    let covariates = events.covariates.as_ref().unwrap();
    assert_eq!(covariates.clock, Clock::Rate { hz: 60.0, start_seconds: 0.0 });
    assert_eq!(covariates.tables, Files::All(vec![FileEntry::new("a.csv.gz"), FileEntry::new("b.csv.gz")]));
    assert_eq!((s.data.lags[0].past, s.data.lags[0].future, s.data.lags[0].every), (8, 4, 2));
    assert_eq!(s.data.standardize, Standardize::Inputs);
    let split = s.data.split.as_ref().unwrap();
    assert_eq!(split.by, SplitBy::Time { column: None, every_seconds: 60.0 });
    assert_eq!(split.valid, Share::Values(vec![V::Number(1.0), V::Number(11.0)]));
    assert_eq!(s.network.len(), 4);
    assert!(matches!(&s.network[3], Layer::Residual(inner) if inner[1] == Layer::Activation(Activation::Relu)));
    assert_eq!(s.heads, [("η".to_owned(), HeadStart::Mean)]);
    let adamw = OptimiserConfig::AdamW { lr: 3e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-4 };
    assert_eq!(s.optimizer, adamw);
    assert_eq!(s.schedule, Schedule { warmup: 100, cosine_to: Some(0.0) });
    assert_eq!(s.train.length, Length::Epochs(50));
    assert_eq!(s.train.early_stop, Some(EarlyStop { patience: 10, min_delta: 0.0 }));
}

#[test]
fn the_faces_spec_of_the_contract_reads() {
    let spec = read(
        "program: \"hinge(d(a,p) - d(a,n) + α)\"\n\
         const: {α: 0.2}\n\
         data:\n  \
           images: {sheet: {train: [a.png, b.png], test: test.png}, tile: 64, row: identity, column: view, label: identity}\n  \
           augment: {rotate: 12, scale: [0.85, 1.15], shift: 5, crop: 48, mirror: true}\n  \
           tuples: {anchor: a, positive: p, negative: n}\n\
         network: [{conv: {channels: 16, kernel: 3, padding: same}}, relu, {max_pool: 2}, flatten, {dense: 64}, l2_normalize]\n\
         heads: {a: identity}\n\
         evaluate: {recognition: {gallery: {view: 0}, mirror: true}}\n\
         metrics: [rank1, auc]\n",
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    let s = &spec.settings;
    assert_eq!(s.network[0], Layer::Conv { channels: 16, kernel: 3, stride: 1, padding: 1 });
    assert_eq!(s.network[2], Layer::MaxPool { size: 2, stride: 2 });
    assert!(matches!(&s.data.tuples.as_ref().unwrap().kind, TupleKind::Triplet { anchor, .. } if anchor == "a"));
    let faces = s.evaluate.recognition.as_ref().unwrap();
    assert_eq!(faces.gallery, [("view".to_owned(), vec![V::Number(0.0)])]);
    assert_eq!(s.heads[0].1, HeadStart::Identity);
    assert_eq!(s.evaluate.levels, [0.5, 0.8, 0.9, 0.95]);
}

#[test]
fn all_mistakes_come_at_once_each_at_its_place() {
    let text = "\
loss: a.loss
sead: 3
data:
  events: {table: s.csv, time: t, as: k}
  bin: 50
  split: {blocks: {rows: 0}, valid: 1.5}
network: [{dense: 1.5}, gellu, {dropout: 1}, {conv: {chanels: 3}}]
train: {epochs: many, early_stop: 3}
epochs: 4
";
    let found = mistakes(text, &[]);
    let expected = [
        "0:2:1 S0001",  // sead
        "0:5:8 S0005",  // bin
        "0:6:26 S0003", // rows
        "0:6:37 S0003", // valid
        "0:7:19 S0002", // dense
        "0:7:25 S0004", // gellu
        "0:7:42 S0003", // dropout
        "0:7:53 S0006", // channels is missing …
        "0:7:54 S0001", // … because of chanels
        "0:8:17 S0002", // epochs
        "0:9:1 S0001",  // epochs elsewhere
    ];
    assert_eq!(found, expected);
    let shown = read(text).unwrap_err().to_string();
    assert!(shown.contains("did you mean `seed`?") && shown.contains("did you mean `gelu`?"), "{shown}");
    assert!(shown.contains("`epochs` stands at `train.epochs`"), "{shown}");
    assert!(shown.contains("a.yaml:5:8: error[S0005]: `data.bin`") && shown.contains("`50 ms`"), "{shown}");
}

#[test]
fn keys_that_do_not_go_together_are_reported_together() {
    let text = "\
loss: a.loss
program: cost
data:
  table: {train: a.csv, test: b.csv}
  bin: 50 ms
  split: {valid: [3], test: 0.1, group: g, blocks: 5}
  tuples: {anchor: a}
train: {epochs: 3, steps: 4}
metrics: [oracle]
";
    let found = mistakes(text, &[]);
    assert_eq!(found.len(), 8, "{found:?}");
    assert!(found.iter().all(|mistake| mistake.ends_with("S0007")), "{found:?}");
}

#[test]
fn a_metric_without_what_it_compares_with_is_refused() {
    let needs = |metric: &str| {
        let text = format!("loss: a.loss\ndata: {{table: a.csv}}\nmetrics: [nll, {metric}]\n");
        read(&text).err().map(|errors| errors.to_string())
    };
    for (metric, key) in
        [("oracle", "oracle"), ("rank1", "recognition"), ("rank5", "recognition"), ("auc", "recognition")]
    {
        let message = needs(metric).unwrap_or_else(|| panic!("{metric}"));
        assert!(message.contains(&format!("the metric `{metric}` needs `evaluate.{key}`")), "{message}");
    }
    assert_eq!(needs("rmse"), None);
    assert!(needs("rsme").unwrap().contains("did you mean `rmse`?"));
}

#[test]
fn set_overrides_and_is_blamed_for_its_own_mistakes() {
    let sets: Vec<String> =
        ["train.epochs=5", "optimizer.adamw.lr=1e-4", "network.0.dense=64", "const.v=2"].map(str::to_owned).to_vec();
    let spec = Spec::read("a.yaml", SPIKES.as_bytes(), &sets).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(spec.settings.train.length, Length::Epochs(5));
    assert!(matches!(spec.settings.network[0], Layer::Dense { units: 64, .. }));
    assert_eq!(spec.settings.consts.len(), 3);
    let found = mistakes(SPIKES, &["train.epochs=no", "tran.epochs=5", "seed", "network.9=relu", "seed=[1"]);
    // The two that are unknown to the table come from the check, the rest from reading them.
    assert_eq!(found, ["1:1:14 S0002", "2:1:1 S0001", "3:1:1 S0012", "4:1:9 S0012", "5:1:8 S0009"]);
}

#[test]
fn a_program_that_is_set_takes_the_place_of_the_other_one() {
    let set = |text: &str, set: &str| {
        let spec = Spec::read("a.yaml", text.as_bytes(), &[set.to_owned()]).unwrap_or_else(|errors| panic!("{errors}"));
        spec.settings.program
    };
    let text = set(SPIKES, r#"program="data k : count\nλ = exp(η) # \"fast\"\npoisson(k | λ)""#);
    assert_eq!(text, Program::Text("data k : count\nλ = exp(η) # \"fast\"\npoisson(k | λ)".into()));
    let inline = SPIKES.replace("loss: spikes.loss", "program: poisson(k | λ)");
    assert_eq!(set(&inline, "loss=b.loss"), Program::File("b.loss".into()));
}

#[test]
fn an_input_that_stands_twice_is_shown_at_both_places() {
    let text = "loss: a.loss\ndata: {table: t.csv, inputs: [a, b, a]}\nnetwork: [{dense: 1}]\nheads: {m: mean}\n";
    let errors = read(text).expect_err("twice");
    let found = &errors.diagnostics[0].1;
    assert_eq!((errors.diagnostics.len(), found.code.0, found.labels.len()), (1, "S0007", 1), "{errors}");
    assert!(errors.to_string().contains("`inputs` names `a` twice"), "{errors}");
}

#[test]
fn a_name_in_greek_does_not_move_the_positions_behind_it() {
    let found = mistakes("loss: a.loss\ndata: {table: t.csv}\nheads: {ηηη: zero, λ: nil}\n", &[]);
    assert_eq!(found, ["0:3:23 S0004"]);
}

#[test]
fn hostile_text_gives_one_clean_error_quickly() {
    let bomb = (0..9).fold("a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, i| {
        let (from, to) = (char::from(b'a' + i), char::from(b'b' + i));
        text + &format!("{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from}]\n")
    });
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (bomb.into_bytes(), "S0010"),
        ("[".repeat(10_000).into_bytes(), "S0010"),
        ("{a: ".repeat(10_000).into_bytes(), "S0010"),
        ("- ".repeat(100_000).into_bytes(), "S0010"),
        ("? ".repeat(100_000).into_bytes(), "S0009"),
        ("a: &a [*a]\n".as_bytes().to_vec(), "S0009"),
        (vec![b'x'; 2_000_000], "S0010"),
        (b"loss: a\0b\n".to_vec(), "S0011"),
        (b"loss: \xff\xfe\n".to_vec(), "S0011"),
        (b"data:\n\ttable: a.csv\n".to_vec(), "S0009"),
        (b"loss: !!python/object a\n".to_vec(), "S0009"),
        (b"loss: a\n---\nloss: b\n".to_vec(), "S0009"),
        (b"loss: a\nloss: b\n".to_vec(), "S0008"),
        (b"loss: [a, b\n".to_vec(), "S0009"),
        (b"loss: \"a\n".to_vec(), "S0009"),
        (b"base: &b {x: 1}\n<<: *b\n".to_vec(), "S0009"),
    ];
    for (bytes, code) in cases {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        let start = Instant::now();
        let errors = Spec::read("a.yaml", &bytes, &[]).expect_err(&head);
        assert!(start.elapsed() < Duration::from_secs(2), "{head}: {:?}", start.elapsed());
        assert_eq!(errors.diagnostics[0].1.code.0, code, "{head}: {errors}");
        assert_eq!(errors.diagnostics.len(), 1, "{head}: {errors}");
    }
}

#[test]
fn an_empty_spec_says_what_it_needs() {
    for text in ["", "# nothing\n", "{}", "~"] {
        let errors = read(text).expect_err("empty");
        assert!(errors.to_string().contains("needs `data`"), "{errors}");
    }
    assert!(read("- a\n").unwrap_err().to_string().contains("found a list"));
}

#[test]
fn a_schedule_is_that_of_the_runs_length() {
    let schedule = |cosine_to| Schedule { warmup: 10, cosine_to }.over(110);
    assert_eq!(schedule(Some(0.1)), optimiser::Schedule::Cosine { warmup: 10, total: 110, floor: 0.1 });
    assert_eq!(schedule(None), optimiser::Schedule::Warmup(10));
    assert_eq!(Schedule { warmup: 0, cosine_to: None }.over(5), optimiser::Schedule::Constant);
}

/// Every group of the table, each once.
fn groups() -> Vec<&'static Group> {
    fn within(ty: &'static Ty, found: &mut Vec<&'static Group>) {
        match ty {
            Ty::Section(group) | Ty::Choice(group) if !found.iter().any(|known| std::ptr::eq(*known, *group)) => {
                found.push(group);
                group.rows.iter().for_each(|row| within(&row.ty, found));
            }
            Ty::List(item) | Ty::Tuple(_, item) | Ty::Names(item) => within(item, found),
            Ty::Any(types) => types.iter().for_each(|ty| within(ty, found)),
            _ => {}
        }
    }
    let mut found = vec![&table::ROOT];
    table::ROOT.rows.iter().for_each(|row| within(&row.ty, &mut found));
    found
}

#[test]
fn every_row_is_documented_once_and_its_default_fits() {
    for group in groups() {
        for row in group.rows {
            let at = format!("{}: {}", group.name, row.key);
            assert_eq!(group.rows.iter().filter(|other| other.key == row.key).count(), 1, "{at}");
            assert!(row.doc.len() > 5, "{at}");
            if let Absent::Default(text) = row.absent {
                let node = tree::read(text, 0).unwrap_or_else(|findings| panic!("{at}: {findings:?}"));
                let findings = check::value_for_tests(&node, &row.ty);
                assert!(findings.is_empty(), "{at}: {findings:?}");
            }
        }
        assert!(group.short.is_none_or(|key| group.row(key).is_some()), "{}", group.name);
    }
}
