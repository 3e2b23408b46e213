//! The data-driven tests: `tests/cases/<stage>/*.loss` holds a program and, below a line of `=`, what is expected.
//!
//! `ACCEPT=1 cargo test --test cases` rewrites the expectations of the stages; read the difference before keeping
//! it. To add a case, add a file; to add a stage, add a folder and a test below.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use lossc::diag::render::{Style, render};
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};
use lossc::syntax::{dump::dump, format::format, parse, print::Spelling};

const LINE: &str = "\n================\n";

/// The files of a stage, in order of name.
fn files(stage: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(stage);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "loss")).collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    files
}

/// Program and expectation of a case.
fn read(path: &Path) -> (Source, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let (program, expected) = text.split_once(LINE).unwrap_or((text.trim_end_matches('\n'), ""));
    (Source::new(path.file_name().unwrap().to_string_lossy(), program), expected.to_owned())
}

/// Runs every case of a stage and compares, or accepts.
fn run(stage: &str, outcome: impl Fn(&Source) -> String) {
    let accept = std::env::var_os("ACCEPT").is_some();
    let mut failures = Vec::new();
    for path in files(stage) {
        let (source, expected) = read(&path);
        let found = outcome(&source);
        if found.trim_end() == expected.trim_end() {
            continue;
        }
        if accept {
            std::fs::write(&path, format!("{}{LINE}{}\n", source.text, found.trim_end())).unwrap();
        } else {
            failures.push(format!("{}\n--- expected\n{expected}\n--- found\n{found}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn parse_trees() {
    run("parse", |source| {
        let (ast, diagnostics) = parse(source);
        format!("{}{}", dump(&ast), render(source, &diagnostics, Style::default()))
    });
}

/// `E0103-unclosed.loss` has the code E0103 and no other; `mix-…` has what it says.
#[test]
fn bad_programs() {
    run("bad", |source| {
        let diagnostics = analyze(source, &NoFiles, &Options::default()).diagnostics;
        let codes: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect();
        let code = source.name.split('-').next().unwrap();
        let named = !codes.is_empty() && codes.iter().all(|found| *found == code);
        assert!(code == "mix" || named, "{}: {codes:?}", source.name);
        render(source, &diagnostics, Style::default())
    });
}

/// The wrong program on a code's page gets that code, and the right one gets no error.
#[test]
fn pages_tell_the_truth() {
    for entry in lossc::diag::codes::all().filter(|entry| entry.code.0.starts_with("E01") && !entry.wrong.is_empty()) {
        let found = |program: &str| -> Vec<&str> {
            parse(&Source::new("page", program)).1.iter().map(|diagnostic| diagnostic.code.0).collect()
        };
        assert_eq!(found(entry.wrong), [entry.code.0], "{}", entry.code);
        assert!(found(entry.right).is_empty(), "{}: {:?}", entry.code, found(entry.right));
    }
}

/// Formatting keeps the tree in every spelling, and formatting twice changes nothing.
#[test]
fn formatting_keeps_the_tree() {
    for path in files("parse") {
        let (source, _) = read(&path);
        let (tree, diagnostics) = parse(&source);
        if !diagnostics.is_empty() {
            continue;
        }
        for spelling in [Spelling::AsWritten, Spelling::Ascii, Spelling::Unicode] {
            let once = format(&source, spelling).unwrap();
            let again = Source::new(source.name.clone(), once.as_str());
            assert_eq!(dump(&parse(&again).0), dump(&tree), "{} {spelling:?}\n{once}", source.name);
            assert_eq!(format(&again, spelling).unwrap(), once, "{} {spelling:?}", source.name);
        }
    }
}
