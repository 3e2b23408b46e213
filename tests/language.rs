//! The language's reference, grammar/README.md: its programs compile, and its wrong programs get the messages it shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lossc::diag::render::{Style, render};
use lossc::sema::{Options, analyze};
use lossc::source::{NoFiles, Source};
use std::collections::BTreeSet;

/// The fenced blocks of the page: what follows the fence, the text, its first line.
fn blocks() -> Vec<(String, String, usize)> {
    let page = include_str!("../grammar/README.md");
    let mut blocks = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(kind), None) => open = Some((kind.to_owned(), String::new(), at + 2)),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text, _))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

#[test]
fn every_example_is_as_the_page_says() {
    let blocks = blocks();
    let mut seen = (0, 0);
    for (at, (kind, text, line)) in blocks.iter().enumerate() {
        let source = Source::new("page", text.trim_end());
        let said = render(&source, &analyze(&source, &NoFiles, &Options::default()).diagnostics, Style::default());
        match kind.as_str() {
            "loss" => {
                assert!(said.is_empty(), "line {line}:\n{said}");
                seen.0 += 1;
            }
            "loss wrong" => {
                let (next, expected, _) = &blocks[at + 1];
                assert_eq!(next, "text", "line {line}: no message follows");
                assert_eq!(said.trim_end(), expected.trim_end(), "line {line}");
                seen.1 += 1;
            }
            "text" => {}
            other => panic!("line {line}: a block of kind `{other}`"),
        }
    }
    assert!(seen.0 >= 24 && seen.1 >= 4, "{seen:?}");
}

/// The functions and distributions that the page's tables name: what is called in them, and in the lists every word.
fn named() -> BTreeSet<String> {
    let page = include_str!("../grammar/README.md");
    let mut found = BTreeSet::new();
    let mut head: Option<&str> = None;
    for line in page.lines() {
        head = if line.starts_with('|') { head.or(Some(line)) } else { None };
        let Some(head) = head else { continue };
        if ["| support", "| there", "| | its values come from"].iter().any(|other| head.starts_with(other)) {
            continue;
        }
        let lists = head.contains("functions") || head.contains("counts");
        for span in line.split('`').skip(1).step_by(2) {
            let word = |text: &str| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
            match span.split_once('(') {
                Some(_) => found.extend(span.rmatch_indices('(').map(|(at, _)| word(&span[..at]))),
                None if lists => found.extend(span.split(' ').map(str::to_owned)),
                None => {}
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// The tables name what there is, and all of it.
#[test]
fn the_tables_of_functions_and_distributions_are_complete() {
    let page = named();
    let library = lossc::sema::library::entries().map(|(name, _)| name.to_owned());
    let known: BTreeSet<String> = library.chain(lossc::sema::builtins().map(str::to_owned)).collect();
    assert!(known.len() > 80, "{known:?}");
    let missing: Vec<_> = known.difference(&page).collect();
    assert!(missing.is_empty(), "in no table of grammar/README.md: {missing:?}");
    let invented: Vec<_> = page.difference(&known).collect();
    assert!(
        invented.is_empty(),
        "in a table of grammar/README.md, but neither function nor distribution: {invented:?}"
    );
}

/// kernels/README.md is made from the library's files.
#[test]
fn the_librarys_reference_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels/README.md");
    let made = lossc::explain::entry::reference();
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "kernels/README.md is not what its files say: ACCEPT=1 cargo test --test language");
}
