//! Statements and clauses.

use std::ops::Range;

use pest::iterators::Pair;

use super::primary::reducer_of;
use super::{Builder, MAX_MISTAKES, Rule};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{
    Axis, Clause, ClauseKind, Declaration, DistDef, ExprId, ExprKind, FnDef, Formal, Name, OrParam, Role, Stmt,
    StmtKind, SupportExpr, UnaryOp,
};
use crate::syntax::lex::{Kind, Token};
use crate::syntax::names::canonical_unit;
use crate::syntax::scan::Piece;

/// Clauses that hold a text.
pub(super) const TEXT_CLAUSES: &[&str] = &["about", "assumes", "ask", "latex", "reference"];

/// Clauses that hold an expression.
pub(super) const PROPERTY_CLAUSES: &[&str] = &[
    "mean",
    "variance",
    "mode",
    "median",
    "entropy",
    "cross_entropy",
    "crps",
    "cdf",
    "ccdf",
    "log_cdf",
    "log_ccdf",
    "quantile",
    "sample",
    "mass_at_zero",
    "stable",
];

/// The other first words of clauses.
pub(super) const OTHER_CLAUSES: &[&str] = &["log density", "or", "instead", "example"];

/// A support with its axes.
#[derive(Default)]
struct Domain {
    support: Option<SupportExpr>,
    axes: Vec<Axis>,
}

impl<'a> Builder<'a> {
    /// Parses one piece of the scan and adds its statement.
    pub(super) fn statement(&mut self, piece: &Piece) {
        let end = piece.clauses.last().map_or(piece.head.end, |last| last.end);
        let span = self.normal.to_source(piece.head.start, end);
        let kind = if piece.is_broken(&piece.head) { None } else { self.statement_kind(piece) };
        self.ast.stmts.push(Stmt { kind: kind.unwrap_or(StmtKind::Error), span });
    }

    fn statement_kind(&mut self, piece: &Piece) -> Option<StmtKind> {
        let tokens = self.tokens_in(&piece.head);
        let (rule, head) = match self.past_let(&tokens) {
            Some(start) => (Rule::definition, start..piece.head.end),
            None => (entry_rule(&tokens, &self.normal.text), piece.head.clone()),
        };
        if let Some(diagnostic) = self.odd_definition(rule, &tokens) {
            self.report(diagnostic);
            return None;
        }
        let pair = self.grammar(rule, &head)?;
        match rule {
            Rule::declaration => Some(self.declaration(&pair)),
            Rule::function => {
                let mut function = self.function(&pair)?;
                function.clauses = self.clauses(piece);
                Some(StmtKind::Function(function))
            }
            Rule::distribution => {
                let mut distribution = self.distribution(&pair);
                distribution.clauses = self.clauses(piece);
                Some(StmtKind::Distribution(distribution))
            }
            Rule::import => self.import(&pair),
            Rule::reduction => self.reduction(&pair),
            Rule::definition => {
                let name = self.inner_name(&pair);
                let value = self.first_expression(&pair)?;
                Some(StmtKind::Define(name, value))
            }
            _ => self.loss_term(&pair),
        }
    }

    /// `let l = 3`, which is read as `l = 3` so that what follows knows `l`: where the definition begins.
    fn past_let(&mut self, tokens: &[Token]) -> Option<usize> {
        let word = |token: &Token| token.text(&self.normal.text).to_owned();
        let [first, name, equals, ..] = tokens else { return None };
        let first_word = word(first);
        if !matches!(first_word.as_str(), "let" | "var" | "val") || name.kind != Kind::Word || word(equals) != "=" {
            return None;
        }
        let span = self.normal.to_source(first.start, first.end);
        let gone = self.normal.to_source(first.start, name.start);
        let message = format!("a definition is its name, `=` and a value: there is no `{first_word}`");
        let help = format!("write `{} = …`", word(name));
        self.report(Diagnostic::new(codes::E0110, span, message).fix(help, gone, ""));
        Some(name.start)
    }

    /// `x[i] = 3`: a definition of something that is not a bare name.
    fn odd_definition(&self, rule: Rule, tokens: &[Token]) -> Option<Diagnostic> {
        if rule != Rule::loss_term {
            return None;
        }
        let mut depth = 0_usize;
        for (position, token) in tokens.iter().enumerate() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Word if matches!(token.text(&self.normal.text), "if" | "minimize") => return None,
                Kind::Sign if depth == 0 && position > 1 && token.text(&self.normal.text) == "=" => {
                    let (first, last) = (tokens.first()?, tokens.get(position - 1)?);
                    let span = self.normal.to_source(first.start, last.end);
                    let message = "only a bare name can be defined: expected `name = value`";
                    let diagnostic = Diagnostic::new(codes::E0110, span, message);
                    return Some(diagnostic.help("a comparison is written `==`; a function `fn name(x) = body`"));
                }
                _ => {}
            }
        }
        None
    }

    fn first_expression(&mut self, pair: &Pair<'a, Rule>) -> Option<ExprId> {
        let inner = pair.clone().into_inner().find(|inner| inner.as_rule() == Rule::expression)?;
        Some(self.expression(&inner))
    }

    // ---- statements

    fn declaration(&mut self, pair: &Pair<'a, Rule>) -> StmtKind {
        let domain = self.domain(pair);
        let mut declaration = Declaration {
            role: Role::Data,
            name: self.inner_name(pair),
            support: domain.support,
            axes: domain.axes,
            unit: None,
            value: None,
        };
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::kw_predict => declaration.role = Role::Predict,
                Rule::kw_param => declaration.role = Role::Param,
                Rule::kw_const => declaration.role = Role::Const,
                Rule::unit => declaration.unit = Some(self.unit(&part)),
                Rule::expression => declaration.value = Some(self.expression(&part)),
                Rule::quantity => self.quantity(&part, &mut declaration),
                _ => {}
            }
        }
        StmtKind::Declare(declaration)
    }

    fn unit(&self, pair: &Pair<'a, Rule>) -> Name {
        let text = pair.as_str();
        Name { text: text.to_owned(), key: canonical_unit(text), span: self.span(pair) }
    }

    /// `50 ms`: a number and its unit.
    fn quantity(&mut self, pair: &Pair<'a, Rule>, declaration: &mut Declaration) {
        let mut negative = None;
        let mut number: Option<(ExprId, Span)> = None;
        for part in pair.clone().into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::negate => negative = Some(span),
                Rule::number => {
                    let kind = self.number(&part);
                    number = Some((self.ast.push(kind, span), span));
                }
                _ => {
                    let touching = number.is_some_and(|(_, before)| before.end == span.start);
                    if touching {
                        self.touching_unit(&part, number.map_or(span, |(_, before)| before), span);
                    }
                    declaration.unit = Some(self.unit(&part));
                }
            }
        }
        let Some((id, span)) = number else { return };
        declaration.value = Some(match negative {
            Some(sign) => self.ast.push(ExprKind::Unary(UnaryOp::Neg, id), sign.to(span)),
            None => id,
        });
    }

    fn touching_unit(&mut self, unit: &Pair<'a, Rule>, number: Span, span: Span) {
        let at = Span::new(span.start as usize, span.start as usize);
        let message = format!("a blank is missing between the number and its unit `{}`", unit.as_str());
        self.report(Diagnostic::new(codes::E0109, number.to(span), message).fix("add a blank", at, " "));
    }

    fn function(&mut self, pair: &Pair<'a, Rule>) -> Option<FnDef> {
        let (before, after) = self.formals(pair);
        let bar = after.as_ref().map(|_| before.len());
        let formals = before.into_iter().chain(after.unwrap_or_default()).collect();
        let name = self.inner_name(pair);
        let body = self.first_expression(pair)?;
        Some(FnDef { name, formals, bar, body, clauses: Vec::new() })
    }

    fn distribution(&mut self, pair: &Pair<'a, Rule>) -> DistDef {
        let (variates, params) = self.formals(pair);
        let params = params.unwrap_or_default();
        DistDef { name: self.inner_name(pair), variates, params, clauses: Vec::new() }
    }

    /// The formals left and right of the bar; `None` right of it when there is no bar.
    fn formals(&mut self, pair: &Pair<'a, Rule>) -> (Vec<Formal>, Option<Vec<Formal>>) {
        let mut before = Vec::new();
        let mut after: Option<Vec<Formal>> = None;
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::bar => after = Some(Vec::new()),
                Rule::formals => {
                    let formals = part.into_inner().map(|formal| self.formal(&formal)).collect();
                    if after.is_some() {
                        after = Some(formals);
                    } else {
                        before = formals;
                    }
                }
                _ => {}
            }
        }
        (before, after)
    }

    fn formal(&mut self, pair: &Pair<'a, Rule>) -> Formal {
        let domain = self.domain(pair);
        let default = self.first_expression(pair);
        Formal { name: self.inner_name(pair), support: domain.support, axes: domain.axes, default }
    }

    fn import(&mut self, pair: &Pair<'a, Rule>) -> Option<StmtKind> {
        let text = pair.clone().into_inner().find(|part| part.as_rule() == Rule::text)?;
        Some(StmtKind::Use(self.text(&text), self.span(&text)))
    }

    fn reduction(&mut self, pair: &Pair<'a, Rule>) -> Option<StmtKind> {
        let word = self.inner_name(pair);
        if matches!(word.key.as_str(), "sum" | "mean") {
            return Some(StmtKind::Reduce(reducer_of(&word.key), word.span));
        }
        let message = format!("expected `sum` or `mean` after `reduce`, found `{}`", word.text);
        let diagnostic = Diagnostic::new(codes::E0110, word.span, message);
        self.report(diagnostic.help("over the rows of the batch a loss is summed or averaged"));
        None
    }

    fn loss_term(&mut self, pair: &Pair<'a, Rule>) -> Option<StmtKind> {
        let mut label = None;
        let mut exprs = Vec::new();
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::label => label = Some(self.inner_name(&part)),
                Rule::expression => exprs.push(self.expression(&part)),
                _ => {}
            }
        }
        let body = exprs.pop()?;
        Some(StmtKind::Term { label, tilde: exprs.pop(), body })
    }

    // ---- supports

    fn domain(&mut self, pair: &Pair<'a, Rule>) -> Domain {
        let mut domain = Domain::default();
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::support => domain.support = Some(self.support(&part)),
                Rule::axes => domain.axes = part.into_inner().map(|axis| self.axis(&axis)).collect(),
                _ => {}
            }
        }
        domain
    }

    fn support(&mut self, pair: &Pair<'a, Rule>) -> SupportExpr {
        let mut support =
            SupportExpr { name: self.inner_name(pair), args: Vec::new(), closed: None, span: self.span(pair) };
        let form = pair
            .clone()
            .into_inner()
            .find(|part| matches!(part.as_rule(), Rule::interval | Rule::half_open | Rule::closed));
        let Some(form) = form else { return support };
        let (mut low, mut high) = (false, false);
        for part in form.into_inner() {
            match part.as_rule() {
                Rule::open_square => low = true,
                Rule::close_square => high = true,
                Rule::expression => support.args.push(self.expression(&part)),
                Rule::bound => support.args.push(self.bound(&part)),
                _ => {}
            }
        }
        if support.args.len() == 2 {
            support.closed = Some((low, high));
        } else if let Some(ends) = self.bracketed_interval(&support.args) {
            support.args = ends;
            support.closed = Some((true, true));
        }
        support
    }

    /// `real([1, 5])`, for closed intervals that would read as axes without the outer brackets.
    fn bracketed_interval(&self, args: &[ExprId]) -> Option<Vec<ExprId>> {
        match args {
            [only] => match &self.ast.expr(*only).kind {
                ExprKind::Vector(ends) if ends.len() == 2 => Some(ends.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn bound(&mut self, pair: &Pair<'a, Rule>) -> ExprId {
        let mut sign = None;
        let mut id = None;
        for part in pair.clone().into_inner() {
            let span = self.span(&part);
            if part.as_rule() == Rule::negate {
                sign = Some(span);
                continue;
            }
            let value = self.bare_primary(&part);
            id = Some(match sign {
                Some(sign) => self.ast.push(ExprKind::Unary(UnaryOp::Neg, value), sign.to(span)),
                None => value,
            });
        }
        let span = self.span(pair);
        id.unwrap_or_else(|| self.error_expr(span))
    }

    // ---- clauses

    fn clauses(&mut self, piece: &Piece) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for range in piece.clauses.iter().filter(|range| !piece.is_broken(range)) {
            if self.diagnostics.len() > MAX_MISTAKES {
                break;
            }
            let span = self.normal.to_source(range.start, range.end);
            clauses.extend(self.clause(range).map(|kind| Clause { span, kind }));
        }
        clauses
    }

    fn clause(&mut self, range: &Range<usize>) -> Option<ClauseKind> {
        let tokens = self.tokens_in(range);
        let rule = match clause_rule(&tokens, &self.normal.text) {
            Some(rule) => rule,
            None => {
                let diagnostic = self.unknown_clause(&tokens);
                self.report(diagnostic);
                return None;
            }
        };
        let pair = self.grammar(rule, range)?;
        match rule {
            Rule::log_density => self.density(&pair).map(ClauseKind::LogDensity),
            Rule::variant => Some(self.variant(&pair)),
            Rule::instead => Some(ClauseKind::Instead(self.inner_name(&pair), self.texts(&pair))),
            Rule::example => self.example(&pair),
            Rule::text_clause => Some(ClauseKind::Text(self.inner_name(&pair), self.texts(&pair))),
            _ => {
                let name = self.inner_name(&pair);
                Some(ClauseKind::Property(name, self.first_expression(&pair)?))
            }
        }
    }

    fn density(&mut self, pair: &Pair<'a, Rule>) -> Option<ExprId> {
        let density = pair.clone().into_inner().find(|part| part.as_rule() == Rule::density)?;
        self.first_expression(&density)
    }

    fn variant(&mut self, pair: &Pair<'a, Rule>) -> ClauseKind {
        let mut params = Vec::new();
        let mut equations = Vec::new();
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::variant_param => params.push(self.variant_param(&part)),
                Rule::equation => {
                    let name = self.inner_name(&part);
                    equations.extend(self.first_expression(&part).map(|value| (name, value)));
                }
                _ => {}
            }
        }
        ClauseKind::Or { params, equations, log_density: self.density(pair) }
    }

    fn variant_param(&mut self, pair: &Pair<'a, Rule>) -> OrParam {
        let domain = self.domain(pair);
        let mut names = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::name);
        let name = names.next().map_or_else(|| self.name(pair), |part| self.name(&part));
        let symbol = names.next().map_or_else(|| name.clone(), |part| self.name(&part));
        OrParam { name, symbol, support: domain.support, axes: domain.axes }
    }

    fn example(&mut self, pair: &Pair<'a, Rule>) -> Option<ClauseKind> {
        let what = self.inner_name(pair);
        let parts = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::expression);
        let exprs: Vec<ExprId> = parts.map(|part| self.expression(&part)).collect();
        if !matches!(what.key.as_str(), "nll" | "value") {
            let message = format!("expected `has nll` or `has value`, found `has {}`", what.text);
            self.report(Diagnostic::new(codes::E0116, what.span, message));
            return None;
        }
        match exprs.as_slice() {
            [call, number] => Some(ClauseKind::Example { call: *call, what, number: *number }),
            _ => None,
        }
    }

    fn texts(&self, pair: &Pair<'a, Rule>) -> String {
        let texts = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::text);
        texts.map(|text| self.text(&text)).collect::<Vec<_>>().join(" ")
    }

    /// The inside of a text, as it stands in the file (texts are not normalised).
    fn text(&self, pair: &Pair<'a, Rule>) -> String {
        let quoted = self.source.slice(self.span(pair));
        quoted.trim_matches('"').to_owned()
    }
}

/// The grammar's entry rule for a statement, by its first words.
fn entry_rule(tokens: &[Token], text: &str) -> Rule {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
    match (word(0), word(1)) {
        ("data" | "predict" | "param" | "const", _) => Rule::declaration,
        ("fn", _) => Rule::function,
        ("distribution", _) => Rule::distribution,
        ("use", _) => Rule::import,
        ("reduce", _) => Rule::reduction,
        (_, "=") if tokens.first().is_some_and(|token| token.kind == Kind::Word) => Rule::definition,
        _ => Rule::loss_term,
    }
}

/// The grammar's entry rule for a clause, by its first words; `None` when no clause starts so.
fn clause_rule(tokens: &[Token], text: &str) -> Option<Rule> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
    Some(match (word(0), word(1)) {
        ("log", "density") => Rule::log_density,
        ("or", _) => Rule::variant,
        ("instead", _) => Rule::instead,
        ("example", _) => Rule::example,
        (first, _) if TEXT_CLAUSES.contains(&first) => Rule::text_clause,
        (first, _) if PROPERTY_CLAUSES.contains(&first) => Rule::property,
        _ => return None,
    })
}
