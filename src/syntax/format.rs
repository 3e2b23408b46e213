//! The formatter: one way to space a program, comments and line breaks kept.
//!
//! It works on tokens, so that brackets, comments and the author's lines stay, and changes only blanks and
//! spellings; formatting twice changes nothing, and the formatted program parses to the same tree. Depends on
//! `parse` to refuse what is no program.

use super::lex::{Kind, Token, tokens};
use super::names::{RESERVED, canonical, superscript_digit, to_superscript, unicode};
use super::normal::normalize;
use super::parse;
use super::print::Spelling;
use crate::diag::{Diagnostic, has_errors};
use crate::source::Source;

/// Formats a program.
///
/// # Errors
/// The diagnostics, when it does not parse.
pub fn format(source: &Source, spelling: Spelling) -> Result<String, Vec<Diagnostic>> {
    let (_, diagnostics) = parse(source);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let normal = normalize(&source.text);
    let tokens = tokens(&normal.text);
    let partners = partners(&tokens, &normal.text);
    let formatter = Formatter {
        original: source,
        text: &normal.text,
        to_source: &normal,
        tokens: &tokens,
        partners: &partners,
        spelling,
    };
    Ok(formatter.run())
}

/// For each bracket the index of its partner; for other tokens their own index.
fn partners(tokens: &[Token], text: &str) -> Vec<usize> {
    let mut partners: Vec<usize> = (0..tokens.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let norm_open = open.last().and_then(|&top| tokens.get(top)).is_some_and(|top| top.kind == Kind::Norm);
        let norm_closes = norm_open && ends_value(tokens.get(..at).unwrap_or(&[]), text);
        let closes = token.kind == Kind::Close || (token.kind == Kind::Norm && norm_closes);
        if closes && let Some(opener) = open.pop() {
            if let Some(slot) = partners.get_mut(opener) {
                *slot = at;
            }
            if let Some(slot) = partners.get_mut(at) {
                *slot = opener;
            }
        } else if matches!(token.kind, Kind::Open | Kind::Norm) {
            open.push(at);
        }
    }
    partners
}

/// True when the last of these tokens is the end of a value.
fn ends_value(tokens: &[Token], text: &str) -> bool {
    let last = tokens.iter().rev().find(|token| !matches!(token.kind, Kind::Newline | Kind::Comment));
    last.is_some_and(|token| match token.kind {
        Kind::Word => {
            let word = token.text(text);
            !RESERVED.contains(&word) || matches!(word, "batch" | "inf" | "true" | "false")
        }
        Kind::Sign => matches!(token.text(text), "_" | "∞"),
        Kind::Open => false,
        _ => true,
    })
}

struct Formatter<'a> {
    original: &'a Source,
    text: &'a str,
    to_source: &'a super::normal::Normal<'a>,
    tokens: &'a [Token],
    partners: &'a [usize],
    spelling: Spelling,
}

/// What a line is, for the places where the same sign is spaced differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Declaration,
    Block,
    Clause,
    Other,
}

impl Formatter<'_> {
    fn run(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        let mut blank_lines = 0;
        let mut in_block = false;
        while at < self.tokens.len() {
            let end = self.line_end(at);
            if end == at {
                blank_lines += 1;
            } else {
                if blank_lines > 0 && !out.is_empty() {
                    out.push('\n');
                }
                blank_lines = 0;
                let indent = self.indent(at);
                in_block = (in_block && !indent.is_empty()) || self.starts_block(at);
                out.push_str(&indent);
                self.line(at, end, self.line_kind(at, in_block), &mut out);
                out.push('\n');
            }
            at = end + 1;
        }
        out
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = self.tokens.get(at..).unwrap_or(&[]);
        at + rest.iter().position(|token| token.kind == Kind::Newline).unwrap_or(rest.len())
    }

    fn starts_block(&self, at: usize) -> bool {
        matches!(self.word(at), "fn" | "distribution")
    }

    fn line_kind(&self, at: usize, in_block: bool) -> Line {
        match self.word(at) {
            "data" | "predict" | "param" | "const" => Line::Declaration,
            "fn" | "distribution" => Line::Block,
            _ if in_block => Line::Clause,
            _ => Line::Other,
        }
    }

    /// The blanks a line starts with; tabs become blanks.
    fn indent(&self, at: usize) -> String {
        let start = self.tokens.get(at).map_or(0, |token| token.start);
        let before = self.text.get(..start).unwrap_or("");
        let line = before.rfind('\n').map_or(before, |newline| before.get(newline + 1..).unwrap_or(""));
        let width = line.chars().fold(0, |width, c| match c {
            '\t' => width / 8 * 8 + 8,
            '\u{FEFF}' => width,
            _ => width + 1,
        });
        " ".repeat(width)
    }

    fn line(&self, start: usize, end: usize, line: Line, out: &mut String) {
        let mut brackets: Vec<usize> = Vec::new();
        for at in start..end {
            if at > start {
                out.push_str(&self.gap(start, at, line));
            }
            self.token(start, at, line, &mut brackets, out);
            while brackets.last() == Some(&at) {
                brackets.pop();
                out.push(')');
            }
        }
    }

    // ---- spelling

    /// Writes one token; `brackets` collects where a bracket that a spelling needs is to be closed.
    fn token(&self, line_start: usize, at: usize, line: Line, brackets: &mut Vec<usize>, out: &mut String) {
        let Some(token) = self.tokens.get(at) else { return };
        let text = token.text(self.text);
        match (token.kind, self.spelling) {
            // Texts and comments stay as they are in the file.
            (Kind::Text | Kind::OpenText | Kind::Comment, _) => {
                let span = self.to_source.to_source(token.start, token.end);
                out.push_str(self.original.slice(span).trim_end());
            }
            (_, Spelling::AsWritten) => out.push_str(text),
            (Kind::Word, _) if self.is_unit(line_start, at, line) => match self.spelling {
                Spelling::Ascii => out.push_str(&text.replace('μ', "u")),
                _ => out.push_str(text),
            },
            (_, Spelling::Ascii) => self.ascii(at, text, brackets, out),
            (_, Spelling::Unicode) => self.unicode(at, text, out),
        }
    }

    /// Units are no names: what follows `in` in a declaration, and a word right after a number.
    fn is_unit(&self, line_start: usize, at: usize, line: Line) -> bool {
        let after_number = at > line_start && self.kind(at - 1) == Some(Kind::Number);
        let unit_words = (line_start..at).rev().take_while(|&before| self.word(before) != "=");
        let after_in = unit_words.into_iter().any(|before| self.word(before) == "in");
        line == Line::Declaration && (after_number || after_in)
    }

    fn ascii(&self, at: usize, text: &str, brackets: &mut Vec<usize>, out: &mut String) {
        match text {
            "·" | "×" => out.push('*'),
            "−" => out.push('-'),
            "≤" => out.push_str("<="),
            "≥" => out.push_str(">="),
            "≠" => out.push_str("!="),
            "∈" => out.push_str("in"),
            "∞" => out.push_str("inf"),
            "∑" => out.push_str("sum"),
            "∏" => out.push_str("prod"),
            "√" if self.word(at + 1) == "(" && self.operand_end(at + 1) == self.partner(at + 1) => {
                out.push_str("sqrt")
            }
            "√" => {
                out.push_str("sqrt(");
                brackets.push(self.operand_end(at + 1));
            }
            "‖" => out.push_str(if self.partner(at) > at { "norm(" } else { ")" }),
            _ => match self.kind(at) {
                Some(Kind::Word) => out.push_str(&canonical(text)),
                Some(Kind::Superscript) => {
                    // A raised power binds first, a written one last: keep what `x²^3` means.
                    if self.word(at + 1) == "^" {
                        return out.push_str(text);
                    }
                    out.push('^');
                    out.push_str(if text.starts_with('⁻') { "-" } else { "" });
                    out.extend(text.chars().filter_map(superscript_digit));
                }
                Some(Kind::Number) => out.push_str(&text.replace('−', "-")),
                _ => out.push_str(text),
            },
        }
    }

    fn unicode(&self, at: usize, text: &str, out: &mut String) {
        let raised = self.raised_power(at);
        match text {
            "*" => out.push('·'),
            "<=" => out.push('≤'),
            ">=" => out.push('≥'),
            "!=" => out.push('≠'),
            "inf" => out.push('∞'),
            "sum" if self.word(at + 1) == "[" => out.push('∑'),
            "prod" if self.word(at + 1) == "[" => out.push('∏'),
            "^" if raised.is_some() => out.push_str(&raised.unwrap_or_default()),
            _ if self.swallowed(at) => {}
            _ => match self.kind(at) {
                Some(Kind::Word) if self.word(at + 1) != "(" && !RESERVED.contains(&text) => {
                    let letter = unicode(text);
                    let raised_next = self.kind(at + 1) == Some(Kind::Superscript) || self.word(at + 1) == "^";
                    let clash = letter.ends_with(['⁺', '⁻']) && raised_next;
                    out.push_str(if clash { text } else { &letter });
                }
                _ => out.push_str(text),
            },
        }
    }

    /// `^2` and `^-1` as raised digits, where that means the same.
    fn raised_power(&self, at: usize) -> Option<String> {
        if self.word(at) != "^" || at == 0 || matches!(self.kind(at - 1), Some(Kind::Superscript)) {
            return None;
        }
        if self.word(at - 1).ends_with(['⁺', '⁻']) || unicode(self.word(at - 1)).ends_with(['⁺', '⁻']) {
            return None;
        }
        // `2^x^2` may be raised at its end only, and `(a^b)` keeps its one power.
        let minus = matches!(self.word(at + 1), "-" | "−");
        let number = at + 1 + usize::from(minus);
        let digits: Option<String> = self.word(number).chars().map(to_superscript).collect();
        let followed = self.word(number + 1) == "^" || self.kind(number + 1) == Some(Kind::Superscript);
        if self.kind(number) != Some(Kind::Number) || followed {
            return None;
        }
        digits.map(|digits| if minus { format!("⁻{digits}") } else { digits })
    }

    /// True for the tokens after a `^` that was written as raised digits.
    fn swallowed(&self, at: usize) -> bool {
        let before = |back: usize| at.checked_sub(back).filter(|&power| self.raised_power(power).is_some());
        match self.kind(at) {
            Some(Kind::Number) => {
                before(1).is_some() || (matches!(self.word(at.saturating_sub(1)), "-" | "−") && before(2).is_some())
            }
            Some(Kind::Sign) => matches!(self.word(at), "-" | "−") && before(1).is_some(),
            _ => false,
        }
    }

    fn partner(&self, at: usize) -> usize {
        self.partners.get(at).copied().unwrap_or(at)
    }

    /// The last token of the value that starts at `at`, its subscripts and arguments included.
    fn operand_end(&self, at: usize) -> usize {
        let start = (at..self.tokens.len()).find(|&next| self.word(next) != "√").unwrap_or(at);
        let mut end = self.partner(start).max(start);
        while self.kind(end + 1) == Some(Kind::Open) {
            end = self.partner(end + 1).max(end + 1);
        }
        end
    }

    // ---- blanks

    /// The blanks between a token of a line and the one before it.
    fn gap(&self, line_start: usize, at: usize, line: Line) -> String {
        let written = self.written_gap(at);
        if self.kind(at) == Some(Kind::Comment) {
            return " ".repeat(written.max(2));
        }
        if written > 1 && self.is_column(line_start, at, line) {
            return " ".repeat(written);
        }
        if self.spelling == Spelling::Unicode && self.swallowed(at) {
            return String::new();
        }
        if self.wants_blank(line_start, at, line) { " ".to_owned() } else { String::new() }
    }

    fn written_gap(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.end);
        let start = self.tokens.get(at).map_or(before, |token| token.start);
        self.text.get(before..start).map_or(0, |blanks| blanks.chars().count())
    }

    /// Places where several blanks align lines with their neighbours.
    fn is_column(&self, line_start: usize, at: usize, line: Line) -> bool {
        let first_word = at == line_start + 1 || (at == line_start + 2 && self.word(line_start) == "log");
        match line {
            Line::Declaration => first_word || matches!(self.word(at), ":" | "=" | "in"),
            Line::Clause => first_word || self.word(at) == "where",
            Line::Block | Line::Other => matches!(self.word(at), "=" | ":"),
        }
    }

    fn wants_blank(&self, line_start: usize, at: usize, line: Line) -> bool {
        let before = at - 1;
        let (left, right) = (self.word(before), self.word(at));
        let written = self.written_gap(at) > 0;
        if matches!(right, ")" | "]" | "," | ";") || matches!(left, "(" | "[" | "√") {
            return false;
        }
        if self.kind(at) == Some(Kind::Norm) && self.partner(at) < at {
            return false;
        }
        if self.kind(before) == Some(Kind::Norm) && self.partner(before) > before {
            return false;
        }
        if self.kind(at) == Some(Kind::Superscript) || left == "^" || right == "^" {
            return false;
        }
        if line == Line::Clause && at == line_start + 1 {
            return true;
        }
        if matches!(right, "(" | "[") {
            return self.blank_before_bracket(before, right);
        }
        if right == ":" {
            return !(at == line_start + 1 && matches!(line, Line::Other));
        }
        if self.is_prefix_minus(line_start, before) {
            return false;
        }
        if matches!(left, "*" | "·" | "×" | "/") {
            return self.written_gap(before) > 0 || written;
        }
        if matches!(right, "*" | "·" | "×" | "/") {
            return written || self.written_gap(at + 1) > 0;
        }
        true
    }

    /// A call or subscript touches what it belongs to; a value in brackets stands apart.
    fn blank_before_bracket(&self, before: usize, bracket: &str) -> bool {
        let left = self.word(before);
        match self.kind(before) {
            Some(Kind::Word) => RESERVED.contains(&left) && left != "batch" && left != "inf",
            Some(Kind::Close) => bracket == "(" && self.closes_reducer(before),
            Some(Kind::Number | Kind::Superscript) => false,
            Some(Kind::Norm) => false,
            _ if self.is_product(before) => self.written_gap(before) > 0 || self.written_gap(before + 1) > 0,
            _ => !matches!(left, "∑" | "∏" | "_" | "∞") && !self.is_prefix_minus(0, before),
        }
    }

    fn is_product(&self, at: usize) -> bool {
        matches!(self.word(at), "*" | "·" | "×" | "/")
    }

    /// True for the `]` of `sum[i in N]`.
    fn closes_reducer(&self, at: usize) -> bool {
        let reducers = ["sum", "prod", "mean", "max", "min", "logsumexp", "any", "all", "∑", "∏"];
        let opener = self.partner(at);
        self.word(at) == "]" && opener > 0 && reducers.contains(&self.word(opener - 1))
    }

    /// True for a minus that belongs to the value after it.
    fn is_prefix_minus(&self, line_start: usize, at: usize) -> bool {
        if !matches!(self.word(at), "-" | "−") {
            return false;
        }
        let Some(before) = at.checked_sub(1).filter(|_| at > line_start) else {
            return !self.goes_on(at);
        };
        match self.kind(before) {
            Some(Kind::Newline | Kind::Comment) => !self.goes_on(at),
            Some(Kind::Word) => {
                let word = self.word(before);
                RESERVED.contains(&word) && !matches!(word, "batch" | "inf" | "true" | "false")
            }
            Some(Kind::Close) => self.closes_reducer(before) && self.written_gap(at + 1) == 0,
            Some(Kind::Sign) => !matches!(self.word(before), "_" | "∞"),
            Some(Kind::Open) => true,
            Some(Kind::Norm) => self.partner(before) > before,
            _ => false,
        }
    }

    /// True when the line of a token goes on with the value of the line above.
    fn goes_on(&self, at: usize) -> bool {
        let value = ends_value(self.tokens.get(..at).unwrap_or(&[]), self.text);
        value && !self.indent(at).is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn formatted(text: &str, spelling: Spelling) -> String {
        format(&Source::new("t", text), spelling).unwrap().trim_end().to_owned()
    }

    #[test]
    fn blanks_follow_one_rule() {
        for (text, expected) in [
            ("hinge(d(a,p)-d(a,n)+α)", "hinge(d(a, p) - d(a, n) + α)"),
            ("a*b+c / d", "a*b + c / d"),
            ("a* b", "a * b"),
            ("-x ^ 2-  -y", "-x^2 - -y"),
            ("normal( x|μ ,σ )", "normal(x | μ, σ)"),
            ("spikes :k~poisson(mean=λ)", "spikes: k ~ poisson(mean = λ)"),
            ("mean [i]x[i]", "mean[i] x[i]"),
            ("sum[i] -x[i]", "sum[i] -x[i]"),
            ("data k:count [N]  # seen", "data k : count[N]  # seen"),
            ("data    k : count   \n\n\n\npoisson(k|2)", "data    k : count\n\npoisson(k | 2)"),
            ("if a>(b) then -c else(d)", "if a > (b) then -c else (d)"),
            ("loss: (a\n  - b)", "loss: (a\n  - b)"),
            ("f(x)[ i+1 ]²", "f(x)[i + 1]²"),
        ] {
            assert_eq!(formatted(text, Spelling::AsWritten), expected, "{text}");
        }
    }

    #[test]
    fn spellings_go_both_ways() {
        for (shown, plain) in [
            ("λ₁·x² ≤ ∞", "lambda_1*x^2 <= inf"),
            ("∑[i] √v[i] + x⁻¹", "sum[i] sqrt(v[i]) + x^-1"),
            ("‖a - b‖ + √(c)", "norm(a - b) + sqrt(c)"),
            ("z⁺ + ŷ ≠ μ′", "z_plus + y_hat != mu_prime"),
        ] {
            assert_eq!(formatted(shown, Spelling::Ascii), plain);
        }
        for (plain, shown) in [
            ("lambda_1*x^2 <= inf", "λ₁·x² ≤ ∞"),
            ("sum[i] v[i]^-1 + gamma(gamma)", "∑[i] v[i]⁻¹ + gamma(γ)"),
            ("x^2^3 + z_plus^2", "x^2³ + z_plus^2"),
        ] {
            assert_eq!(formatted(plain, Spelling::Unicode), shown);
        }
    }
}
