//! Invariants of the source tree: which module may import which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

/// Modules in order: a module may use those before it, and itself.
const ORDER: &[&str] = &[
    "source",
    "diag",
    "syntax",
    "ir",
    "interpret",
    "passes",
    "sema",
    "lower",
    "codegen",
    "compile",
    "explain",
    "files",
    "data",
    "evaluate",
    "sample",
    "record",
    "report",
    "train",
    "notebook",
    "cli",
];

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let relative = path.strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} is not in the list of modules"));
        for (line, text) in fs::read_to_string(path).unwrap().lines().enumerate() {
            if text.trim_start().starts_with("//") {
                continue;
            }
            for used in text.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                seen += 1;
                if rank(&used).is_some_and(|other| other > own) {
                    wrong.push(format!("{}:{}: {module} uses {used}", relative.display(), line + 1));
                }
            }
        }
    }
    assert!(seen > 100, "the scan finds the imports at all: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pest_cranelift_and_dfdx_stay_at_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    for (word, home) in [("pest::", "syntax/parse"), ("cranelift_", "codegen"), ("dfdx::", "train")] {
        let mut users = 0;
        for path in &paths {
            let relative = path.strip_prefix(&root).unwrap();
            if fs::read_to_string(path).unwrap_or_default().contains(word) {
                assert!(relative.starts_with(home), "{} uses {word}", relative.display());
                users += 1;
            }
        }
        assert!(users > 0, "nobody uses {word}");
    }
}
