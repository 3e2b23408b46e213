//! Source text and positions in it.
//!
//! A [`Source`] is one `.loss` text as it stands on disk; a [`Span`] is a range of byte offsets into it, before
//! any normalisation. Depends on nothing; does not read files (see [`Loader`]).

use std::sync::Arc;

/// A half-open range of byte offsets into a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset one past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end` (byte offsets).
    pub fn new(start: usize, end: usize) -> Self {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: clip(start), end: clip(end.max(start)) }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as a range usable for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One program text and the name it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file name, or `-e`/`-` for text that is not a file.
    pub name: String,
    /// The text, exactly as it stands.
    pub text: Arc<str>,
}

impl Source {
    /// A source with a display name.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Source { name: name.into(), text: text.into() }
    }

    /// A source from the bytes of a file.
    ///
    /// # Errors
    /// When the bytes are not UTF-8: where the first wrong byte is, and a readable form of the text to show it in.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, NotUtf8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(name, text)),
            Err(error) => {
                let offset = error.valid_up_to();
                let readable = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
                Err(NotUtf8 { offset, byte: bytes.get(offset).copied().unwrap_or(0), readable })
            }
        }
    }

    /// The text under a span; empty when the span does not lie on character boundaries.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Line and column of a byte offset, both counted from 1; columns in Unicode scalar values.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let offset = (offset as usize).min(self.text.len());
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before.get(line_start..).map_or(0, |tail| tail.chars().count()) + 1)
    }
}

/// A file that is no UTF-8 text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} (0x{byte:02X}) is no part of a UTF-8 character")]
pub struct NotUtf8 {
    /// Offset of the first wrong byte in the file.
    pub offset: usize,
    /// The wrong byte.
    pub byte: u8,
    /// The text with wrong bytes replaced; the same as the file up to `offset`.
    pub readable: Source,
}

/// How the compiler core gets at other files (`use "file.loss"`): the core itself does no input or output.
pub trait Loader {
    /// The source named `path`, seen from the file named `from`.
    ///
    /// # Errors
    /// A message for the person who wrote the `use`, when there is no such file or it cannot be read.
    fn load(&self, path: &str, from: &str) -> Result<Source, String>;
}

/// A loader that knows no files: what `-e` programs and notebooks without a folder use.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&self, path: &str, _from: &str) -> Result<Source, String> {
        Err(format!("no file named `{path}`: this program has no folder to look in"))
    }
}
