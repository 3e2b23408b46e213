//! The command line as its users meet it: exit status, what goes to stdout and what to stderr, what is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the command in a folder: exit status, stdout, stderr.
fn lossc(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lossc")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn looking_for_a_run_creates_nothing_and_names_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "u\n1\n").unwrap();
    for arguments in [
        &["runs", "show", "tuesday"][..],
        &["runs", "diff", "tuesday", "x"],
        &["runs", "rm", "tuesday"],
        &["report", "tuesday"],
        &["predict", "tuesday", "--data", "table.csv", "-o", "out.csv"],
        &["train", "--resume", "tuesday"],
    ] {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--runs", "none"]].concat());
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}");
        assert_eq!(said, "error: no run `tuesday` in none\n", "{arguments:?}");
        assert!(!folder.path().join("none").exists(), "{arguments:?} creates a store");
    }
}

#[test]
fn a_file_is_no_folder_of_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "u\n1\n").unwrap();
    for arguments in [&["runs", "list"][..], &["runs", "show", "x"], &["report", "x"], &["train", "--resume", "x"]] {
        let (status, _, said) = lossc(folder.path(), &[arguments, &["--runs", "table.csv"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        let expected = "error: table.csv is a file: the runs are kept in a folder, so give --runs the folder\n";
        assert_eq!(said, expected, "{arguments:?}");
    }
}

/// Whatever is wrong, `--format json` says so in an object on stdout.
#[test]
fn every_fault_is_json_where_json_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "k\n1\n").unwrap();
    fs::write(folder.path().join("binary.loss"), b"normal(x | \xff, 1)").unwrap();
    fs::write(folder.path().join("wrong.yaml"), "progam: x\n").unwrap();
    let plain = [
        &["check", "missing.loss"][..],
        &["eval", "missing.loss", "--data", "table.csv"],
        &["eval", "-e", "poisson(k | 1)", "--data", "missing.csv"],
        &["eval", "-e", "poisson(k | 1)", "--data", "table.csv", "--set", "z=1"],
        &["train", "missing.yaml"],
        &["runs", "show", "x"],
        &["report", "x"],
        &["predict", "x", "--data", "table.csv", "-o", "out.csv"],
    ];
    for arguments in plain {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"));
        assert_eq!(value["ok"], Value::Bool(false), "{arguments:?}");
        assert_eq!(said, format!("error: {}\n", value["error"].as_str().unwrap()), "{arguments:?}");
    }
    let placed = [
        (&["check", "binary.loss"][..], "E0101"),
        (&["check", "-e", "poisson(k | )"], "E0303"),
        (&["eval", "-e", "normal(k | 0, -1)", "--data", "table.csv"], "E0203"),
        (&["train", "wrong.yaml"], "S0001"),
    ];
    for (arguments, code) in placed {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!((status, said.as_str()), (1, ""), "{arguments:?}");
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"));
        assert_eq!(value["ok"], Value::Bool(false), "{arguments:?}");
        assert_eq!(value["diagnostics"][0]["code"], code, "{arguments:?}: {out}");
    }
}

#[test]
fn quiet_keeps_errors_alone_and_verbose_adds_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let warned = ["check", "-e", "param a : real\nnormal(x | 0, 1)"];
    let (status, _, said) = lossc(folder.path(), &warned);
    assert!(status == 0 && said.contains("warning[W"), "{said}");
    let page = "Wrong:\n";
    assert!(!said.contains(page), "{said}");
    let (status, _, quiet) = lossc(folder.path(), &[&warned[..], &["-q"]].concat());
    assert_eq!((status, quiet.as_str()), (0, ""));
    let (_, _, verbose) = lossc(folder.path(), &[&warned[..], &["-v"]].concat());
    assert!(verbose.starts_with(&said) && verbose.contains(page), "{verbose}");
    let (status, _, quiet) = lossc(folder.path(), &["check", "-q", "-e", "normal(x | 0, -1)"]);
    assert!(status == 1 && quiet.contains("error[E0203]"), "{quiet}");
    fs::write(folder.path().join("a.loss"), "normal(x | 0, 1)\n").unwrap();
    let (_, _, said) = lossc(folder.path(), &["check", "--fix", "a.loss"]);
    assert_eq!(said, "a.loss: 0 edits applied\n");
    let (_, _, quiet) = lossc(folder.path(), &["check", "--fix", "a.loss", "-q"]);
    assert_eq!(quiet, "");
}
