//! Tests of the store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn new_run(name: &str) -> NewRun {
    NewRun {
        name: name.to_owned(),
        spec_text: "loss: a.loss\n".to_owned(),
        program_text: "poisson(k | softplus(η))\n".to_owned(),
        program_name: "a.loss".to_owned(),
        data: vec![DataFile { path: "a.csv".to_owned(), sha256: "00".to_owned(), bytes: 3 }],
        versions: versions(),
        seed: u64::MAX,
        started: "2026-11-23T12:00:00Z".parse().unwrap(),
        ..NewRun::default()
    }
}

fn scores() -> Scores {
    let mut scores = Scores::new();
    scores.set("train", "nll", 1.25);
    scores.set("test", "nll", f64::NAN);
    scores.set("test", "bits_per_spike", 0.1);
    scores
}

#[test]
fn a_run_reads_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let mut run = notebook.begin(&new_run("spikes")).unwrap();
    assert!(run.id().starts_with("2026-11-23-spikes-") && run.id().len() == "2026-11-23-spikes-3f2a".len());
    run.log(1, 1, "batch", &[("loss", 0.1), ("term/a,\"b\"", f64::NAN)]).unwrap();
    run.log(2, 1, "batch", &[("loss", f64::INFINITY)]).unwrap();
    let baselines = Baselines(vec![Baseline {
        name: "constant".into(),
        split: "test".into(),
        metric: "nll".into(),
        value: f64::NEG_INFINITY,
    }]);
    run.artifact("baselines", &baselines).unwrap();
    let id = run.id().to_owned();
    assert_eq!(notebook.find("latest").unwrap().status, Status::Running);
    let done = run.finish(Status::Done, &scores(), None).unwrap();
    assert_eq!((done.steps, done.epochs, done.status), (2, 1, Status::Done));

    let record = Notebook::open(dir.path()).unwrap().show(&id).unwrap();
    assert_eq!(record.seed, u64::MAX);
    assert_eq!(record.program_text, "poisson(k | softplus(η))\n");
    assert_eq!(record.data, new_run("spikes").data);
    assert_eq!(record.run.scores.metrics(), ["nll", "bits_per_spike"]);
    assert!(record.run.scores.get("test", "nll").unwrap().is_nan());
    assert_eq!(record.artifact::<Baselines>("baselines").unwrap().unwrap(), baselines);
    assert_eq!(record.history.len(), 2);
    assert_eq!(record.history[0].points[1].value, f64::INFINITY);
    assert!(record.history[1].points[0].value.is_nan());
    let csv = std::fs::read_to_string(record.run.dir.join("metrics.csv")).unwrap();
    assert_eq!(
        csv,
        "step,epoch,split,metric,value\n1,1,batch,loss,0.1\n1,1,batch,\"term/a,\"\"b\"\"\",NaN\n2,1,batch,loss,inf\n"
    );
    assert_eq!(std::fs::read_to_string(record.run.dir.join("a.loss")).unwrap(), record.program_text);
}

#[test]
fn runs_are_found_by_what_names_one() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let finish = |name: &str| notebook.begin(&new_run(name)).unwrap().finish(Status::Done, &scores(), None).unwrap();
    let (a, b) = (finish("spikes"), finish("atom / proton"));
    assert!(b.id.starts_with("2026-11-23-atom-proton-"));
    assert_eq!(notebook.find(&a.id[..12]).unwrap().id, a.id);
    assert_eq!(notebook.find(&a.id[a.id.len() - 4..]).unwrap().id, a.id);
    assert_eq!(notebook.find(&format!("{}/", a.dir.display())).unwrap().id, a.id);
    assert_eq!(notebook.latest().unwrap().unwrap().id, b.id);
    let Err(RecordError::Ambiguous { candidates, .. }) = notebook.find("2026-11-23-") else { panic!("two runs fit") };
    assert_eq!(candidates, [b.id.clone(), a.id.clone()]);
    assert_eq!(notebook.find(&a.id["2026-11-23-".len()..]).unwrap().id, a.id);
    assert_eq!(notebook.find("spikes").unwrap().id, a.id);
    let Err(error @ RecordError::NotFound { .. }) = notebook.find("pikes") else { panic!("no run begins with it") };
    assert!(error.to_string().contains(&a.id) && !error.to_string().contains(&b.id), "{error}");
    notebook.remove(&a.id).unwrap();
    assert!(!a.dir.exists());
    assert_eq!(notebook.list().unwrap().len(), 1);
    assert!(matches!(notebook.find("/"), Err(RecordError::NotFound { .. })));
}

#[test]
fn resuming_gives_the_history_of_an_uninterrupted_run() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let log = |run: &mut RunHandle, steps: std::ops::RangeInclusive<u64>| {
        for step in steps {
            let epoch = 1 + (step - 1) / 10;
            run.log(step, epoch, "batch", &[("loss", 1.0 / step as f64)]).unwrap();
            if step % 10 == 0 {
                run.log(step, epoch, "valid", &[("loss", 2.0 / step as f64)]).unwrap();
            }
        }
    };
    let mut whole = notebook.begin(&new_run("whole")).unwrap();
    log(&mut whole, 1..=40);
    let whole = whole.finish(Status::Done, &scores(), None).unwrap();

    let mut cut = notebook.begin(&new_run("cut")).unwrap();
    log(&mut cut, 1..=27);
    cut.log(27, 3, "late", &[("only after the checkpoint", 0.0)]).unwrap();
    let id = cut.id().to_owned();
    assert!(matches!(notebook.resume(&id, 20), Err(RecordError::Busy { .. })), "it is still being written");
    drop(cut);
    assert_eq!(notebook.find(&id).unwrap().status, Status::Interrupted);
    let mut cut = notebook.resume(&id, 20).unwrap();
    assert_eq!(notebook.find(&id).unwrap().steps, 20);
    log(&mut cut, 21..=40);
    let cut = cut.finish(Status::Done, &scores(), None).unwrap();

    assert_eq!((cut.steps, cut.epochs), (whole.steps, whole.epochs));
    assert_eq!(notebook.show(&cut.id).unwrap().history, notebook.show(&whole.id).unwrap().history);
    let csv = |run: &Run| std::fs::read(run.dir.join("metrics.csv")).unwrap();
    assert_eq!(csv(&cut), csv(&whole));
    assert!(cut.seconds > 0.0);
}

/// A run that has ended is never taken up again, so that it must not be called so before its history is in its file.
#[test]
fn a_run_has_not_ended_before_its_history_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let mut run = notebook.begin(&new_run("a")).unwrap();
    run.log(1, 1, "batch", &[("loss", 1.0)]).unwrap();
    let (id, csv) = (run.id().to_owned(), run.dir().join("metrics.csv"));
    // Nothing can take the place of a folder with something in it.
    std::fs::remove_file(&csv).unwrap();
    std::fs::create_dir(&csv).unwrap();
    std::fs::write(csv.join("full"), "").unwrap();
    assert!(run.finish(Status::Done, &scores(), None).is_err());
    assert_eq!(notebook.find(&id).unwrap().status, Status::Interrupted);
}

#[test]
fn what_is_logged_is_committed_within_a_second_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let mut run = notebook.begin(&new_run("slow")).unwrap();
    run.log(7, 1, "batch", &[("loss", 1.0)]).unwrap();
    let began = Instant::now();
    // The table beside the store follows it a moment later.
    let csv = || std::fs::read_to_string(run.dir().join("metrics.csv")).unwrap();
    while notebook.show("latest").unwrap().history.is_empty() || csv().lines().count() < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "never committed");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(csv(), "step,epoch,split,metric,value\n7,1,batch,loss,1.0\n");
}

/// Not a test of its own: what [`a_killed_run_keeps_what_was_committed`] starts and kills.
#[test]
fn child_that_logs_until_it_is_killed() {
    let Some(dir) = std::env::var_os("LOSSC_TEST_LOG_UNTIL_KILLED") else { return };
    let mut run = Notebook::open(dir).unwrap().begin(&new_run("killed")).unwrap();
    for step in 1.. {
        run.log(step, step, "batch", &[("loss", step as f64), ("term/a", -(step as f64))]).unwrap();
        run.commit().unwrap();
        std::fs::write(run.dir().join("committed"), step.to_string()).unwrap();
    }
}

#[test]
fn a_killed_run_keeps_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0u64..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "record::tests::child_that_logs_until_it_is_killed", "--nocapture"])
            .env("LOSSC_TEST_LOG_UNTIL_KILLED", dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let notebook = Notebook::open(dir.path()).unwrap();
        let began = Instant::now();
        while notebook.list().unwrap().len() <= round as usize
            || !notebook.latest().unwrap().unwrap().dir.join("committed").exists()
        {
            assert!(began.elapsed() < Duration::from_secs(60), "the child logs nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(round * 17));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();

        let run = notebook.latest().unwrap().unwrap();
        assert_eq!(run.status, Status::Interrupted);
        let committed: u64 = std::fs::read_to_string(run.dir.join("committed")).unwrap().parse().unwrap_or(0);
        let record = notebook.show(&run.id).unwrap();
        let lengths: Vec<usize> = record.history.iter().map(|series| series.points.len()).collect();
        let steps: Vec<u64> = record.history.iter().take(1).flat_map(|s| &s.points).map(|p| p.step).collect();
        assert!(steps.len() as u64 >= committed, "{committed} committed, {} found", steps.len());
        assert!(steps.iter().copied().eq(1..=steps.len() as u64), "a hole in the history");
        assert!(lengths.iter().all(|length| *length == steps.len()), "half a commit: {lengths:?}");
        assert_eq!(run.steps, steps.len() as u64);
    }
    let store = rusqlite::Connection::open(dir.path().join(STORE_FILE)).unwrap();
    let verdict: String = store.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn a_store_that_is_not_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(STORE_FILE);
    assert!(Notebook::open_existing(dir.path()).unwrap().is_none() && !path.exists());
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Notebook::open(dir.path()), Err(RecordError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let newer = tempfile::tempdir().unwrap();
    drop(Notebook::open(newer.path()).unwrap());
    rusqlite::Connection::open(newer.path().join(STORE_FILE)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Notebook::open(newer.path()), Err(RecordError::Newer { found: 99, .. })));
}

#[test]
fn a_store_can_be_created_by_many_at_once() {
    for _ in 0..25 {
        let dir = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        let open = || {
            start.wait();
            Notebook::open(dir.path()).map(|_| ())
        };
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            opened.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        });
    }
}

#[test]
fn looking_into_a_notebook_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = Notebook::open(dir.path()).unwrap().begin(&new_run("spikes")).unwrap();
    let id = run.finish(Status::Done, &scores(), None).unwrap().id;
    let store = dir.path().join(STORE_FILE);
    let reading = Notebook::existing(dir.path(), &id).unwrap();
    assert_eq!(reading.show(&id).unwrap().run.status, Status::Done);
    // The connection itself refuses: permissions would not stop a superuser.
    assert!(matches!(reading.remove(&id), Err(RecordError::Store { .. })));
    drop(reading);
    assert_eq!(Notebook::existing(dir.path(), &id).unwrap().writable().unwrap().remove(&id).unwrap().id, id);

    // No file beside the store can be made where a folder stands in its place, as in a folder without write permission.
    let blocked = tempfile::tempdir().unwrap();
    std::fs::copy(&store, blocked.path().join(STORE_FILE)).unwrap();
    std::fs::create_dir(blocked.path().join(format!("{STORE_FILE}-shm"))).unwrap();
    assert_eq!(Notebook::open_existing(blocked.path()).unwrap().unwrap().list().unwrap(), []);
}

#[test]
fn a_name_without_a_letter_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    assert!(matches!(notebook.begin(&new_run("../..")), Err(RecordError::Name { .. })));
    let run = notebook.begin(&NewRun { program_name: "../../evil.loss".into(), ..new_run("a") }).unwrap();
    assert!(run.dir().join("evil.loss").is_file(), "inside the run's folder");
}

fn table<'a>(names: &'a [String], observed: &'a [f64], mean: &'a [f64], variance: Option<&'a [f64]>) -> CountTable<'a> {
    CountTable {
        split: "test",
        unit_names: names,
        kinds: None,
        bin_seconds: Some(0.05),
        family: if variance.is_some() { CountFamily::NegBinomial } else { CountFamily::Poisson },
        observed,
        mean,
        variance,
        constant: &[1.5],
        truth: None,
        unit_nll: None,
        expected: None,
        window: Some(2),
    }
}

#[test]
fn count_scores_agree_with_scipy() {
    // scipy.stats.poisson.logpmf([0,3,1], [.5,2,1.2]) and nbinom.logpmf([0,3,1], 4, 4/(4+mu)), Σ and means.
    let names = ["n00".to_owned()];
    let (k, mu) = ([0.0, 3.0, 1.0], [0.5, 2.0, 1.2]);
    let poisson = table(&names, &k, &mu, None).diagnose(1).unwrap();
    close(poisson.units[0].nll, (0.5 + 1.712_317_927_548_219_2 + 1.017_678_443_206_045_3) / 3.0);
    // Pools of at least one expected event: rows 1 and 2 (3 of 2.5), row 3 (1 of 1.2).
    close(poisson.units[0].dispersion, 1.0 + ((0.25 - 3.0) + (0.04 - 1.0)) / 3.7);
    close(poisson.units[0].dispersion_error, (2.0 * (6.25 + 1.44f64)).sqrt() / 3.7);
    assert_eq!(poisson.histogram, [1, 1, 0, 1]);
    close(poisson.expected[3], 0.012_636_055_410_679_864 + 0.180_447_044_315_483_56 + 0.086_743_933_030_714_22);
    // Windows of two rows: only the first is whole.
    close(poisson.units[0].window_fano.unwrap().0, 1.0 + (0.25 - 3.0) / 2.5);

    let variance: Vec<f64> = mu.iter().map(|m| m + m * m / 4.0).collect();
    let nb = table(&names, &k, &mu, Some(&variance)).diagnose(1).unwrap();
    close(nb.units[0].nll, (0.471_132_142_625_533_9 + 1.921_965_024_882_994_8 + 1.129_499_765_543_500_4) / 3.0);
    assert_eq!(nb.mean, [0.5f32, 2.0, 1.2]);
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} ≠ {expected}");
}

/// Rows of a millisecond with a rate of 10 to 200 events a second, as a renewal process makes them: counts that are nearly
/// all 0. A Poisson process has dispersion 1; one that pauses after each event less (0.01 of a second of pause at 30 events a
/// second: (1 − 0.3)² = 0.49, Cox, Renewal Theory, 1962, 4.5); one whose events come in pairs has 2.
#[test]
fn the_dispersion_of_rare_events_is_that_of_their_process() {
    let mut state = 9_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let names = ["k".to_owned()];
    let rows = 200_000;
    let mut simulate = |rate: &dyn Fn(usize) -> f64, pause: usize, each: f64, wrong: f64| {
        let (mut observed, mut mean, mut quiet) = (vec![0.0; rows], Vec::new(), 0);
        for (at, count) in observed.iter_mut().enumerate() {
            mean.push(rate(at) * wrong);
            let hazard = rate(at) / each / (1.0 - rate(at) * pause as f64);
            if quiet == 0 && uniform() < hazard {
                (*count, quiet) = (each, pause);
            } else {
                quiet = usize::saturating_sub(quiet, 1);
            }
        }
        let table = CountTable { window: Some(1000), ..table(&names, &observed, &mean, None) };
        table.diagnose(1).unwrap().units[0].clone()
    };
    let even = |_| 0.03;
    let waves = |at: usize| if at % 500 < 50 { 0.1 } else { 1e-6 };
    for (what, unit, expected, within) in [
        ("Poisson", simulate(&even, 0, 1.0, 1.0), 1.0, 0.06),
        ("Poisson, means near 0", simulate(&waves, 0, 1.0, 1.0), 1.0, 0.15),
        ("Poisson, a mean too small by a tenth", simulate(&even, 0, 1.0, 0.9), 1.0, 0.08),
        ("pairs", simulate(&even, 0, 2.0, 1.0), 2.0, 0.15),
    ] {
        let (found, error) = (unit.dispersion, unit.dispersion_error);
        assert!((found - expected).abs() < within, "{what}: {found} ± {error}");
        assert!(error < 0.06 && ((found - 1.0).abs() > 3.3 * error) == (expected != 1.0), "{what}: {found} ± {error}");
    }
    let (fano, _) = simulate(&even, 10, 1.0, 1.0).window_fano.unwrap();
    assert!((fano - 0.49).abs() < 0.12, "{fano}");
}

#[test]
fn a_wrong_shape_is_named() {
    let names = ["n00".to_owned()];
    let Err(error) = table(&names, &[1.0, 2.0], &[1.0], None).diagnose(0) else { panic!("shapes differ") };
    assert_eq!(error.to_string(), "mean: found 1 numbers, expected 2");
}

#[test]
fn a_large_split_is_sampled_by_rows_and_scored_whole() {
    let names: Vec<String> = (0..40).map(|u| format!("n{u:02}")).collect();
    let rows = 10_000;
    let observed: Vec<f64> = (0..rows * 40).map(|i| (i / 40 % 3) as f64).collect();
    let mean = vec![1.0; rows * 40];
    let constant = vec![1.0; 40];
    let table = CountTable { unit_names: &names, constant: &constant, ..table(&names, &observed, &mean, None) };
    let (a, b) = (table.diagnose(5).unwrap(), table.diagnose(6).unwrap());
    assert_eq!(a.observed.len(), 2500 * 40);
    assert!(a.observed.chunks(40).all(|row| row.iter().all(|k| *k == row[0])), "rows stay whole");
    assert_ne!(a.observed, b.observed, "the seed decides");
    assert_eq!(a, table.diagnose(5).unwrap());
    assert_eq!(a.histogram.iter().sum::<u64>(), 400_000);
    assert_eq!(a.units[0].rows, 10_000);
    assert!((a.observed.iter().map(|k| f64::from(*k)).sum::<f64>() / 1e5 - 1.0).abs() < 0.05, "an even sample");
}
