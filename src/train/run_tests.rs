//! Trainings end to end, on small tables whose truth is known.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::errors::TrainError;
use super::fit::Ending;
use super::progress::Progress;
use super::run::{Outcome, Request, train};
use crate::record::{Notebook, Status};

/// Uniform on [0, 1), by SplitMix64.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A Poisson count by multiplication of uniforms (Knuth).
    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), 1.0, 0);
        loop {
            product *= self.next();
            if product <= limit {
                return count;
            }
            count += 1;
        }
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// A folder with counts whose log rate is 0.4 + a − 0.6·b, and a spec that can learn it.
fn counts(folder: &Path, rows: usize) {
    let mut random = Uniform(3);
    let mut csv = String::from("a,b,k[0],k[1]\n");
    for _ in 0..rows {
        let (a, b) = (random.next() * 2.0 - 1.0, random.next() * 2.0 - 1.0);
        let rate = (0.4 + a - 0.6 * b).exp();
        csv += &format!("{a},{b},{},{}\n", random.poisson(rate), random.poisson(2.0));
    }
    fs::write(folder.join("counts.csv"), csv).unwrap();
    fs::write(folder.join("counts.loss"), "data k : count[N]\npredict η : real[N]\nspikes: poisson(k | exp(η))\n")
        .unwrap();
    let spec = "\
loss: counts.loss
seed: 4
data:
  table: counts.csv
  inputs: [a, b]
  split: {valid: 0.2, test: 0.2}
network: [{dense: 8}, tanh, {dropout: 0.05}]
heads: {η: mean}
optimizer: {adamw: {lr: 0.01}}
schedule: {cosine: {warmup: 5}}
train: {epochs: 6, batch: 32, clip_norm: 5, ema: 0.9, early_stop: 10}
metrics: [nll, bits_per_spike, pseudo_r2, rmse, dispersion, baselines]
";
    fs::write(folder.join("counts.yaml"), spec).unwrap();
}

fn request<'a>(folder: &Path, runs: &str, interrupt: &'a AtomicBool) -> Request<'a> {
    Request {
        spec: Some(folder.join("counts.yaml")),
        sets: Vec::new(),
        runs: folder.join(runs),
        resume: None,
        threads: 2,
        progress: Progress::Silent,
        interrupt,
    }
}

fn weights(outcome: &Outcome) -> Vec<u8> {
    fs::read(outcome.run.dir.join("weights.safetensors")).unwrap()
}

#[test]
fn a_rate_is_learned_and_everything_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 3000);
    let go = AtomicBool::new(false);
    let mut wanted = request(folder.path(), "runs", &go);
    wanted.sets = vec!["train.epochs=20".into(), "train.early_stop=100".into()];
    let outcome = train(wanted).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((outcome.ending, outcome.run.status), (Ending::Complete, Status::Done));
    let scores = &outcome.figures.scores;
    // The rate varies by a factor of e^1.6 either way: a model that knows it gains a good tenth of a bit on unit 0.
    let bits = scores.get("test", "bits_per_spike").unwrap();
    assert!(bits > 0.05, "{scores:?}");
    let baseline = |name: &str, metric: &str| {
        let found = outcome.figures.baselines.iter().find(|b| b.name == name && b.metric == metric);
        found.unwrap_or_else(|| panic!("{name} {metric}")).value
    };
    let nll = scores.get("test", "nll").unwrap();
    // Bits are the gain in nll by their definition: rows · Δnll / (events · ln 2), so the two figures must agree.
    assert!(nll < baseline("constant rate", "nll"));
    // The best constant prediction of the loss is the constant rate.
    assert!((baseline("no inputs", "nll") - baseline("constant rate", "nll")).abs() < 2e-3);
    assert!((scores.get("test", "dispersion").unwrap() - 1.0).abs() < 0.2);
    assert!(scores.get("test", "pseudo_r2").unwrap() > 0.05);
    let notebook = Notebook::open(folder.path().join("runs")).unwrap();
    let record = notebook.show("latest").unwrap();
    assert_eq!(record.run.scores.get("test", "nll"), Some(nll));
    assert!(record.history.iter().any(|s| s.split == "valid" && s.metric == "loss" && s.points.len() == 20));
    assert_eq!(record.data.len(), 1);
    assert!(record.artifact::<crate::record::CountDiagnostics>("counts").unwrap().is_some());
}

/// Interrupts once `steps` batches are in the history.
fn interrupted(folder: &Path, runs: &str, after: std::time::Duration) -> Outcome {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(after);
            stop.store(true, Ordering::Relaxed);
        });
        train(request(folder, runs, &stop)).unwrap_or_else(|error| panic!("{error}"))
    })
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 1500);
    let go = AtomicBool::new(false);
    let whole = train(request(folder.path(), "whole", &go)).unwrap();
    let mut met_an_interruption = false;
    for (i, millis) in [0, 3, 15, 40].into_iter().enumerate() {
        let runs = format!("parts{i}");
        let first = interrupted(folder.path(), &runs, std::time::Duration::from_millis(millis));
        met_an_interruption |= first.ending == Ending::Interrupted;
        if first.ending == Ending::Interrupted {
            assert_eq!(first.run.status, Status::Interrupted);
            assert!(first.figures.scores.get("test", "nll").is_some(), "an interrupted run is usable");
        }
        let mut again = request(folder.path(), &runs, &go);
        again.spec = None;
        again.resume = Some("latest".into());
        let second = train(again).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(weights(&second), weights(&whole));
        assert_eq!(second.figures.scores, whole.figures.scores);
        let history = |outcome: &Outcome| fs::read_to_string(outcome.run.dir.join("metrics.csv")).unwrap();
        assert_eq!(history(&second), history(&whole));
    }
    assert!(met_an_interruption);
    let again = train(Request { spec: None, resume: Some("latest".into()), ..request(folder.path(), "whole", &go) });
    assert_eq!(again.unwrap().figures, whole.figures, "a run that is done is answered from its record");
    // A run that is done answers for its own spec only, too.
    fs::write(folder.path().join("other.yaml"), "seed: 8\n").unwrap();
    let other = Request {
        spec: Some(folder.path().join("other.yaml")),
        resume: Some("latest".into()),
        ..request(folder.path(), "whole", &go)
    };
    let changed =
        Request { sets: vec!["seed=8".into()], resume: Some("latest".into()), ..request(folder.path(), "whole", &go) };
    assert!(train(other).err().unwrap().to_string().contains("is not what"));
    assert!(train(changed).err().unwrap().to_string().contains("--set"));
}

#[test]
fn the_thread_count_does_not_change_the_bits() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 600);
    let go = AtomicBool::new(false);
    let run = |threads: usize, runs: &str| {
        train(Request { threads, ..request(folder.path(), runs, &go) }).unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(weights(&run(1, "one")), weights(&run(2, "two")));
}

#[test]
fn a_spread_and_a_learned_parameter_come_out_on_their_natural_scale() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Uniform(9);
    let mut csv = String::from("u,x,w\n");
    for _ in 0..2000 {
        let u = random.next() * 2.0 - 1.0;
        csv += &format!("{u},{},{}\n", 2.0 * u + 1.0 + 0.5 * random.normal(), 0.0);
    }
    fs::write(folder.path().join("line.csv"), csv).unwrap();
    fs::write(
        folder.path().join("counts.yaml"),
        "program: \"predict μ : real; param σ : positive = 2; normal(x | μ, σ)\"\n\
         data: {table: line.csv, inputs: u, split: {valid: 0.1, test: 0.2}}\n\
         optimizer: {adam: {lr: 0.03}}\n\
         train: {epochs: 30, batch: 64}\n\
         metrics: [rmse, calibration]\n",
    )
    .unwrap();
    let go = AtomicBool::new(false);
    let outcome = train(request(folder.path(), "runs", &go)).unwrap_or_else(|error| panic!("{error}"));
    let (name, values) = &outcome.figures.params[0];
    assert_eq!(name, "σ");
    assert!((values[0] - 0.5).abs() < 0.05, "{values:?}");
    let scores = &outcome.figures.scores;
    // Entropy of a normal with σ = 0.5: ½·log(2πe) + log 0.5 = 0.7258.
    assert!((scores.get("test", "nll").unwrap() - 0.7258).abs() < 0.08, "{scores:?}");
    assert!((scores.get("test", "rmse").unwrap() - 0.5).abs() < 0.05);
    assert!((scores.get("test", "coverage_0.9").unwrap() - 0.9).abs() < 0.05);
}

/// Trains `program` on a table of `names`, and gives its parameters.
fn params(program: &str, csv: &str, settings: &str) -> Vec<(String, Vec<f64>)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("line.csv"), csv).unwrap();
    fs::write(folder.path().join("counts.loss"), program).unwrap();
    let spec = format!("loss: counts.loss\ndata: {{table: line.csv, inputs: u}}\n{settings}");
    fs::write(folder.path().join("counts.yaml"), spec).unwrap();
    let go = AtomicBool::new(false);
    train(request(folder.path(), "runs", &go)).unwrap_or_else(|error| panic!("{error}")).figures.params
}

#[test]
fn vectors_with_structure_keep_it_in_training() {
    let mut random = Uniform(5);
    let mut csv = String::from("u,y,x[0],x[1]\n");
    for _ in 0..1500 {
        let u = random.next() * 2.0 - 1.0;
        // Grades between cuts at −1, 0.5 and 0.9 around 2u with logistic errors.
        let p = random.next();
        let hidden = 2.0 * u + (p / (1.0 - p)).ln();
        let grade = [-1.0, 0.5, 0.9].iter().filter(|cut| hidden > **cut).count();
        // A normal whose covariance has the factor [[2, 0], [−1, 0.5]].
        let (a, b) = (random.normal(), random.normal());
        csv += &format!("{u},{grade},{},{}\n", 2.0 * a, 0.5 * b - a);
    }
    let grades = "data y : category(4)\npredict η : real\nparam cuts : ordered[3]\nordered_logistic(y | η, cuts)";
    // A rate at which free cuts would change places at once.
    let settings = "optimizer: {adam: {lr: 1}}\ntrain: {epochs: 2, batch: 64}\n";
    let (_, cuts) = params(grades, &csv, settings).remove(0);
    assert!(cuts.is_sorted_by(|a, b| a < b), "{cuts:?}");
    let settings = "optimizer: {adam: {lr: 0.02}}\ntrain: {epochs: 25, batch: 64}\n";
    let (_, cuts) = params(grades, &csv, settings).remove(0);
    for pair in [-1.0, 0.5, 0.9].windows(2).zip(cuts.windows(2)) {
        assert!((pair.0[1] - pair.0[0] - pair.1[1] + pair.1[0]).abs() < 0.2, "{cuts:?}");
    }
    let normal = "data x : real[2]\npredict η : real\nparam L : cholesky[2, 2]\na = x[0] / L[0, 0]\n\
                  b = (x[1] - L[1, 0] * a) / L[1, 1]\n(a² + b²) / 2 + sum[i] log(L[i, i]) + η²\n";
    let (_, factor) = params(normal, &csv, settings).remove(0);
    for (found, truth) in factor.iter().zip([2.0, 0.0, -1.0, 0.5]) {
        assert!((found - truth).abs() < 0.15, "{factor:?}");
    }
}

#[test]
fn a_prior_is_weighed_by_the_training_rows() {
    let csv: String = (0..40).map(|row| format!("{},{}\n", row % 7, 2 + row % 3)).collect();
    let settings = "optimizer: {sgd: {lr: 0.02}}\ntrain: {epochs: 100, batch: 6}\n";
    let program =
        "data y : real\npredict η : real\nparam a : real\nnormal(y | a, 1)\nnormal(a | 0, 0.5) ^ (1/rows)\nη²";
    let (_, a) = params(program, &format!("u,y\n{csv}"), settings).remove(0);
    // The posterior mean is Σy/(40 + 4). A prior that counted once, or against a batch of 6, would give 0.6 or 1.8.
    assert!((a[0] - 119.0 / 44.0).abs() < 0.1, "{a:?}");
}

#[track_caller]
fn refusal(spec: &str, files: &[(&str, &str)]) -> TrainError {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("counts.yaml"), spec).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let go = AtomicBool::new(false);
    let error = train(request(folder.path(), "runs", &go)).expect_err("a refusal");
    assert!(!folder.path().join("runs").exists(), "nothing may be recorded of a run that never began");
    error
}

const LINE: (&str, &str) = ("line.csv", "u,x\n0,1\n1,3\n2,5\n3,7\n");

#[test]
fn what_does_not_agree_is_refused_before_training() {
    let unbound = refusal("program: \"normal(x | μ, softplus(s))\"\ndata: {table: line.csv, inputs: u}\n", &[LINE]);
    let text = unbound.to_string();
    assert!(text.contains("`μ`") && text.contains("`s`") && text.contains("heads: {s: …}"), "{text}");
    let spec = "program: \"normal(x | μ, 1)\"\ndata: {table: line.csv, inputs: u}\nheads: {mu: zero, nu: zero}\n";
    let unknown = refusal(spec, &[LINE]).to_string();
    assert!(unknown.contains("counts.yaml:3:19: error[S0014]: the program predicts no `nu`"), "{unknown}");
    let spec = "program: \"normal(x | μ, 1)\"\ndata: {table: line.csv, inputs: u}\nheads: {μ: zero}\nnetwork: [flatten, {max_pool: 2}]\n";
    let shape = refusal(spec, &[LINE]).to_string();
    assert!(shape.contains("counts.yaml:4:"), "{shape}");
    let spec = "program: \"normal(x | μ, 1)\"\ndata: {table: line.csv, inputs: u}\nheads: {μ: zero}\nmetrics: [bits_per_spike]\n";
    let metric = refusal(spec, &[LINE]).to_string();
    assert!(metric.contains("no density of counts"), "{metric}");
    let spec = "program: \"normal(x | μ, s)\"\ndata: {table: line.csv, inputs: u}\nheads: {μ: zero, s: zero}\n";
    assert!(matches!(refusal(spec, &[LINE]), TrainError::Program { .. }));
    let spec = "program: \"normal(x | μ, 1)\"\ndata: {table: line.csv, inputs: v}\nheads: {μ: zero}\n";
    let column = refusal(spec, &[LINE]).to_string();
    assert!(column.contains("counts.yaml:2:25: error[S0014]: inputs: no column `v`"), "{column}");
    let spec = |program: &str| format!("program: \"{program}\"\ndata: {{table: line.csv, inputs: u}}\n");
    let wide = ("line.csv", "u,x[0],x[1],x[2]\n0,1,2,3\n1,3,2,1\n2,5,1,1\n");
    for role in ["param", "const"] {
        let short =
            format!("data x : real[K]; predict μ : real; {role} a : real[K] = [1, 2]; mean[i] (x[i] - μ - a[i])²");
        let short = refusal(&spec(&short), &[wide]).to_string();
        assert!(short.contains("`a` has 3 element(s), and its value has 2"), "{short}");
    }
    let end = "data x : real; predict μ : real; param s : nonneg = 0; (x - μ)² + s²";
    let end = refusal(&spec(end), &[LINE]).to_string();
    assert!(end.contains("`s` starts at an end of its set"), "{end}");
    let missing = refusal("loss: none.loss\ndata: {table: line.csv, inputs: u}\n", &[LINE]).to_string();
    assert!(missing.contains("none.loss"), "{missing}");
}

/// Bounds that are columns or constants are known before training; those that are predicted are not.
#[test]
fn observations_that_the_program_excludes_are_refused_before_training() {
    let spec = |program: &str, more: &str| {
        format!(
            "program: \"{program}\"\ndata: {{table: d.csv, inputs: [a]{more}}}\nnetwork: [tanh]\ntrain: {{epochs: 1}}"
        )
    };
    let trials = [("d.csv", "a,k,n,seen\n0,1,2,1\n1,3,2,3\n2,1,1,1\n")];
    let binomial = "data k : count; data n : count; predict z : real; k ~ binomial(n, logit = z)";
    let error = refusal(&spec(binomial, ""), &trials).to_string();
    assert_eq!(error, "d.csv: row 2 (line 3), column `k`: found 3, but `k` needs at most 2 (`n`)");
    let error = refusal(&spec(binomial, ", bind: {k: seen}, lags: {past: 1, columns: [a]}"), &trials).to_string();
    assert_eq!(error, "d.csv: row 2 (line 3), column `seen`: found 3, but `k` needs at most 2 (`n`)");
    let truncated = "data k : real; const c = 2; predict m : real; k ~ truncated(normal(m, 1), lower = c)";
    let error = refusal(&spec(truncated, ""), &trials).to_string();
    assert!(error.contains("row 1 (line 2), column `k`: found 1, but `k` needs at least 2 (`c`)"), "{error}");
    // 2500 ms are 2.5 s.
    let unit = spec(&truncated.replace("c = 2", "c = 50 ms"), "") + "\nconst: {c: 2500}";
    let error = refusal(&unit, &trials).to_string();
    assert!(error.contains("column `k`: found 1, but `k` needs at least 2.5 (`c`)"), "{error}");
    let huge = "data k : real; const c = 2; predict m : real; normal(k | c * m, 1)";
    for wrong in [
        spec(&huge.replace("= 2", "= 1e39"), ""),
        spec(huge, "") + "\nconst: {c: 1e39}",
        spec(&huge.replace("c *", "1e39 *"), ""),
    ] {
        let error = refusal(&wrong, &trials).to_string();
        assert!(error.contains("1e39") && error.contains("f32"), "{error}");
    }
    let predicted = "data k : nonneg; predict b : positive; k ~ truncated(exponential(1), upper = b + 9)";
    assert!(params(predicted, "u,k\n0,1\n1,3\n", "train: {epochs: 1}").is_empty());
}

#[test]
fn a_loss_that_is_not_finite_names_the_row_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|i| format!("{i},{}\n", if i == 17 { 3.0e38 } else { 1.0 })).collect();
    fs::write(folder.path().join("line.csv"), format!("u,x\n{rows}")).unwrap();
    let spec =
        "program: \"predict μ : real; normal(x | μ, 1)\"\ndata: {table: line.csv, inputs: u}\ntrain: {batch: 8}\n";
    fs::write(folder.path().join("counts.yaml"), spec).unwrap();
    let go = AtomicBool::new(false);
    let error = train(request(folder.path(), "runs", &go)).expect_err("the loss overflows").to_string();
    assert!(error.contains("row 18 (line 19)"), "{error}");
    let notebook = Notebook::open(folder.path().join("runs")).unwrap();
    let run = notebook.latest().unwrap().unwrap();
    assert_eq!(run.status, Status::Failed);
    assert!(run.message.is_some_and(|message| message.contains("line 19")));
}

/// Where the tests of the examples find them.
#[allow(dead_code)]
fn specs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs")
}

#[test]
fn a_program_that_is_no_text_is_shown_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 50);
    fs::write(folder.path().join("counts.loss"), b"data k : count[N]\n# \xff\npoisson(k | exp(\xce\xb7))\n").unwrap();
    let go = AtomicBool::new(false);
    let Err(TrainError::Program { source_text, diagnostics }) = train(request(folder.path(), "runs", &go)) else {
        panic!("it is refused as a program");
    };
    assert_eq!(diagnostics[0].code, crate::diag::codes::E0101);
    assert_eq!(source_text.line_column(diagnostics[0].span.start), (2, 3));
}

#[test]
fn the_derivation_knows_what_the_spec_binds() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 200);
    let program = "data k : count[N]\nconst scale : positive\npredict η : real[N]\npoisson(k | scale·exp(η))\n";
    fs::write(folder.path().join("counts.loss"), program).unwrap();
    let go = AtomicBool::new(false);
    let mut wanted = request(folder.path(), "runs", &go);
    wanted.sets = vec!["train.epochs=1".into(), "const.scale=2".into()];
    let outcome = train(wanted).unwrap_or_else(|error| panic!("{error}"));
    let record = Notebook::open(folder.path().join("runs")).unwrap().show(&outcome.run.id).unwrap();
    assert!(record.derivation_html.contains("class=\"derivation\""), "{}", record.derivation_html);
}

#[test]
fn a_column_that_the_data_lacks_is_shown_in_the_spec() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 50);
    let path = folder.path().join("counts.yaml");
    let spec = fs::read_to_string(&path).unwrap().replace("inputs: [a, b]", "inputs: [a, bb]");
    fs::write(&path, spec).unwrap();
    let go = AtomicBool::new(false);
    let Err(TrainError::Spec(errors)) = train(request(folder.path(), "runs", &go)) else {
        panic!("a place in the spec")
    };
    let text = errors.to_string();
    assert!(text.contains("counts.yaml:5:3: error[S0014]") && text.contains("`bb`"), "{text}");
}

#[test]
fn predictions_take_the_columns_that_the_spec_added() {
    use crate::data::options::Value;
    use crate::train::predict::predict;
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 200);
    let table = folder.path().join("counts.csv");
    fs::copy(&table, folder.path().join("more.csv")).unwrap();
    let table = table.to_string_lossy();
    let go = AtomicBool::new(false);
    let trained = |runs: &str, files: &str| {
        let sets = [format!("data.table={files}"), "data.inputs=[a, b, T]".into(), "train.epochs=1".into()];
        let outcome = train(Request { sets: sets.to_vec(), ..request(folder.path(), runs, &go) });
        outcome.unwrap_or_else(|error| panic!("{error}"));
        Notebook::open(folder.path().join(runs)).unwrap().show("latest").unwrap()
    };
    let alike = trained("alike", "[{path: counts.csv, with: {T: 3}}, {path: more.csv, with: {T: 3}}]");
    assert_eq!(predict(&alike, &table, &[]).unwrap().rows.len(), 200);
    let unlike = trained("unlike", "[{path: counts.csv, with: {T: 3}}, {path: more.csv, with: {T: 4}}]");
    assert!(predict(&unlike, &table, &[]).unwrap_err().to_string().contains("--with T="));
    let at = |t: f64| predict(&unlike, &table, &[("T".into(), Value::Number(t))]).unwrap();
    assert_ne!(at(3.0).quantities, at(4.0).quantities);
}

#[test]
fn a_run_that_has_ended_still_has_its_baselines() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path(), 200);
    let go = AtomicBool::new(false);
    let first = train(request(folder.path(), "runs", &go)).unwrap_or_else(|error| panic!("{error}"));
    let again = train(Request { resume: Some("latest".into()), ..request(folder.path(), "runs", &go) });
    let again = again.unwrap_or_else(|error| panic!("{error}"));
    assert!(!first.figures.baselines.is_empty());
    assert_eq!(again.figures.baselines, first.figures.baselines);
}
