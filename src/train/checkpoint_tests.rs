//! Interrupted and undisturbed runs must agree to the bit.

use super::bridge::Coupling;
use super::checkpoint::{CheckpointError, load, load_weights, save, save_weights};
use super::network::{Activation, InputShape, Layer};
use super::optimiser::{OptimiserConfig, Schedule};
use super::step::{Trainer, TrainerConfig};
use super::test_support::{SGD, Squares, batch, config, dense, numbers, trainer};

const ROWS: usize = 8;

fn rules() -> Vec<OptimiserConfig> {
    let (betas, eps) = ([0.9, 0.999], 1e-8);
    vec![
        OptimiserConfig::Adam { lr: 0.01, betas, eps, weight_decay: 0.01 },
        OptimiserConfig::AdamW { lr: 0.01, betas, eps, weight_decay: 0.01 },
        OptimiserConfig::Sgd { lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.0 },
        OptimiserConfig::RmsProp { lr: 0.01, alpha: 0.9, eps, momentum: 0.5, centered: true, weight_decay: 0.0 },
    ]
}

fn fresh(optimiser: OptimiserConfig) -> Trainer {
    let trunk = [dense(6), Layer::Activation(Activation::Gelu), Layer::Dropout(0.3), Layer::LayerNorm];
    let schedule = Schedule::Cosine { warmup: 3, total: 12, floor: 0.0 };
    let config = TrainerConfig { schedule, clip_norm: Some(0.5), ema: Some(0.9), ..config(optimiser) };
    trainer(InputShape::Flat(3), &trunk, 2, &squares(), config)
}

fn squares() -> Squares {
    Squares::new(Coupling::Mean, &["b"])
}

fn run(trainer: &mut Trainer, steps: std::ops::Range<usize>) {
    for step in steps {
        let (x, t) = (numbers(ROWS * 3, 2 * step), numbers(ROWS * 2, 2 * step + 1));
        trainer.step(&x, &batch(&t, ROWS), &squares()).unwrap();
    }
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    for rule in rules() {
        let mut undisturbed = fresh(rule);
        run(&mut undisturbed, 0..10);

        let path = folder.path().join("state.safetensors");
        let mut killed = fresh(rule);
        run(&mut killed, 0..4);
        let best = killed.network().weights();
        save(&killed, Some(&best), serde_json::json!({"epoch": 2, "π": 0.1}), &path).unwrap();
        run(&mut killed, 4..5);
        drop(killed);

        let mut resumed = fresh(rule);
        let restored = load(&mut resumed, &path).unwrap();
        assert_eq!(restored.extra, serde_json::json!({"epoch": 2, "π": 0.1}));
        assert_eq!(restored.best, Some(best));
        assert_eq!(resumed.steps(), 4);
        run(&mut resumed, 4..10);
        assert_eq!(resumed.network().weights(), undisturbed.network().weights(), "{rule:?}");
        assert_eq!(resumed.ema(), undisturbed.ema());

        // And the states themselves are the same file.
        let other = folder.path().join("other.safetensors");
        save(&resumed, None, serde_json::Value::Null, &path).unwrap();
        save(&undisturbed, None, serde_json::Value::Null, &other).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap());
    }
}

#[test]
fn without_its_moments_the_run_would_differ() {
    // The test above could not fail if the state did not matter.
    let mut undisturbed = fresh(rules()[0]);
    run(&mut undisturbed, 0..6);
    let mut restarted = fresh(rules()[0]);
    run(&mut restarted, 0..4);
    let weights = restarted.network().weights();
    let mut restarted = fresh(rules()[0]);
    restarted.network_mut().set_weights(&weights).unwrap();
    run(&mut restarted, 4..6);
    assert_ne!(restarted.network().weights(), undisturbed.network().weights());
}

#[test]
fn weights_alone_go_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let mut trained = fresh(rules()[0]);
    run(&mut trained, 0..3);
    let weights = trained.network().weights();
    save_weights(trained.network(), &weights, &path).unwrap();
    let other = fresh(rules()[0]);
    assert_eq!(load_weights(other.network(), &path).unwrap(), weights);
    let names = std::fs::read(&path).unwrap();
    assert!(names.windows(16).any(|w| w == b"network.0.weight"));
}

#[test]
fn files_that_do_not_fit_are_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    let mut trainer = fresh(rules()[0]);
    let before = trainer.network().weights();
    assert!(matches!(load(&mut trainer, &path), Err(CheckpointError::Io { .. })));
    std::fs::write(&path, b"no tensors here").unwrap();
    assert!(matches!(load(&mut trainer, &path), Err(CheckpointError::Damaged { .. })));
    save_weights(trainer.network(), &before, &path).unwrap();
    assert!(matches!(load(&mut trainer, &path), Err(CheckpointError::Foreign { .. })));

    let mut other = fresh(rules()[2]);
    run(&mut other, 0..2);
    save(&other, None, serde_json::Value::Null, &path).unwrap();
    assert!(matches!(load(&mut trainer, &path), Err(CheckpointError::Config { .. })));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    assert!(matches!(load(&mut other, &path), Err(CheckpointError::Damaged { .. })));

    let mut wide = super::test_support::trainer(InputShape::Flat(5), &[], 2, &squares(), config(SGD));
    let narrow = super::test_support::trainer(InputShape::Flat(4), &[], 2, &squares(), config(SGD));
    save(&narrow, None, serde_json::Value::Null, &path).unwrap();
    let error = load(&mut wide, &path).unwrap_err().to_string();
    assert!(error.contains("`weights.heads.y.weight` is F32 of [2, 4], and must be 10 numbers"), "{error}");
    assert_eq!(trainer.network().weights(), before);
}
