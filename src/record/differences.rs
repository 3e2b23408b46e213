//! What differs between two runs: program, spec, versions, data, figures.

use super::Record;
use std::collections::BTreeSet;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name: `program`, `spec`, a version's name, a file's path, a split and metric.
    pub what: String,
    /// How it is in the first run; empty when it is not there. Of texts, the lines that only the first one has.
    pub first: String,
    /// How it is in the second run.
    pub second: String,
}

/// What was set differently for two runs: lines of the program and the spec, versions (with `--set` and threads), data.
pub fn settings_that_differ(a: &Record, b: &Record) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.lines("program", &a.program_text, &b.program_text);
    changes.lines("spec", &a.spec_text, &b.spec_text);
    let keys: BTreeSet<&String> = a.versions.keys().chain(b.versions.keys()).collect();
    for key in keys {
        let of = |record: &Record| record.versions.get(key).cloned().unwrap_or_default();
        changes.add(key.clone(), of(a), of(b));
    }
    let files: BTreeSet<&String> = a.data.iter().chain(&b.data).map(|file| &file.path).collect();
    for path in files {
        let of = |record: &Record| {
            record.data.iter().find(|f| f.path == *path).map_or_else(String::new, |f| f.sha256.clone())
        };
        changes.add(path.clone(), of(a), of(b));
    }
    changes.0
}

/// The final figures that differ between two runs, in every digit.
pub fn figures_that_differ(a: &Record, b: &Record) -> Vec<Change> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for (split, figures) in [a, b].into_iter().flat_map(|record| record.run.scores.splits()) {
        for (metric, _) in figures {
            if !names.contains(&(split, metric)) {
                names.push((split, metric));
            }
        }
    }
    let mut changes = Changes::default();
    for (split, metric) in names {
        let of = |record: &Record| record.run.scores.get(split, metric).map_or_else(String::new, |x| format!("{x}"));
        changes.add(format!("{split} {metric}"), of(a), of(b));
    }
    changes.0
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, what: String, first: String, second: String) {
        if first != second {
            self.0.push(Change { what, first, second });
        }
    }

    /// Lines that only one of two texts has.
    fn lines(&mut self, what: &str, a: &str, b: &str) {
        let only = |x: &str, y: &str| {
            x.lines().filter(|line| !y.lines().any(|other| other == *line)).collect::<Vec<_>>().join("\n")
        };
        self.add(what.to_owned(), only(a, b), only(b, a));
    }
}
