//! The data-driven tests: `tests/cases/<stage>/*.loss` holds a program and, below a line of `=`, what is expected.
//!
//! `ACCEPT=1 cargo test --test cases` rewrites the expectations of the stages; read the difference before keeping
//! it. To add a case, add a file; to add a stage, add a folder and a test below.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use lossc::diag::codes::{self, Entry};
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

/// The files of the standard library.
fn kernels(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| if path.is_dir() { kernels(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "loss")).collect()
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

/// Programs as beginners mistype them: one message each, which names the remedy that the first line states.
#[test]
fn beginners_mistakes() {
    assert!(files("beginner").len() >= 50);
    run("beginner", |source| {
        let diagnostics = analyze(source, &NoFiles, &Options::default()).diagnostics;
        let said = render(source, &diagnostics, Style::default());
        let names = source.text.lines().next().and_then(|line| line.strip_prefix("# names: ")).unwrap();
        assert_eq!(diagnostics.len(), 1, "{said}");
        assert!(said.contains(names), "{}: no `{names}` in\n{said}", source.name);
        said
    });
}

/// The rows of the table that speak of programs and can show one.
fn shown_codes() -> impl Iterator<Item = &'static Entry> {
    codes::all().filter(|entry| !entry.code.0.starts_with('S') && !entry.wrong.is_empty())
}

/// The wrong program on a code's page gets that code and nothing else, and the right one gets nothing.
#[test]
fn pages_tell_the_truth() {
    let found = |program: &str| -> Vec<&str> {
        let analysis = analyze(&Source::new("page", program), &NoFiles, &Options::default());
        analysis.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
    };
    for entry in shown_codes() {
        assert_eq!(found(entry.wrong), [entry.code.0], "{}", entry.code);
        assert!(found(entry.right).is_empty(), "{}: {:?}", entry.code, found(entry.right));
    }
}

#[test]
fn every_code_has_a_case() {
    let cases: Vec<String> = files("bad").iter().map(|path| read(path).0.name).collect();
    let shown = shown_codes().map(|entry| entry.code.0);
    let missing: Vec<&str> = shown.filter(|code| !cases.iter().any(|case| case.starts_with(code))).collect();
    assert!(missing.is_empty(), "no case under tests/cases/bad for {missing:?}");
}

/// Formatting keeps the tree in every spelling, and formatting twice changes nothing.
#[test]
fn formatting_keeps_the_tree() {
    let library = kernels(&Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels"));
    assert!(!library.is_empty());
    for path in files("parse").into_iter().chain(library) {
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

/// Text that no person writes gets a clean answer, whatever its depth and length; test threads have a small stack.
#[test]
fn hostile_text_is_answered() {
    let long_sum = format!("{}a", "a + ".repeat(30_000));
    for (program, code) in [
        ("(".repeat(10_000), Some("E0105")),
        ("[".repeat(1_000_000), Some("E0105")),
        ("if ".repeat(10_000), Some("E0105")),
        ("a * if b then c else ".repeat(10_000), Some("E0105")),
        (format!("{}x{}", "f(".repeat(255), ")".repeat(255)), None),
        (format!("{}x{}", "sum[i where ".repeat(255), "] y".repeat(255)), None),
        (format!("{}a b $ c{}", "f(x[".repeat(120), "])".repeat(120)), Some("E0102")),
        (format!("{}x", "-".repeat(30_000)), Some("E0105")),
        (format!("{}x", "sum[i] ".repeat(10_000)), Some("E0105")),
        (format!("{}x", "a^".repeat(30_000)), Some("E0105")),
        (format!("{}c", "if a then b else ".repeat(5_000)), Some("E0105")),
        (long_sum, None),
        ("x".repeat(1_000_000), None),
        ("1".repeat(1_000_000), Some("E0107")),
        ("a b ".repeat(10_000), Some("E0109")),
        ("$\n".repeat(30_000), Some("E0102")),
        ("(a\n".repeat(10_000), Some("E0105")),
        ("\0".repeat(1_000), Some("E0102")),
        ("#".repeat(1_000_000), None),
        ("\n".repeat(1_000_000), None),
        ("\"a\n".repeat(30_000), Some("E0106")),
        ("\u{FEFF}poisson(k | λ)\r\n".to_owned(), None),
    ] {
        let source = Source::new("hostile", program);
        let (_, diagnostics) = parse(&source);
        let start: String = source.text.chars().take(40).collect();
        match code {
            Some(code) => assert!(diagnostics.iter().any(|found| found.code.0 == code), "{start}: {diagnostics:?}"),
            None => assert!(diagnostics.is_empty(), "{start}: {:?}", diagnostics.first()),
        }
        assert!(diagnostics.len() <= 101, "{start}");
        render(&source, &diagnostics, Style::default());
    }
}

/// A file that is not UTF-8 is named with the offset of its first wrong byte.
#[test]
fn bytes_that_are_no_text() {
    let error = Source::from_bytes("latin1.loss", b"# sigma\nnormal(x | \xB5, 1)").unwrap_err();
    assert_eq!((error.offset, error.byte), (19, 0xB5));
    let shown = render(&error.readable, &[lossc::diag::not_utf8(&error)], Style::default());
    assert!(shown.starts_with("error[E0101]: this file is not UTF-8: byte 19 (0xB5)"), "{shown}");
    assert!(shown.contains("--> latin1.loss:2:12"), "{shown}");
}

/// The deepest programs that are parsed are analysed too, on a test thread's small stack.
#[test]
fn the_deepest_programs_are_analysed() {
    for program in [
        format!("{}x", "-".repeat(250)),
        format!("{}x", "x^".repeat(250)),
        format!("{}x", "sum[i in 2] ".repeat(200)),
        format!("{}x", "if x > 0 then x else ".repeat(250)),
        format!("if {}x > 0 then x else 2·x", "not ".repeat(250)),
        format!("{}x{}", "-(".repeat(250), ")".repeat(250)),
        format!("x{}", " + x".repeat(100_000)),
    ] {
        let source = Source::new("deep", program);
        lossc::sema::analyze(&source, &NoFiles, &lossc::sema::Options::default());
    }
}
