//! An entry of the standard library as a page: what its file says.

use std::sync::Arc;

use crate::sema::library::{self, Unit};
use crate::syntax::ast::{Clause, ClauseKind, Name};

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

    /// The parameters of its main parameterisation, as its file spells them; none for a function.
    pub(super) fn parameters(&self) -> Vec<Name> {
        let def = self.unit.distribution(&self.name);
        def.map_or(Vec::new(), |def| def.params.iter().map(|formal| formal.name.clone()).collect())
    }

    /// Whether its first parameter is a density.
    pub(super) fn density_first(&self) -> bool {
        self.unit.distribution(&self.name).and_then(|def| def.params.first()).is_some_and(|formal| formal.is_density())
    }

    /// How its file spells a parameter.
    pub(super) fn parameter(&self, key: &str) -> Option<String> {
        self.parameters().into_iter().find(|name| name.key == key).map(|name| name.text)
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

    /// A section of the library's reference, in Markdown.
    fn section(&self) -> String {
        let source = &self.unit.source;
        let head = source.text.lines().next().unwrap_or("");
        let head = head.trim_start_matches("distribution ").trim_start_matches("fn ");
        let mut section = format!("### `{head}`\n\n{}\n\n", self.texts("about").join(" "));
        for clause in self.clauses() {
            let text = || source.slice(clause.span).split_whitespace().collect::<Vec<_>>().join(" ");
            match &clause.kind {
                ClauseKind::LogDensity(_) | ClauseKind::Or { .. } => section += &format!("- `{}`\n", text()),
                ClauseKind::Property(name, _) if name.key != "stable" => section += &format!("- `{}`\n", text()),
                _ => {}
            }
        }
        for (title, texts) in [
            ("Assumes", self.texts("assumes")),
            ("Ask", self.texts("ask")),
            ("Instead", self.alternatives()),
            ("Source", self.texts("reference")),
        ] {
            texts.iter().for_each(|text| section += &format!("- {title}: {text}\n"));
        }
        section.trim_end().to_string() + "\n"
    }
}

/// The reference of the whole library in Markdown, made from its files.
pub fn reference() -> String {
    let mut page = String::from(
        "# The standard library\n\nMade from the files in this folder: `ACCEPT=1 cargo test --test language` writes it anew. \
         `lossc explain NAME` prints an entry with its file.\n",
    );
    let mut folder = "";
    for (name, path) in library::entries() {
        let own = path.split_once('/').map_or("", |(folder, _)| folder);
        if own != folder {
            folder = own;
            page += &format!("\n## {folder}\n");
        }
        if let Some(entry) = Entry::find(name) {
            page += &format!("\n{}", entry.section());
        }
    }
    page
}
