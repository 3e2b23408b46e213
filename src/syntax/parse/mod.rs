//! From text to tree: each statement and clause through the grammar on its own, so each gives its own error.
//!
//! `pest::Rule` stays in this folder. `expr` folds operator chains, `primary` builds their parts, `stmt` builds statements and clauses,
//! `message` turns a failure of the grammar into a sentence. Depends on `scan` for the cuts.

// The grammar's derive makes a public enum of rules without documentation.
#![allow(missing_docs)]

mod expr;
mod message;
mod primary;
mod stmt;

use std::ops::Range;

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::ast::{Ast, ExprId, ExprKind, Name};
use super::lex::{Kind, Token, tokens};
use super::names::canonical;
use super::normal::{Normal, normalize};
use super::scan::scan;
use crate::diag::{Diagnostic, codes};
use crate::source::{Source, Span};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/loss.pest"]
struct Grammar;

/// Programs longer than this are data.
const MAX_BYTES: usize = 256 << 20;

/// After this many mistakes the rest is not read, or not shown.
pub const MAX_MISTAKES: usize = 100;

/// Parses a program. What cannot be read becomes an `Error` statement, and every mistake has one diagnostic; they
/// come in the order of the text.
pub fn parse(source: &Source) -> (Ast, Vec<Diagnostic>) {
    if source.text.len() > MAX_BYTES {
        let size = source.text.len();
        let message = format!("this file has {size} bytes, and programs are limited to {MAX_BYTES}");
        return (Ast::default(), vec![Diagnostic::new(codes::E0119, Span::default(), message)]);
    }
    let normal = normalize(&source.text);
    let tokens = tokens(&normal.text);
    let (pieces, diagnostics) = scan(&normal, &tokens);
    let mut builder =
        Builder { source, normal: &normal, tokens: &tokens, ast: Ast::default(), diagnostics, piece: 0, depth: 0 };
    for piece in &pieces {
        builder.statement(piece);
        if builder.diagnostics.len() > MAX_MISTAKES {
            break;
        }
    }
    builder.finish()
}

/// What a statement is built with.
struct Builder<'a> {
    source: &'a Source,
    normal: &'a Normal<'a>,
    tokens: &'a [Token],
    ast: Ast,
    diagnostics: Vec<Diagnostic>,
    /// Offset in the normalised text of what pest is reading.
    piece: usize,
    /// How many operators around what is being read nest to the right.
    depth: usize,
}

impl<'a> Builder<'a> {
    fn finish(mut self) -> (Ast, Vec<Diagnostic>) {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        if self.diagnostics.len() > MAX_MISTAKES {
            self.diagnostics.truncate(MAX_MISTAKES);
            let last = self.diagnostics.last().map_or_else(Span::default, |diagnostic| diagnostic.span);
            let message = format!("more than {MAX_MISTAKES} mistakes: what follows was not looked at");
            self.diagnostics.push(Diagnostic::new(codes::E0120, last, message));
        }
        (self.ast, self.diagnostics)
    }

    /// Runs one entry rule over a range of the normalised text; a failure has been reported.
    fn grammar(&mut self, rule: Rule, range: &Range<usize>) -> Option<Pair<'a, Rule>> {
        self.piece = range.start;
        let normal: &'a Normal<'a> = self.normal;
        let text = normal.text.get(range.clone()).unwrap_or("");
        match Grammar::parse(rule, text) {
            Ok(mut pairs) => pairs.next(),
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                let diagnostic = match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => {
                        self.describe(rule, range, range.start + at, &positives)
                    }
                    // The parser's own guard against a stack that is too small for even the nesting we allow.
                    ErrorVariant::CustomError { .. } => {
                        let place = self.normal.to_source(range.start + at, range.start + at);
                        Diagnostic::new(codes::E0105, place, "this is nested too deep for the stack of this thread")
                            .help("name the inner parts: `a = …`, and use the names")
                    }
                };
                self.report(diagnostic);
                None
            }
        }
    }

    /// Keeps a diagnostic, as long as there are not too many.
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() <= MAX_MISTAKES {
            self.diagnostics.push(diagnostic);
        }
    }

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        let mut end = self.piece + span.end();
        // A rule that ends in something optional has read the blanks and comments before it.
        if pair.as_str().ends_with(|c: char| c.is_whitespace()) {
            let after = self.tokens.partition_point(|token| token.start < end);
            let before = self.tokens.get(..after).unwrap_or(&[]).iter();
            let last = before.rev().find(|token| !matches!(token.kind, Kind::Newline | Kind::Comment));
            end = last.map_or(end, |token| token.end);
        }
        self.normal.to_source(self.piece + span.start(), end)
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        let text = pair.as_str();
        Name { text: text.to_owned(), key: canonical(text), span: self.span(pair) }
    }

    /// The name that is the first `name` inside a pair.
    fn inner_name(&self, pair: &Pair<'a, Rule>) -> Name {
        match pair.clone().into_inner().find(|inner| inner.as_rule() == Rule::name) {
            Some(name) => self.name(&name),
            None => self.name(pair),
        }
    }

    fn error_expr(&mut self, span: Span) -> ExprId {
        self.ast.push(ExprKind::Error, span)
    }

    /// Indices of the tokens inside a range of the normalised text, comments and line breaks left out.
    fn tokens_in(&self, range: &Range<usize>) -> Vec<Token> {
        let first = self.tokens.partition_point(|token| token.start < range.start);
        let rest = self.tokens.get(first..).unwrap_or(&[]);
        let inside = rest.iter().take_while(|token| token.start < range.end);
        inside.filter(|token| !matches!(token.kind, Kind::Newline | Kind::Comment)).copied().collect()
    }
}
