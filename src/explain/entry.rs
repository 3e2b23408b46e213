//! An entry of the standard library as a page: what its file says.

use std::sync::Arc;

use crate::sema::library::{self, Unit};
use crate::syntax::ast::{Clause, ClauseKind};

/// One file of the library.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    unit: Arc<Unit>,
}

impl Entry {
    /// The entry of that name.
    pub fn find(name: &str) -> Option<Entry> {
        let key = crate::syntax::names::canonical(name);
        library::unit(&key).map(|unit| Entry { name: key, unit })
    }

    fn clauses(&self) -> &[Clause] {
        match (self.unit.distribution(&self.name), self.unit.function(&self.name)) {
            (Some(def), _) => &def.clauses,
            (None, Some(def)) => &def.clauses,
            (None, None) => &[],
        }
    }

    /// The texts of a kind: `about`, `assumes`, `ask`, `reference`.
    pub fn texts(&self, kind: &str) -> Vec<String> {
        let text = |clause: &Clause| match &clause.kind {
            ClauseKind::Text(name, text) if name.key == kind => Some(text.clone()),
            _ => None,
        };
        self.clauses().iter().filter_map(text).collect()
    }

    /// What to use instead, and when.
    pub fn alternatives(&self) -> Vec<String> {
        let text = |clause: &Clause| match &clause.kind {
            ClauseKind::Instead(name, when) => Some(format!("{} instead of {}, when {when}", name.text, self.name)),
            _ => None,
        };
        self.clauses().iter().filter_map(text).collect()
    }

    /// The page that `lossc explain NAME` prints: its own words, then the file.
    pub fn page(&self) -> String {
        let mut page = String::new();
        for (title, texts) in [
            ("", self.texts("about")),
            ("Assumes", self.texts("assumes")),
            ("Ask", self.texts("ask")),
            ("Alternatives", self.alternatives()),
            ("Source", self.texts("reference")),
        ] {
            for text in texts {
                let text =
                    if title.is_empty() { format!("{}: {text}\n", self.name) } else { format!("{title}: {text}\n") };
                page.push_str(&text);
            }
        }
        format!("{page}\n{}", self.unit.source.text.trim_end())
    }
}
