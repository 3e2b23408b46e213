//! A training that is killed at any instant goes on to the same bits; Ctrl-C leaves a run that can be used.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 10;

/// A line with noise, and a network that learns it for a second or two, with a checkpoint an epoch.
fn example(folder: &Path) {
    let mut table = String::from("u,x\n");
    for at in 0..1500_u32 {
        let u = f64::from(at) / 750.0 - 1.0;
        let noise = f64::from(at.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24) - 0.5;
        table += &format!("{u},{}\n", 2.0 * u + noise);
    }
    fs::write(folder.join("line.csv"), table).unwrap();
    let spec = "\
program: \"predict μ : real; predict s : real; normal(x | μ, softplus(s))\"
seed: 5
data: {table: line.csv, inputs: u, standardize: inputs, split: {valid: 0.2, test: 0.2}}
network: [{dense: 48}, silu, {dropout: 0.1}, {dense: 48}, silu]
optimizer: {adamw: {lr: 3e-3}}
schedule: {cosine: {warmup: 20}}
train: {epochs: 60, batch: 32, clip_norm: 1, ema: 0.99}
metrics: [nll, rmse]
";
    fs::write(folder.join("line.yaml"), spec).unwrap();
}

fn lossc(folder: &Path, runs: &str, rest: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lossc"));
    command.current_dir(folder).args(["train", "--quiet", "--runs", runs]).args(rest);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn done(child: Child, what: &str) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The folder of the only run that the notebook has: a kill before the first row is written leaves a folder and no run.
fn run_of(folder: &Path, runs: &str) -> Option<PathBuf> {
    let mut list = Command::new(env!("CARGO_BIN_EXE_lossc"));
    let listed = list.current_dir(folder).args(["runs", "list", "--runs", runs, "--format", "json"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(listed.len() <= 1, "a resumed training is one run: {listed:?}");
    listed.first().map(|run| folder.join(run["dir"].as_str().unwrap()))
}

/// What a run came to: its weights, and its history without the clock.
fn outcome(folder: &Path, runs: &str) -> (Vec<u8>, String) {
    let run = run_of(folder, runs).expect("a run");
    (fs::read(run.join("weights.safetensors")).unwrap(), fs::read_to_string(run.join("metrics.csv")).unwrap())
}

#[test]
fn ten_kills_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path());
    let began = Instant::now();
    done(lossc(folder.path(), "whole", &["line.yaml"]), "undisturbed");
    let whole = began.elapsed();
    let mut random = 0x2545_f491_u64 ^ u64::from(std::process::id());
    let mut kills = 0;
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (random >> 40) as f64 / (1_u64 << 24) as f64;
        let mut child = match run_of(folder.path(), "killed") {
            Some(_) => lossc(folder.path(), "killed", &["--resume", "latest"]),
            None => lossc(folder.path(), "killed", &["line.yaml"]),
        };
        std::thread::sleep(whole.mul_f64(share * 0.2));
        kills += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The first run may have been the slow one, so the last kills may come too late; some must come in time.
    assert!(kills >= 3, "only {kills} of {KILLS} kills met a training under way");
    let last =
        if run_of(folder.path(), "killed").is_some() { ["--resume", "latest"] } else { ["line.yaml", "--threads=2"] };
    done(lossc(folder.path(), "killed", &last), "the last resume");
    assert!(
        outcome(folder.path(), "killed") == outcome(folder.path(), "whole"),
        "the bits differ: process {}",
        std::process::id()
    );
}

#[test]
fn ctrl_c_ends_with_a_usable_run() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path());
    let mut child =
        lossc(folder.path(), "runs", &["line.yaml", "--set", "train.epochs=100000", "--set", "schedule=constant"]);
    let checkpoint = || run_of(folder.path(), "runs").is_some_and(|run| run.join("checkpoint.safetensors").is_file());
    let began = Instant::now();
    while !checkpoint() {
        assert!(began.elapsed() < Duration::from_secs(120), "no checkpoint within two minutes");
        assert!(child.try_wait().unwrap().is_none(), "the training has ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    let run = run_of(folder.path(), "runs").unwrap();
    for file in ["weights.safetensors", "metrics.csv", "report.html"] {
        assert!(run.join(file).is_file(), "no {file}: {said}");
    }
    let listed =
        Command::new(env!("CARGO_BIN_EXE_lossc")).current_dir(folder.path()).args(["runs", "list"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("interrupted") && listed.contains("test: nll"), "{listed}");
}
