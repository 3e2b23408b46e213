//! The standard library: every `.loss` file under `kernels/`, embedded, parsed when first asked for.
//!
//! One file an entry, named after it: `kernels/count/poisson.loss` holds `poisson`. Depends on `syntax`.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::source::Source;
use crate::syntax::ast::{Ast, DistDef, FnDef, StmtKind};

/// A parsed text and its tree: the library's files, and the program itself.
#[derive(Debug)]
pub struct Unit {
    /// The text.
    pub source: Source,
    /// The tree.
    pub ast: Ast,
    /// Part of the standard library: its inside is proved by the library's own tests, not at every use.
    pub trusted: bool,
}

impl Unit {
    /// The distribution of that canonical name defined in this unit.
    pub fn distribution(&self, key: &str) -> Option<&DistDef> {
        self.ast.stmts.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Distribution(def) if def.name.key == key => Some(def),
            _ => None,
        })
    }

    /// The function of that canonical name defined in this unit.
    pub fn function(&self, key: &str) -> Option<&FnDef> {
        self.ast.stmts.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Function(def) if def.name.key == key => Some(def),
            _ => None,
        })
    }
}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

type Slot = OnceLock<Arc<Unit>>;

fn index() -> &'static HashMap<&'static str, (&'static str, &'static str, Slot)> {
    static INDEX: OnceLock<HashMap<&'static str, (&'static str, &'static str, Slot)>> = OnceLock::new();
    INDEX.get_or_init(|| KERNELS.iter().map(|&(name, path, text)| (name, (path, text, OnceLock::new()))).collect())
}

/// The names of all entries with the path of their file, sorted by path.
pub fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    KERNELS.iter().map(|&(name, path, _)| (name, path))
}

/// The file of an entry, parsed.
pub fn unit(key: &str) -> Option<Arc<Unit>> {
    let (path, text, slot) = index().get(key)?;
    let parse = || {
        let source = Source::new(format!("kernels/{path}"), *text);
        let (ast, _) = crate::syntax::parse(&source);
        Arc::new(Unit { source, ast, trusted: true })
    };
    Some(slot.get_or_init(parse).clone())
}
