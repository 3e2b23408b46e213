//! What to say when the grammar gives up: sentences about what was found and what could stand there.
//!
//! The grammar reports a place; the tokens around it say what a person was about to write.

use std::ops::Range;

use super::stmt::{OTHER_CLAUSES, PROPERTY_CLAUSES, TEXT_CLAUSES};
use super::{Builder, Rule};
use crate::diag::{Diagnostic, codes, nearest};
use crate::source::Span;
use crate::syntax::lex::{Kind, Token};
use crate::syntax::names::{RESERVED, is_superscript_letter};

/// The words that begin a declaration.
const ROLES: &[&str] = &["data", "predict", "param", "const"];

/// Signs of other languages: what is meant by them here.
const HABITS: &[(&str, &str)] = &[
    (":=", "="),
    ("<-", "~"),
    ("!", "not"),
    ("&", "and"),
    ("−−", "-"),
    ("–", "-"),
    ("—", "-"),
    ("’", "′"),
    ("'", "′"),
    ("“", "\""),
    ("”", "\""),
    ("÷", "/"),
    ("∧", "and"),
    ("∨", "or"),
    ("¬", "not"),
    ("//", "#"),
    ("，", ","),
    ("（", "("),
    ("）", ")"),
    ("…", "..."),
];

/// How a choice is written.
const CHOICE: &str = "a choice is written `if condition then value else value`";

/// The tokens around a failure.
struct Around {
    before: Option<Token>,
    found: Option<Token>,
    after: Option<Token>,
    /// Position of `found` among the piece's tokens.
    position: usize,
    first: Option<Token>,
}

impl Builder<'_> {
    /// The diagnostic for a failure at offset `at` of the normalised text.
    pub(super) fn describe(&self, rule: Rule, piece: &Range<usize>, at: usize, wanted: &[Rule]) -> Diagnostic {
        let around = self.around(piece, at);
        self.about_keywords(&around, wanted)
            .or_else(|| self.about_signs(&around))
            .or_else(|| self.about_reserved(rule, &around))
            .or_else(|| self.about_roles(&around))
            .or_else(|| self.about_headers(rule, &around))
            .unwrap_or_else(|| self.about_values(&around, piece))
    }

    fn around(&self, piece: &Range<usize>, at: usize) -> Around {
        let tokens = self.tokens_in(piece);
        let position = tokens.iter().position(|token| token.end > at).unwrap_or(tokens.len());
        Around {
            before: position.checked_sub(1).and_then(|before| tokens.get(before).copied()),
            found: tokens.get(position).copied(),
            after: tokens.get(position + 1).copied(),
            position,
            first: tokens.first().copied(),
        }
    }

    fn word(&self, token: Option<Token>) -> &str {
        token.map_or("", |token| token.text(&self.normal.text))
    }

    fn token_span(&self, token: Token) -> Span {
        self.normal.to_source(token.start, token.end)
    }

    /// Where the failure is shown: what was found, or the end of what stands before.
    fn place(&self, around: &Around) -> Span {
        match (around.found, around.before) {
            (Some(found), _) => self.token_span(found),
            (None, Some(before)) => self.normal.to_source(before.end, before.end),
            (None, None) => Span::default(),
        }
    }

    /// "found `x`", or that the statement ends.
    fn found(&self, around: &Around) -> String {
        match around.found {
            Some(token) => format!("found `{}`", shorten(token.text(&self.normal.text))),
            None => "but the statement ends here".to_owned(),
        }
    }

    fn about_keywords(&self, around: &Around, wanted: &[Rule]) -> Option<Diagnostic> {
        let missing = if wanted.contains(&Rule::kw_then) {
            "then"
        } else if wanted.contains(&Rule::kw_else) {
            "else"
        } else {
            return None;
        };
        if self.is_operator(around.before) || around.found.is_some_and(|found| found.kind == Kind::Sign) {
            return None;
        }
        let found = around.found.map_or_else(String::new, |_| format!(", {}", self.found(around)));
        let message = format!("this `if` has no `{missing}`: expected `{missing}` and a value{found}");
        let diagnostic = Diagnostic::new(codes::E0110, self.place(around), message);
        Some(diagnostic.help(CHOICE))
    }

    fn about_signs(&self, around: &Around) -> Option<Diagnostic> {
        let token = around.found.filter(|token| token.kind == Kind::Sign || token.kind == Kind::Text)?;
        let (text, span) = (token.text(&self.normal.text), self.token_span(token));
        let first = text.chars().next()?;
        if text == "|" && around.before.is_some_and(|before| self.word(Some(before)) == "|") {
            return None;
        }
        if text == "|" {
            let message = "this bar stands outside the brackets of a call: `|` only separates variates from parameters";
            let diagnostic = Diagnostic::new(codes::E0112, span, message);
            return Some(diagnostic.help("for an absolute value write abs(x), for a length norm(v) or ‖v‖"));
        }
        if text == ";" {
            let diagnostic = Diagnostic::new(codes::E0110, span, "found `;` inside brackets: expected `|` or `,`");
            return Some(diagnostic.fix("a bar separates variates from parameters", span, "|"));
        }
        if is_superscript_letter(first) {
            let message = format!("`{text}` is no power: only digits are raised");
            return Some(Diagnostic::new(codes::E0102, span, message).help("write powers as `x^n`"));
        }
        if let Some((_, meant)) = HABITS.iter().find(|(habit, _)| *habit == text) {
            let message = format!("`{text}` is no sign of this language: expected `{meant}`");
            return Some(Diagnostic::new(codes::E0110, span, message).fix(format!("write `{meant}`"), span, *meant));
        }
        let known = "+-−*·×/^<>=≤≥≠,|~:;.?≠∈√∑∏∞_²³⁺⁻".contains(first);
        let message = format!("found `{}`, which is no sign of this language", shorten(text));
        (!known && token.kind == Kind::Sign).then(|| Diagnostic::new(codes::E0102, span, message))
    }

    fn about_reserved(&self, rule: Rule, around: &Around) -> Option<Diagnostic> {
        let reserved = |token: Option<Token>| token.filter(|_| RESERVED.contains(&self.word(token)));
        let labels = self.word(around.found) == ":" && rule != Rule::declaration;
        let names_something = labels || self.word(around.found) == "=";
        let candidate = match (reserved(around.found), reserved(around.before)) {
            (Some(found), _) if self.expects_name(rule, around) => found,
            (None, Some(before)) if names_something && around.position == 1 && around.found.is_some() => before,
            (Some(found), _) if around.position == 0 && self.word(around.after) == "=" => found,
            _ => return None,
        };
        let text = self.word(Some(candidate));
        let message = format!("`{text}` is a reserved word and cannot be a name");
        let span = self.token_span(candidate);
        Some(Diagnostic::new(codes::E0113, span, message).help(format!("another name, such as `{text}_1`, is free")))
    }

    /// `pred η : real`: a declaration that begins with no role.
    fn about_roles(&self, around: &Around) -> Option<Diagnostic> {
        let first = around.first.filter(|first| first.kind == Kind::Word && around.position == 2)?;
        let word = self.word(Some(first));
        if self.word(around.found) != ":" || ROLES.contains(&word) {
            return None;
        }
        let span = self.token_span(first);
        let message = format!("a declaration begins with `data`, `predict`, `param` or `const`, and found `{word}`");
        let diagnostic = Diagnostic::new(codes::E0115, span, message);
        let near = ROLES.iter().find(|role| role.starts_with(word)).copied();
        Some(match near.or_else(|| nearest(word, ROLES.iter().copied())) {
            Some(near) => diagnostic.fix(format!("did you mean `{near}`?"), span, near),
            None => diagnostic,
        })
    }

    /// True where only a name can stand.
    fn expects_name(&self, rule: Rule, around: &Around) -> bool {
        let introduces = matches!(rule, Rule::declaration | Rule::function | Rule::distribution);
        let after_comma = matches!(self.word(around.before), "(" | "," | "|");
        introduces && (around.position == 1 || (rule != Rule::declaration && after_comma))
    }

    fn about_headers(&self, rule: Rule, around: &Around) -> Option<Diagnostic> {
        let span = self.place(around);
        let found = self.found(around);
        let keyword = self.word(around.first);
        let (code, expected, help) = match (rule, around.position) {
            (Rule::declaration, 1) => (
                codes::E0115,
                format!("expected a name after `{keyword}`"),
                "one declaration names one thing: `data k : count[N]`",
            ),
            (Rule::declaration, _) if !self.is_operator(around.before) => {
                return Some(self.about_declaration(around, span, &found));
            }
            (Rule::function, 1 | 2) => (
                codes::E0110,
                "expected a name and its parameters in brackets".to_owned(),
                "a function is written `fn name(a, b) = body`",
            ),
            (Rule::function, _) if self.word(around.before) == ")" => (
                codes::E0110,
                "expected `=` and the function's body".to_owned(),
                "a function is written `fn name(a, b) = body`",
            ),
            (Rule::distribution, _) => (
                codes::E0110,
                "expected a distribution's head".to_owned(),
                "it is written `distribution name(x : real | μ : real, σ : positive)`, with its clauses indented below",
            ),
            (Rule::import, _) => {
                (codes::E0110, "expected a file name in quotes after `use`".to_owned(), "write `use \"file.loss\"`")
            }
            (Rule::reduction, _) => (
                codes::E0110,
                "expected `sum` or `mean` after `reduce`".to_owned(),
                "`reduce sum` adds the rows up, `reduce mean` averages them",
            ),
            (Rule::text_clause, 1) => {
                (codes::E0116, format!("expected a text in quotes after `{keyword}`"), "texts are written \"…\"")
            }
            (Rule::instead, _) => (
                codes::E0116,
                "expected `instead name when \"…\"`".to_owned(),
                "it names what to use when the assumption fails",
            ),
            (Rule::example, _) if !self.is_operator(around.before) => (
                codes::E0116,
                "expected `has nll` or `has value` and a number".to_owned(),
                "an example is written `example poisson(3 | 2.5) has nll 1.5428`",
            ),
            (Rule::property | Rule::log_density, 1 | 2) if around.found.is_none() => (
                codes::E0116,
                format!("expected an expression after `{}`", self.word(around.before)),
                "a clause states what its first words name",
            ),
            (Rule::variant, _)
                if around.position > 1 && !self.is_operator(around.before) && self.word(around.found) == "=" =>
            {
                (
                    codes::E0116,
                    "expected `: support`, `,` or `where`".to_owned(),
                    "another parameterisation is written `or log_rate = η : real where λ = exp(η)`",
                )
            }
            (Rule::variant, 1) => (
                codes::E0116,
                "expected the name of a parameter after `or`".to_owned(),
                "another parameterisation is written `or log_rate = η : real where λ = exp(η)`",
            ),
            _ => return None,
        };
        Some(Diagnostic::new(code, span, format!("{expected}, {found}")).help(help))
    }

    fn about_declaration(&self, around: &Around, span: Span, found: &str) -> Diagnostic {
        let message = format!("expected `: support`, `[axes]`, `in unit` or `= value`, {found}");
        let diagnostic = Diagnostic::new(codes::E0115, span, message);
        let after_name = around.position == 2;
        match around.found {
            Some(token) if token.kind == Kind::Word && after_name => {
                let at = around.before.map_or(span, |before| self.normal.to_source(before.end, before.end));
                diagnostic.fix("a support stands after a colon", at, " :")
            }
            Some(token) if self.word(Some(token)) == "," && after_name => {
                diagnostic.help("one declaration names one thing; write one line for each")
            }
            _ => diagnostic
                .help("a declaration is written `data k : count[N] in Hz = 0`, and all after the name may be left out"),
        }
    }

    fn about_values(&self, around: &Around, piece: &Range<usize>) -> Diagnostic {
        let span = self.place(around);
        let before = self.word(around.before);
        let found = self.found(around);
        if let Some(diagnostic) = self.about_reducer(around, piece) {
            return diagnostic;
        }
        let Some(previous) = around.before else {
            let message = format!("expected a statement, {found}");
            return Diagnostic::new(codes::E0110, span, message);
        };
        if self.is_operator(around.before) || matches!(previous.kind, Kind::Open) || RESERVED.contains(&before) {
            let message = format!("expected a value after `{before}`, {found}");
            let diagnostic = Diagnostic::new(codes::E0110, span, message);
            return match self.word(around.found) {
                sign @ ("∑" | "∏") => {
                    diagnostic.help(format!("its index stands in square brackets: `{sign}[i] x[i]`"))
                }
                _ => diagnostic,
            };
        }
        let message = match around.found {
            None => format!("this ends too early: something is missing after `{}`", shorten(before)),
            Some(token) if token.kind == Kind::Text => {
                format!("found a text after `{}`: no expression contains one", shorten(before))
            }
            Some(token) if self.word(Some(token)) == "=" => {
                let start = self.normal.to_source(piece.start, previous.end);
                let message = "only a bare name can be defined: expected `name = value`";
                return Diagnostic::new(codes::E0110, start, message);
            }
            Some(found) if self.starts_line(found) => {
                let message = format!("expected an operator after `{}`, {}", shorten(before), self.found(around));
                let help = "a line that is indented deeper goes on with the statement above it";
                return Diagnostic::new(codes::E0110, span, message).help(help);
            }
            Some(_) => format!("expected an operator or the end of the statement after `{}`, {found}", shorten(before)),
        };
        let has_if = || self.tokens_in(piece).iter().any(|token| self.word(Some(*token)) == "if");
        let choice = match self.word(around.found) {
            "if" | "?" => true,
            ":" => has_if(),
            _ => false,
        };
        let diagnostic = Diagnostic::new(codes::E0110, span, message);
        if choice { diagnostic.help(CHOICE) } else { diagnostic }
    }

    /// `sum[i in N]` without anything to sum, and `in` or `where` after something that is no reducer.
    fn about_reducer(&self, around: &Around, piece: &Range<usize>) -> Option<Diagnostic> {
        let help = "a reducer is written `sum[i in N where c] value`; its words are sum prod mean max min logsumexp count any all";
        let word = self.word(around.found);
        if matches!(word, "in" | "where" | "∈") {
            let message = format!("found `{word}` outside a reducer's square brackets");
            return Some(Diagnostic::new(codes::E0110, self.place(around), message).help(help));
        }
        if self.word(around.before) != "]" || around.found.is_some_and(|found| found.kind != Kind::Close) {
            return None;
        }
        let tokens = self.tokens_in(piece);
        let opener = matching_opener(tokens.get(..around.position)?)?;
        let reducer = tokens.get(opener.checked_sub(1)?)?;
        let span = self.normal.to_source(reducer.start, around.before?.end);
        let message = format!("`{}` reduces nothing: expected a value after it", shorten(self.source.slice(span)));
        Some(Diagnostic::new(codes::E0110, span, message).help(help))
    }

    /// True for the first token of its line.
    fn starts_line(&self, token: Token) -> bool {
        let before = self.normal.text.get(..token.start).unwrap_or("");
        let line = before.rfind('\n').map(|newline| before.get(newline..).unwrap_or(""));
        line.is_some_and(|blanks| blanks.trim().is_empty())
    }

    /// True for a token after which a value has to follow.
    fn is_operator(&self, token: Option<Token>) -> bool {
        token.is_some_and(|token| {
            let text = token.text(&self.normal.text);
            (token.kind == Kind::Sign && text != "_" && text != "∞") || matches!(text, "and" | "or" | "not")
        })
    }

    /// The diagnostic for a line of a block that starts like no clause.
    pub(super) fn unknown_clause(&self, tokens: &[Token]) -> Diagnostic {
        let first = tokens.first().copied();
        let second = tokens.get(1).copied().filter(|token| token.kind == Kind::Word && self.word(first) == "log");
        let word = match (first, second) {
            (Some(first), Some(second)) => self.normal.text.get(first.start..second.end).unwrap_or(""),
            _ => self.word(first),
        };
        let end = second.or(first);
        let span = first.zip(end).map_or_else(Span::default, |(a, b)| self.token_span(a).to(self.token_span(b)));
        let clauses = || TEXT_CLAUSES.iter().chain(PROPERTY_CLAUSES).chain(OTHER_CLAUSES).copied();
        let message = format!("`{}` starts no clause", shorten(word));
        let diagnostic = Diagnostic::new(codes::E0116, span, message);
        match crate::diag::nearest(word, clauses()) {
            Some(near) => diagnostic.fix(format!("did you mean `{near}`?"), span, near),
            None => diagnostic.help(format!("clauses are: {}", clauses().collect::<Vec<_>>().join(", "))),
        }
    }
}

/// The index of the bracket that the last of these tokens closes.
fn matching_opener(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for (position, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            Kind::Close => depth += 1,
            Kind::Open if depth <= 1 => return Some(position),
            Kind::Open => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A token as it is quoted in a sentence.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= 32 {
        return text.to_owned();
    }
    let start: String = text.chars().take(31).collect();
    format!("{start}…")
}
