//! The one renderer of diagnostics, for people.
//!
//! ```text
//! error[E0203]: the scale of `normal` must be positive, but `s` can be any real number
//!   --> a.loss:1:15
//!   normal(x | μ, s)
//!                 ^ real
//!   help: softplus(s) keeps it positive and grows linearly
//! ```
//!
//! Carets stand under the display column, whatever the width of the characters before them; tabs are shown as
//! blanks, control and direction characters as visible stand-ins, and only a window of a long line is shown.
//! Depends on `source`; does not print.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Help, Severity};
use crate::source::{Source, Span};

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours may be used.
    pub color: bool,
    /// Columns of the terminal; lines of the source that are longer are shown in part.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Style { color: false, width: 100 }
    }
}

/// Where the lines of a text start; answers line and column without walking the text each time.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a source.
    pub fn new(source: &'a Source) -> Self {
        let breaks = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text: &source.text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Line and column of a byte offset, both counted from 1; columns in Unicode scalar values.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let offset = self.clip(offset as usize);
        let line = self.line(offset);
        let start = self.start(line);
        (line + 1, self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1)
    }

    /// The nearest character boundary at or before an offset.
    fn clip(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// The offset where a line ends, its line break excluded.
    fn end(&self, line: usize) -> usize {
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(self.start(line)..end).unwrap_or("");
        end - usize::from(text.ends_with('\r'))
    }
}

/// Renders diagnostics as text, a blank line after each.
pub fn render(source: &Source, diagnostics: &[Diagnostic], style: Style) -> String {
    let mut renderer = Renderer { source, lines: Lines::new(source), style, out: String::new() };
    for diagnostic in diagnostics {
        renderer.diagnostic(diagnostic);
    }
    renderer.out
}

/// ANSI codes of the parts of a message.
#[derive(Clone, Copy)]
enum Paint {
    Error,
    Warning,
    Bold,
    Place,
    Help,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Paint::Error => "1;31",
            Paint::Warning => "1;33",
            Paint::Bold => "1",
            Paint::Place => "34",
            Paint::Help => "1;36",
        }
    }
}

struct Renderer<'a> {
    source: &'a Source,
    lines: Lines<'a>,
    style: Style,
    out: String,
}

/// A stretch of one line as it is shown: its text, and the columns of a span in it.
struct Excerpt {
    shown: String,
    from: usize,
    length: usize,
}

impl Renderer<'_> {
    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.style.color { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        let (word, paint) = match diagnostic.severity() {
            Severity::Error => ("error", Paint::Error),
            Severity::Warning => ("warning", Paint::Warning),
        };
        let head = self.paint(paint, &format!("{word}[{}]", diagnostic.code));
        let message = self.paint(Paint::Bold, &visible(&diagnostic.message));
        self.line(&format!("{head}: {message}"));
        self.place(diagnostic.span);
        self.excerpt(diagnostic, paint);
        for help in &diagnostic.helps {
            self.help(help);
        }
        self.out.push('\n');
    }

    fn place(&mut self, span: Span) {
        let (line, column) = self.lines.line_column(span.start);
        let place = format!("  --> {}:{line}:{column}", visible(&self.source.name));
        let place = self.paint(Paint::Place, &place);
        self.line(&place);
    }

    /// The source line with its carets, then the lines of the labels.
    fn excerpt(&mut self, diagnostic: &Diagnostic, paint: Paint) {
        if self.source.text.is_empty() {
            return;
        }
        let primary = self.cut(diagnostic.span);
        let note = diagnostic.note.as_deref().unwrap_or("");
        let line = self.line_of(diagnostic.span);
        self.line(&format!("  {}", primary.shown));
        self.marks(&primary, '^', note, paint);
        for label in &diagnostic.labels {
            let excerpt = self.cut(label.span);
            if self.line_of(label.span) != line || excerpt.shown != primary.shown {
                self.line(&format!("  {}", excerpt.shown));
            }
            self.marks(&excerpt, '-', &label.message, Paint::Place);
        }
    }

    fn line_of(&self, span: Span) -> usize {
        self.lines.line(self.lines.clip(span.start as usize))
    }

    fn marks(&mut self, excerpt: &Excerpt, mark: char, note: &str, paint: Paint) {
        let marks: String = std::iter::repeat_n(mark, excerpt.length.max(1)).collect();
        let marks = self.paint(paint, format!("{marks} {}", visible(note)).trim_end());
        self.line(&format!("  {}{marks}", " ".repeat(excerpt.from)));
    }

    /// A help, and below it the line as the edit leaves it, unless the message already says what to write.
    fn help(&mut self, help: &Help) {
        let head = self.paint(Paint::Help, "help");
        self.line(&format!("  {head}: {}", visible(&help.message)));
        let Some(edit) = &help.edit else { return };
        if !edit.text.is_empty() && help.message.contains(edit.text.as_str()) {
            return;
        }
        let (start, end) = (self.lines.clip(edit.span.start as usize), self.lines.clip(edit.span.end as usize));
        let (first, last) = (self.lines.line(start), self.lines.line(end));
        let before = self.source.text.get(self.lines.start(first)..start).unwrap_or("");
        let after = self.source.text.get(end..self.lines.end(last).max(end)).unwrap_or("");
        let room = self.style.width.max(40) / 3;
        let before = tail(before.trim_start(), room);
        let changed = format!("{before}{}{}", edit.text, clipped(after, room));
        for line in changed.lines().take(4) {
            self.line(&format!("      {}", visible(line)));
        }
    }

    /// The part of a span's first line that is shown.
    fn cut(&self, span: Span) -> Excerpt {
        let (start, end) = (self.lines.clip(span.start as usize), self.lines.clip(span.end as usize));
        let line = self.lines.line(start);
        let (line_start, line_end) = (self.lines.start(line), self.lines.end(line));
        let end = end.clamp(start, line_end.max(start));
        let text = |from: usize, to: usize| self.source.text.get(from..to).unwrap_or("");
        let (before, inside, after) = (text(line_start, start), text(start, end), text(end, line_end.max(end)));
        // Two columns of margin, one for the dots of a line that goes on.
        let width = self.style.width.max(40) - 3;
        let mut shown = String::new();
        let whole = fits(&[before, inside, after], width);
        push_shown(&if whole { before.to_owned() } else { tail(before, width / 3) }, &mut shown);
        let from = display_width(&shown);
        push_shown(&clipped(inside, if whole { width } else { width / 3 }), &mut shown);
        let length = display_width(&shown).saturating_sub(from);
        let room = width.saturating_sub(from + length).max(8);
        push_shown(&clipped(after, room), &mut shown);
        Excerpt { shown, from, length }
    }
}

/// True when the parts together are at most `width` columns wide; looks at no more text than that.
fn fits(parts: &[&str], width: usize) -> bool {
    let chars = parts.iter().flat_map(|part| part.chars());
    let mut used = 0;
    for c in chars {
        used += shown_width(c, used);
        if used > width {
            return false;
        }
    }
    true
}

/// The start of a text, cut at a number of columns.
fn clipped(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += shown_width(c, used);
        if used > columns {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// The end of a text, cut at a number of columns.
fn tail(text: &str, columns: usize) -> String {
    let mut used = 0;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        used += shown_width(c, 0);
        if used > columns {
            let rest = text.get(start..).unwrap_or("");
            return format!("…{rest}");
        }
        start = at;
    }
    text.to_owned()
}

fn display_width(shown: &str) -> usize {
    shown.chars().map(|c| c.width().unwrap_or(0)).sum()
}

const TAB: usize = 4;

/// Columns that a character takes as it is shown, after `used` columns.
fn shown_width(c: char, used: usize) -> usize {
    if c == '\t' { TAB - used % TAB } else { stand_in(c).width().unwrap_or(0) }
}

/// What is shown for characters that would disturb the terminal or the reader.
fn stand_in(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{FFFD}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}' => '\u{FFFD}',
        _ => c,
    }
}

fn push_shown(text: &str, out: &mut String) {
    let mut used = display_width(out);
    for c in text.chars() {
        let width = shown_width(c, used);
        if c == '\t' {
            let _ = write!(out, "{:width$}", "");
        } else {
            out.push(stand_in(c));
        }
        used += width;
    }
}

fn visible(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { ' ' } else { stand_in(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;

    /// The rendered lines of one diagnostic on the first `needle` of a text.
    fn lines(text: &str, needle: &str) -> Vec<String> {
        let source = Source::new("a.loss", text);
        let start = text.find(needle).unwrap_or(0);
        let span = Span::new(start, start + needle.len());
        let diagnostic = Diagnostic::new(codes::E0110, span, "message").note("note");
        render(&source, &[diagnostic], Style::default()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_caret_stands_under_the_display_column() {
        assert_eq!(lines("λ = bad", "bad").get(2..4), Some(&["  λ = bad".to_owned(), "      ^^^ note".to_owned()][..]));
        // A wide character takes two columns, a combining hat none, a tab goes to the next multiple of four.
        assert_eq!(lines("漢 + bad", "bad").get(3).map(String::as_str), Some("       ^^^ note"));
        assert_eq!(lines("x\u{302} + bad", "bad").get(3).map(String::as_str), Some("      ^^^ note"));
        assert_eq!(lines("a\tbad", "bad").get(2..4), Some(&["  a   bad".to_owned(), "      ^^^ note".to_owned()][..]));
    }

    #[test]
    fn carriage_returns_are_not_shown() {
        let shown = lines("a = 1\r\nb = bad\r\n", "bad");
        assert_eq!(shown.get(1..3), Some(&["  --> a.loss:2:5".to_owned(), "  b = bad".to_owned()][..]));
    }

    #[test]
    fn a_megabyte_on_one_line_is_shown_in_part() {
        let text = format!("{}bad{}", "a+".repeat(250_000), "+a".repeat(250_000));
        let shown = lines(&text, "bad");
        let line = shown.get(2).cloned().unwrap_or_default();
        assert!(line.chars().count() <= 100, "{}", line.chars().count());
        let caret = shown.get(3).and_then(|marks| marks.find('^')).unwrap_or(0);
        assert_eq!(line.chars().skip(caret).take(3).collect::<String>(), "bad");
    }

    #[test]
    fn edits_show_the_line_they_leave() {
        let source = Source::new("a.loss", "x / 2σ");
        let diagnostic = Diagnostic::new(codes::E0109, Span::new(4, 5), "m").fix("multiply", Span::new(5, 5), "·");
        assert!(render(&source, &[diagnostic], Style::default()).contains("  help: multiply\n      x / 2·σ\n"));
    }

    #[test]
    fn spans_outside_the_text_do_no_harm() {
        let source = Source::new("a.loss", "é");
        let diagnostic = Diagnostic::new(codes::E0110, Span::new(1, 900), "m").label(Span::new(5, 3), "l");
        assert!(
            render(&source, &[diagnostic], Style { color: true, width: 0 }).contains("\x1b[1;31merror[E0110]\x1b[0m")
        );
    }
}
