//! Syntax: text to tree and back. The only user of pest.
//!
//! | module | does |
//! |---|---|
//! | `normal` | NFC and variant letters, with a map back to the original offsets |
//! | `names` | what a name is, and the ASCII form by which names compare |
//! | `lex` | a flat list of tokens |
//! | `scan` | brackets, texts, comments; cuts statements and clauses |
//! | `parse` | one statement or clause at a time through the grammar, chains folded by precedence |
//! | `ast` | the tree |
//! | `format` | the formatter |
//! | `print`, `dump` | trees back to text: as programs, and with every bracket shown |
//!
//! Depends on `source` and `diag`. Knows no functions, distributions or supports: that is `sema`.

pub mod ast;
pub mod dump;
pub mod format;
pub mod lex;
pub mod names;
mod normal;
mod parse;
pub mod print;
mod scan;

pub use parse::{MAX_MISTAKES, parse};

/// The functions and distributions whose definitions could not be read, by canonical name: that nothing else
/// declares them is no second mistake.
pub fn unread_definitions(source: &crate::source::Source, ast: &ast::Ast) -> Vec<String> {
    let unread = ast.stmts.iter().filter(|stmt| matches!(stmt.kind, ast::StmtKind::Error));
    let heads = unread.filter_map(|stmt| {
        let mut words = source.slice(stmt.span).split_whitespace();
        let defines = words.next().is_some_and(|word| matches!(word, "fn" | "distribution"));
        words.next().filter(|_| defines)
    });
    heads.map(|head| names::canonical(head.split('(').next().unwrap_or(""))).collect()
}
