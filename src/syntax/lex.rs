//! Tokens: a flat list for the scan that cuts statements, for messages, and for the formatter.
//!
//! Never fails: what belongs to nothing is a `Sign`. One pass, no recursion. Depends on `names`.

use super::names::{continues_name, starts_name, superscript_digit};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or reserved word.
    Word,
    /// A number.
    Number,
    /// `"…"`, closed on its line.
    Text,
    /// `"…` without its closing quote.
    OpenText,
    /// `# …` up to the line break.
    Comment,
    /// A line break.
    Newline,
    /// `(` or `[`
    Open,
    /// `)` or `]`
    Close,
    /// `‖`, which opens or closes.
    Norm,
    /// `²`, `⁻¹`
    Superscript,
    /// An operator or other sign.
    Sign,
}

/// A token and its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Token {
    /// The token's text.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.start..self.end).unwrap_or("")
    }
}

/// Signs of more than one character.
const LONG_SIGNS: &[&str] = &["°C", "**", "==", "!=", "<=", ">=", "&&", "||", ":=", "<-", "->", "//", "++"];

/// All tokens of a text; blanks are left out, line breaks are not.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(c) = rest.chars().next() else { break };
        let (kind, length) = match c {
            '\n' => (Some(Kind::Newline), 1),
            // A byte order mark at the start is no mistake.
            '\u{FEFF}' if at == 0 => (None, c.len_utf8()),
            _ if is_blank(c) => (None, c.len_utf8()),
            _ => {
                let (kind, length) = token(rest, c);
                (Some(kind), length)
            }
        };
        if let Some(kind) = kind {
            out.push(Token { kind, start: at, end: at + length });
        }
        at += length;
    }
    out
}

/// True for the characters that separate words in normalised text, line breaks excluded.
pub fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

fn token(rest: &str, c: char) -> (Kind, usize) {
    match c {
        '#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '"' => text_token(rest),
        '(' | '[' => (Kind::Open, 1),
        ')' | ']' => (Kind::Close, 1),
        '‖' => (Kind::Norm, c.len_utf8()),
        '0'..='9' => (Kind::Number, number_length(rest)),
        '.' if rest.get(1..).is_some_and(|tail| tail.starts_with(|d: char| d.is_ascii_digit())) => {
            (Kind::Number, number_length(rest))
        }
        _ if starts_name(c) => (Kind::Word, word_length(rest)),
        _ if superscript_length(rest) > 0 => (Kind::Superscript, superscript_length(rest)),
        _ => {
            let long = LONG_SIGNS.iter().find(|sign| rest.starts_with(**sign));
            (Kind::Sign, long.map_or(c.len_utf8(), |sign| sign.len()))
        }
    }
}

fn text_token(rest: &str) -> (Kind, usize) {
    let body = rest.get(1..).unwrap_or("");
    match body.find(['"', '\n']) {
        Some(end) if body.as_bytes().get(end) == Some(&b'"') => (Kind::Text, end + 2),
        Some(end) => (Kind::OpenText, end + 1),
        None => (Kind::OpenText, rest.len()),
    }
}

fn word_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let raised = matches!(c, '⁺' | '⁻') && chars.peek().is_some_and(|(_, next)| superscript_digit(*next).is_some());
        if !continues_name(c) || raised {
            return at;
        }
    }
    rest.len()
}

fn superscript_length(rest: &str) -> usize {
    let signs: usize = rest.chars().take(1).filter(|c| matches!(c, '⁺' | '⁻')).map(char::len_utf8).sum();
    let tail = rest.get(signs..).unwrap_or("");
    let digits: usize = tail.chars().take_while(|c| superscript_digit(*c).is_some()).map(char::len_utf8).sum();
    if digits == 0 { 0 } else { signs + digits }
}

/// The length of the number that `rest` starts with, by the rule `number` of the grammar.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| -> usize {
        let starts = bytes.get(from).is_some_and(u8::is_ascii_digit);
        let run = bytes.iter().skip(from).take_while(|b| b.is_ascii_digit() || **b == b'_').count();
        if starts { run } else { 0 }
    };
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        at += digits(at);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let tail = rest.get(at + 1..).unwrap_or("");
        let sign = tail.chars().next().filter(|c| matches!(c, '+' | '-' | '−')).map_or(0, char::len_utf8);
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).iter().map(|token| (token.kind, token.text(text))).collect()
    }

    #[test]
    fn superscripts_end_a_name_and_raised_signs_do_not() {
        assert_eq!(kinds("x⁻¹"), [(Kind::Word, "x"), (Kind::Superscript, "⁻¹")]);
        assert_eq!(kinds("z⁻ λ₁²"), [(Kind::Word, "z⁻"), (Kind::Word, "λ₁"), (Kind::Superscript, "²")]);
        assert_eq!(kinds("a·b"), [(Kind::Word, "a"), (Kind::Sign, "·"), (Kind::Word, "b")]);
    }

    #[test]
    fn numbers_stop_where_the_grammar_stops() {
        assert_eq!(kinds("1e−3x"), [(Kind::Number, "1e−3"), (Kind::Word, "x")]);
        assert_eq!(kinds("2e"), [(Kind::Number, "2"), (Kind::Word, "e")]);
        assert_eq!(kinds(".5 1_000."), [(Kind::Number, ".5"), (Kind::Number, "1_000.")]);
    }
}
