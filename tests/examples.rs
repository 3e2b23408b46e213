//! The examples under specs/: every program compiles but the one that must not, whose message its README shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lossc::diag::has_errors;
use lossc::diag::render::{Style, render};
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};
use std::fs;
use std::path::{Path, PathBuf};

fn files(extension: &str) -> Vec<PathBuf> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let folders = fs::read_dir(specs).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

#[test]
fn programs_compile_but_the_wrong_one() {
    let programs = files("loss");
    assert!(programs.len() >= 7, "{programs:?}");
    for path in programs {
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
        let source = Source::new(name, fs::read_to_string(&path).unwrap());
        let found = analyze(&source, &NoFiles, &Options::default()).diagnostics;
        let said = render(&source, &found, Style::default());
        assert_eq!(has_errors(&found), path.ends_with("wrong.loss"), "{said}");
        if has_errors(&found) {
            let readme = fs::read_to_string(path.with_file_name("README.md")).unwrap();
            let indented: String = said.trim_end().lines().map(|line| format!("    {line}\n")).collect();
            assert!(readme.contains(&indented), "the README of {name} should show\n{indented}");
        }
    }
}

#[test]
fn every_spec_says_what_it_must_reach() {
    let specs = files("yaml");
    assert!(specs.len() >= 5, "{specs:?}");
    for path in specs {
        let text = fs::read_to_string(&path).unwrap();
        lossc::train::spec::Spec::read(path.to_str().unwrap(), text.as_bytes(), &[])
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(text.lines().any(|line| line.starts_with("# ci: t[")), "{}", path.display());
    }
}
