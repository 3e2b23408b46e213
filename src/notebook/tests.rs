#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::plot;
use super::{Loss, Training, compare, open, runs, train};
use crate::record::Notebook;
use crate::source::Source;
use crate::train::progress::Progress;
use crate::train::run;
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn loss(text: &str) -> Loss {
    let (loss, said) = Loss::read(text);
    assert_eq!(said, "");
    loss
}

#[test]
fn a_point_is_what_a_textbook_says() {
    // −log(2.5³ e^−2.5 / 3!) = 2.5 − 3 ln 2.5 + ln 6, and its derivative 1 − 3 / 2.5 (by hand).
    let source = Source::new("cell", "poisson(k | λ)");
    let figures = plot::point(&source, &[("k", 3.0), ("lambda", 2.5)]).unwrap();
    let expected = 2.5 - 3.0 * 2.5f64.ln() + 6f64.ln();
    assert!((figures.loss - expected).abs() < 1e-12, "{}", figures.loss);
    assert_eq!(figures.gradient.len(), 1);
    assert!((figures.gradient[0].1 - (1.0 - 3.0 / 2.5)).abs() < 1e-12);
}

#[test]
fn a_triplet_lives_on_a_line_when_its_vectors_are_numbers() {
    // |0.5 − 0| − |0.5 − 2| + 1.25 = 0.25, and the anchor's derivative is 1 + 1.
    let source = Source::new("cell", "hinge(d(a,p) - d(a,n) + α)");
    let figures = plot::point(&source, &[("a", 0.5), ("p", 0.0), ("n", 2.0), ("α", 1.25)]).unwrap();
    assert!((figures.loss - 0.25).abs() < 1e-12);
    let anchor = figures.gradient.iter().find(|(name, _)| name == "a").unwrap();
    assert!((anchor.1 - 2.0).abs() < 1e-12);
}

#[test]
fn a_curve_shows_loss_and_gradient() {
    let shown = loss("poisson(k | softplus(η))").plot("eta", -4.0..4.0, &[("k", 3.0)]);
    let html = shown.html().unwrap_or_else(|| panic!("{:?}", shown.mistake()));
    assert!(html.contains("<img src=\"data:image/svg+xml;base64,"));
    let source = Source::new("cell", "poisson(k | softplus(η))");
    let svg = plot::curve(&source, "η", -4.0..4.0, &[("k", 3.0)]).unwrap();
    assert!(svg.as_str().contains("∂ loss / ∂ η") && svg.as_str().contains("k = 3"), "{}", svg.as_str());
}

#[test]
fn a_curve_leaves_out_what_its_name_cannot_be() {
    // σ ≤ 0 is outside the support, and half counts are none.
    let normal = Source::new("cell", "normal(x | μ, σ)");
    plot::curve(&normal, "σ", -1.0..2.0, &[("x", 1.0), ("μ", 0.0)]).unwrap();
    let poisson = Source::new("cell", "poisson(k | λ)");
    let svg = plot::curve(&poisson, "k", 0.0..9.0, &[("λ", 2.5)]).unwrap();
    assert!(!svg.as_str().contains("∂ loss"), "a count has no derivative");
    let error = plot::curve(&normal, "σ", -2.0..-1.0, &[("x", 1.0), ("μ", 0.0)]).unwrap_err().to_string();
    assert!(error.contains("-2..-1") && error.contains("σ"), "{error}");
}

#[test]
fn a_curve_says_what_is_missing_or_wrong() {
    let source = Source::new("cell", "normal(x | μ, softplus(s))");
    let said = |name: &str, others: &[(&str, f64)]| match plot::curve(&source, name, -1.0..1.0, others) {
        Ok(_) => panic!("drawn"),
        Err(error) => error.to_string(),
    };
    assert!(said("μ", &[("x", 0.0)]).contains("nothing says what `s` is"), "{}", said("μ", &[("x", 0.0)]));
    assert!(said("muu", &[]).contains("did you mean"), "{}", said("muu", &[]));
    assert!(said("μ", &[("x", 0.0), ("s", 0.0), ("x", 1.0)]).contains("two values"));
    let poisson = Source::new("cell", "poisson(k | λ)");
    let error = match plot::curve(&poisson, "λ", 0.5..2.0, &[("k", 1.5)]) {
        Ok(_) => panic!("drawn"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("1.5") && error.contains("count"), "{error}");
}

#[test]
fn a_derivation_goes_from_the_likelihood_to_the_gradient() {
    let shown = loss("poisson(k | softplus(η))").derivation();
    let html = shown.html().unwrap();
    let steps = ["Likelihood", "Product", "Logarithm", "Minus", "Sum", "Gradient", "Questions for the expert"];
    let places: Vec<usize> = steps.iter().map(|step| html.find(step).expect(step)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("$$") && html.contains(r"\eta"));
}

#[test]
fn a_wrong_program_says_so_wherever_it_is_used() {
    let (raw, said) = Loss::read("normal(x | μ, s)");
    assert!(!raw.is_ok());
    assert!(said.contains("error[E0203]") && said.contains("softplus(s)") && said.contains("exp(s)"), "{said}");
    for shown in [raw.derivation(), raw.names(), raw.at(&[]), raw.plot("s", 0.0..1.0, &[])] {
        assert!(shown.html().is_none());
        assert_eq!(shown.mistake(), Some(said.as_str()));
    }
}

/// A table of counts whose rate is 1 below zero and 5 above, and a spec that can learn it.
fn counts(folder: &Path) {
    let mut table = String::from("x,k\n");
    for row in 0..300u32 {
        let (sign, mean) = if row % 2 == 0 { (-1.0, 1) } else { (1.0, 5) };
        // Around the mean by −1, 0, +1 in turn.
        table += &format!("{},{}\n", sign * (1.0 + f64::from(row % 7) / 7.0), mean + (row / 2) % 3 - 1);
    }
    std::fs::write(folder.join("counts.csv"), table).unwrap();
    std::fs::write(folder.join("counts.loss"), "data k : count\npredict η : real\npoisson(k | softplus(η))\n").unwrap();
    let spec = "loss: counts.loss\nseed: 3\ndata: {table: counts.csv, inputs: [x], split: {valid: 0.2, test: 0.2}}\n\
                network: [{dense: 4}, tanh]\nheads: {η: mean}\noptimizer: {adam: {lr: 0.02}}\n\
                train: {epochs: 40, batch: 30}\nmetrics: [nll, baselines]\n";
    std::fs::write(folder.join("counts.yaml"), spec).unwrap();
}

fn training(folder: &Path) -> Training {
    train(folder.join("counts.yaml")).runs(folder.join("runs")).threads(1)
}

#[test]
fn a_run_is_trained_recorded_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path());
    let trained = training(folder.path()).start();
    assert!(trained.is_ok());
    // Knowing the group's rate costs less than the common rate 3: ½(1 − ln 1) + ½(5 − 5 ln 5) against 3 − 3 ln 3, in the
    // part that depends on the rate: −1.02 against −0.30 nats.
    let record = Notebook::open(folder.path().join("runs")).unwrap().show(trained.id()).unwrap();
    let nll = trained.figure("test", "nll").unwrap();
    let baselines = record.artifacts_of::<crate::record::Baselines>().unwrap();
    let constant = baselines[0].1.0.iter().find(|b| b.name == "constant rate" && b.metric == "nll").unwrap().value;
    assert!((constant - nll - 0.72).abs() < 0.15, "{constant} − {nll}");
    assert_eq!(record.run.epochs, 40);
    assert!(trained.figure("test", "speed").is_none());

    let figures = trained.figures();
    let html = figures.html().unwrap();
    assert!(
        html.contains(trained.id()) && html.contains("test: constant rate") && html.contains("report.html"),
        "{html}"
    );
    assert!(trained.report().unwrap().is_file());
    for pictures in [trained.curves(), trained.pictures()] {
        assert!(pictures.html().unwrap().matches("<img src=\"data:image/svg+xml;base64,").count() >= 2);
    }
    assert_eq!(open(folder.path().join("runs"), "latest").id(), trained.id());
    assert!(runs(folder.path().join("runs")).html().unwrap().contains(trained.id()));
}

#[test]
fn runs_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path());
    let short = training(folder.path()).set("train.epochs=2").start();
    let text = "data k : count\npredict η : real\nparam φ : positive = 0.1\n\
                neg_binomial(k | mean = softplus(η), dispersion = φ)";
    let other = training(folder.path()).set("train.epochs=2").loss(&loss(text)).start();
    let records = Notebook::open(folder.path().join("runs")).unwrap();
    assert_eq!(records.show(other.id()).unwrap().program_text, text);
    assert_eq!(records.show(short.id()).unwrap().run.epochs, 2);
    let compared = compare(&[&short, &other]);
    let html = compared.html().unwrap_or_else(|| panic!("{:?}", compared.mistake()));
    assert!(html.contains(short.id()) && html.contains(other.id()));
    assert!(html.contains("What was set differently") && html.contains("dispersion = φ"), "{html}");
    assert!(folder.path().join("runs/comparison.html").is_file());
    assert!(compare(&[&short]).mistake().unwrap().contains("two runs"));
}

#[test]
fn what_is_wrong_with_a_training_is_said_wherever_its_run_is_used() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path());
    let place = folder.path().join("runs");
    let wrong = loss_that_is_wrong();
    let cases = [
        (training(folder.path()).set("tran.epochs=2").start(), "did you mean `train`?"),
        (train(folder.path().join("no.yaml")).runs(&place).start(), "no.yaml"),
        (training(folder.path()).loss(&wrong).start(), "does not compile"),
        (open(&place, "latest"), "no run `latest`"),
    ];
    for (run, words) in &cases {
        assert!(!run.is_ok() && run.id().is_empty() && run.report().is_none());
        for shown in [run.figures(), run.curves(), run.pictures(), compare(&[run, run])] {
            assert!(shown.mistake().unwrap().contains(words), "{:?}", shown.mistake());
        }
        assert!(!run.resume().is_ok());
    }
    assert!(!place.exists(), "a training that cannot begin leaves nothing behind");
    assert!(runs(&place).html().unwrap().contains("No runs yet"));
}

fn loss_that_is_wrong() -> Loss {
    Loss::read("normal(x | μ, s)").0
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    counts(folder.path());
    let whole = training(folder.path()).set("train.epochs=3").start();
    let stopped = run::train(run::Request {
        spec: Some(folder.path().join("counts.yaml")),
        sets: vec!["train.epochs=3".into()],
        runs: folder.path().join("runs"),
        resume: None,
        threads: 1,
        progress: Progress::Silent,
        interrupt: &AtomicBool::new(true),
    });
    let found = open(folder.path().join("runs"), &stopped.unwrap().run.id);
    assert!(found.figures().html().unwrap().contains("interrupted before its end"));
    let resumed = found.resume();
    assert_eq!(resumed.id(), found.id());
    let weights = |id: &str| std::fs::read(folder.path().join("runs").join(id).join("weights.safetensors")).unwrap();
    assert_eq!(weights(resumed.id()), weights(whole.id()));
    assert_eq!(resumed.figure("test", "nll"), whole.figure("test", "nll"));
}
