//! The scan: finds brackets, texts and comments, and cuts a file into statements and blocks into clauses.
//!
//! It runs before the grammar, in one pass without recursion, so that hostile nesting never reaches a recursive
//! parser and one broken statement leaves the others readable. Depends on `lex`; knows no grammar beyond layout:
//! a line break ends a statement unless a bracket is open or the next line is indented deeper.

use std::ops::Range;

use super::lex::{Kind, Token};
use super::names::RESERVED;
use super::normal::Normal;
use crate::diag::{Diagnostic, codes};

/// How deep brackets and `if`s may nest.
pub const MAX_NESTING: usize = 256;

/// How often the scan goes back after a bracket that is never closed; bounds its work.
const MAX_RESUMES: usize = 32;

/// Words that start a clause under a `fn`.
const FN_CLAUSES: &[&str] = &["about", "latex", "reference", "assumes", "ask", "instead", "example"];

/// One statement's place in the normalised text.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The statement without its clauses.
    pub head: Range<usize>,
    /// The clauses of a block.
    pub clauses: Vec<Range<usize>>,
    /// Where the scan has already said what is wrong.
    faults: Vec<usize>,
    /// True when a bracket is not closed, so that nothing inside can be trusted.
    unclosed: bool,
}

impl Piece {
    /// True when the scan has already said what is wrong with this part of the piece.
    pub fn is_broken(&self, part: &Range<usize>) -> bool {
        self.unclosed || self.faults.iter().any(|fault| part.contains(fault))
    }
}

/// Cuts a text into pieces.
pub fn scan(normal: &Normal, tokens: &[Token]) -> (Vec<Piece>, Vec<Diagnostic>) {
    let mut scan =
        Scan { normal, tokens, pieces: Vec::new(), diagnostics: Vec::new(), resumes: 0, open: Open::default() };
    scan.run();
    (scan.pieces, scan.diagnostics)
}

/// The statement that is being read.
#[derive(Default)]
struct Open {
    /// Index of its first token.
    first: Option<usize>,
    /// Index of its last significant token.
    last: usize,
    indent: usize,
    /// Open brackets (token index), and `if`s.
    stack: Vec<usize>,
    brackets: usize,
    /// Token index and indentation of each later line that starts outside brackets.
    lines: Vec<(usize, usize)>,
    /// Where to go on if a bracket turns out never to close.
    resume: Option<usize>,
    block: bool,
    faults: Vec<usize>,
    unclosed: bool,
    too_deep: bool,
}

struct Scan<'a> {
    normal: &'a Normal<'a>,
    tokens: &'a [Token],
    pieces: Vec<Piece>,
    diagnostics: Vec<Diagnostic>,
    resumes: usize,
    open: Open,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut at = 0;
        let mut line_start = Some(0);
        loop {
            let Some(token) = self.tokens.get(at).copied() else {
                match self.end_of_text() {
                    Some(resume) => {
                        at = resume;
                        line_start = Some(self.line_start(resume));
                        continue;
                    }
                    None => return,
                }
            };
            match token.kind {
                Kind::Newline => line_start = Some(token.end),
                Kind::Comment => {}
                _ => {
                    if let Some(start) = line_start.take()
                        && let Some(resume) = self.start_line(at, self.indent(start, token.start))
                    {
                        at = resume;
                        line_start = Some(self.line_start(resume));
                        continue;
                    }
                    self.token(at, token);
                }
            }
            at += 1;
        }
    }

    fn offset(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |token| token.start)
    }

    fn text_of(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(&self.normal.text))
    }

    fn line_start(&self, at: usize) -> usize {
        let start = self.tokens.get(at).map_or(0, |token| token.start);
        self.normal.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
    }

    /// Display width of the blanks before the first token of a line; a tab goes to the next multiple of 8.
    fn indent(&self, line_start: usize, token_start: usize) -> usize {
        let blanks = self.normal.text.get(line_start..token_start).unwrap_or("");
        blanks.chars().fold(0, |width, c| match c {
            '\t' => width / 8 * 8 + 8,
            '\u{FEFF}' => width,
            _ => width + 1,
        })
    }

    /// The first token of a line: does the statement before it end here? Gives the token to go back to when a
    /// bracket turns out not to be closed.
    fn start_line(&mut self, at: usize, indent: usize) -> Option<usize> {
        if self.open.first.is_none() {
            self.open.indent = indent;
            return None;
        }
        let shallow = indent <= self.open.indent;
        if self.open.brackets > 0 || self.open.too_deep {
            if shallow && self.cannot_go_on(at) {
                let resume = self.give_up();
                self.open.indent = indent;
                return resume;
            } else if shallow && self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word) {
                self.open.resume.get_or_insert(at);
            }
        } else if shallow {
            self.finish();
            self.open.indent = indent;
        } else {
            self.open.lines.push((at, indent));
        }
        None
    }

    /// True for the first token of a line that no bracket can contain: a word of a declaration, a value right after
    /// a value, or `name =` where no argument starts. So a bracket is missing above.
    fn cannot_go_on(&self, at: usize) -> bool {
        let word = self.text_of(at);
        if RESERVED.contains(&word) || self.tokens.get(at).is_none_or(|token| token.kind != Kind::Word) {
            return starts_statement(word);
        }
        let before = self.last_before(at);
        let after_value = self.tokens.get(before).is_some_and(|token| {
            let ends_value = matches!(token.kind, Kind::Word | Kind::Number | Kind::Close | Kind::Superscript);
            ends_value && !RESERVED.contains(&self.text_of(before))
        });
        let starts_argument = matches!(self.text_of(before), "(" | "," | "|");
        after_value || (matches!(self.text_of(at + 1), "=" | ":") && !starts_argument)
    }

    fn token(&mut self, at: usize, token: Token) {
        let text = token.text(&self.normal.text);
        if text == ";" && self.open.brackets == 0 {
            return self.semicolon(at);
        }
        if self.open.first.is_none() {
            self.open.first = Some(at);
            self.open.block = matches!(text, "fn" | "distribution");
        }
        self.open.last = at;
        match token.kind {
            Kind::Open => self.push(at, true),
            Kind::Close => self.close(at, token),
            Kind::Norm if self.open.stack.last().is_some_and(|&top| self.text_of(top) == "‖") => {
                self.open.stack.pop();
                self.open.brackets -= 1;
            }
            Kind::Norm => self.push(at, true),
            // `else if` goes on with the same choice; any other `if` nests to the end of its expression.
            Kind::Word if text == "if" && self.text_of(self.last_before(at)) != "else" => self.push(at, false),
            Kind::Sign if matches!(text, "," | "|") => self.close_ifs(),
            Kind::OpenText => self.unclosed_text(token),
            Kind::Sign if is_invisible(text) => self.invisible(token),
            _ => {}
        }
    }

    fn semicolon(&mut self, at: usize) {
        let indent = self.open.indent;
        match self.open.lines.first() {
            Some(&(_, clause_indent)) if self.open.block && at + 1 < self.tokens.len() => {
                self.open.lines.push((at + 1, clause_indent));
            }
            _ => {
                self.finish();
                self.open.indent = indent;
            }
        }
    }

    fn push(&mut self, at: usize, is_bracket: bool) {
        if self.open.too_deep {
            return;
        }
        if self.open.stack.len() >= MAX_NESTING {
            self.open.too_deep = true;
            let message = format!("this is nested more than {MAX_NESTING} deep");
            let diagnostic = self.at(codes::E0105, at, message);
            self.report_at(self.offset(at), diagnostic.help("name the inner parts: `a = …`, and use the names"));
            return;
        }
        self.open.stack.push(at);
        self.open.brackets += usize::from(is_bracket);
    }

    fn close(&mut self, at: usize, token: Token) {
        if self.open.too_deep {
            return;
        }
        self.close_ifs();
        let closer = token.text(&self.normal.text);
        let Some(opener) = self.open.stack.pop() else {
            let diagnostic = self.at(codes::E0104, at, format!("this `{closer}` closes nothing"));
            let span = diagnostic.span;
            return self.report_at(token.start, diagnostic.fix(format!("remove the `{closer}`"), span, ""));
        };
        self.open.brackets -= 1;
        let wanted = closing(self.text_of(opener));
        if wanted != closer && !self.opens_interval(opener) {
            let message = format!("expected `{wanted}` to close the `{}`, found `{closer}`", self.text_of(opener));
            let diagnostic = self.at(codes::E0104, at, message);
            let (span, opener) = (diagnostic.span, self.span(opener));
            self.report_at(
                token.start,
                diagnostic.label(opener, "opened here").fix(format!("write `{wanted}`"), span, wanted),
            );
        }
    }

    fn close_ifs(&mut self) {
        while self.open.stack.last().is_some_and(|&top| self.text_of(top) == "if") {
            self.open.stack.pop();
        }
    }

    /// `x : real(0, 10]`: the one place where the kinds may differ.
    fn opens_interval(&self, opener: usize) -> bool {
        let before = |back: usize| opener.checked_sub(back).map_or("", |at| self.text_of(at));
        before(2) == ":" && self.open.stack.iter().all(|&at| self.text_of(at) == "(")
    }

    fn unclosed_text(&mut self, token: Token) {
        let span = self.normal.to_source(token.start, token.start + 1);
        let end = self.normal.to_source(token.end, token.end);
        let diagnostic = Diagnostic::new(codes::E0106, span, "this text is not closed on its line: expected a `\"`");
        self.report_at(token.start, diagnostic.fix("close it at the end of the line", end, "\""));
    }

    fn invisible(&mut self, token: Token) {
        let span = self.normal.to_source(token.start, token.end);
        let c = token.text(&self.normal.text).chars().next().unwrap_or(' ');
        let name =
            if c == '\0' { "a NUL byte".to_owned() } else { format!("the invisible character U+{:04X}", c as u32) };
        let diagnostic = Diagnostic::new(codes::E0102, span, format!("found {name}, which no program contains"));
        if self.open.faults.is_empty() {
            self.report_at(token.start, diagnostic.fix("remove it", span, ""));
        }
    }

    fn end_of_text(&mut self) -> Option<usize> {
        if self.open.first.is_some() && (self.open.brackets > 0 || self.open.too_deep) {
            return self.give_up();
        }
        self.finish();
        None
    }

    /// Ends a statement whose bracket is not closed, at the first line that may have been meant as another one.
    fn give_up(&mut self) -> Option<usize> {
        let resume = self.open.resume.take().filter(|_| self.resumes < MAX_RESUMES);
        if let Some(at) = resume {
            self.resumes += 1;
            self.open.last = self.last_before(at);
            // What was found beyond that line will be found again.
            let end = self.normal.to_source(self.offset(at), self.offset(at)).start;
            self.diagnostics.retain(|diagnostic| diagnostic.span.start < end);
        }
        self.report_unclosed();
        self.finish();
        resume
    }

    fn last_before(&self, at: usize) -> usize {
        let before = self.tokens.get(..at).unwrap_or(&[]);
        before.iter().rposition(|token| !matches!(token.kind, Kind::Newline | Kind::Comment)).unwrap_or(at)
    }

    fn report_unclosed(&mut self) {
        self.open.unclosed = true;
        let last = self.open.last;
        let brackets = self.open.stack.iter().copied().filter(|&at| self.text_of(at) != "if" && at <= last);
        let brackets: Vec<usize> = brackets.collect();
        let Some(&outermost) = brackets.first() else { return };
        if self.open.too_deep {
            return;
        }
        let (opener, closer) = (self.text_of(outermost).to_owned(), closing(self.text_of(outermost)));
        let message = match brackets.len() {
            1 => format!("this `{opener}` is never closed: expected `{closer}`"),
            count => format!("this `{opener}` and {} more inside it are never closed", count - 1),
        };
        let missing: String = brackets.iter().rev().take(8).map(|&at| closing(self.text_of(at))).collect();
        let end = self.tokens.get(self.open.last).map_or(0, |token| token.end);
        let end = self.normal.to_source(end, end);
        let diagnostic = self.at(codes::E0103, outermost, message);
        let certain = brackets.len() <= 8;
        self.diagnostics.push(match certain {
            true => diagnostic.fix(format!("close it: add `{missing}`"), end, missing),
            false => diagnostic,
        });
    }

    fn finish(&mut self) {
        let open = std::mem::take(&mut self.open);
        let Some(first) = open.first else { return };
        let starts = if open.block { self.clause_starts(first, &open.lines) } else { Vec::new() };
        let head_last = starts.first().map_or(open.last, |&at| self.last_of_clause(at));
        let head = self.range(first, head_last);
        let ends = starts.iter().skip(1).map(|&at| self.last_of_clause(at)).chain([open.last]);
        let clauses =
            starts.iter().zip(ends).map(|(&start, end)| self.range(start, end)).filter(|range| !range.is_empty());
        let clauses = clauses.collect();
        self.pieces.push(Piece { head, clauses, faults: open.faults, unclosed: open.unclosed || open.too_deep });
    }

    /// The last token of what stands before the clause that starts at `at`, semicolons left out.
    fn last_of_clause(&self, at: usize) -> usize {
        let last = self.last_before(at);
        if self.text_of(last) == ";" { self.last_before(last) } else { last }
    }

    /// Which of a block's lines start a clause.
    fn clause_starts(&self, first: usize, lines: &[(usize, usize)]) -> Vec<usize> {
        let is_function = self.text_of(first) == "fn";
        let mut indent = None;
        let mut starts = Vec::new();
        for &(at, line_indent) in lines {
            let deeper = indent.is_some_and(|clause| line_indent > clause);
            if !deeper && (!is_function || self.starts_fn_clause(at)) {
                indent.get_or_insert(line_indent);
                starts.push(at);
            }
        }
        starts
    }

    fn starts_fn_clause(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1).map(|token| token.kind);
        FN_CLAUSES.contains(&self.text_of(at))
            && matches!(next, Some(Kind::Text | Kind::OpenText | Kind::Word | Kind::Newline))
    }

    fn range(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.tokens.get(first).map_or(0, |token| token.start);
        let end = self.tokens.get(last).map_or(start, |token| token.end);
        start..end.max(start)
    }

    fn span(&self, at: usize) -> crate::source::Span {
        self.tokens.get(at).map_or_else(Default::default, |token| self.normal.to_source(token.start, token.end))
    }

    fn at(&self, code: codes::Code, at: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span(at), message)
    }

    fn report_at(&mut self, offset: usize, diagnostic: Diagnostic) {
        self.open.faults.push(offset);
        self.diagnostics.push(diagnostic);
    }
}

/// Words that can only stand at the start of a statement.
fn starts_statement(word: &str) -> bool {
    RESERVED.iter().take_while(|reserved| **reserved != "if").any(|reserved| *reserved == word)
}

fn closing(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "‖",
    }
}

fn is_invisible(sign: &str) -> bool {
    sign.chars().any(|c| c.is_control() || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{FFFC}'))
}
