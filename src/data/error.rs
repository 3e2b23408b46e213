//! What can be wrong with data, as values whose text names file, row, column, value and what was expected.
//!
//! Rows are counted from 1 and leave out the header; the line of the file is added where it is known.

use std::fmt;

/// Where a spec's paths start.
pub const PATHS_START: &str = "paths start at the spec's folder";

/// All the mistakes found at once.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", join(.0))]
pub struct DataErrors(pub Vec<DataError>);

impl From<DataError> for DataErrors {
    fn from(error: DataError) -> Self {
        Self(vec![error])
    }
}

impl DataErrors {
    /// `Ok` when nothing was collected.
    ///
    /// # Errors
    /// The collected mistakes, when there are any.
    pub fn check(errors: Vec<DataError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}

fn join(errors: &[DataError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DataError {
    /// A file that cannot be read.
    #[error("{file}: {reason}")]
    Read {
        /// Path as the spec gives it.
        file: String,
        /// The system's words.
        reason: String,
    },
    /// A file that is not what its name says.
    #[error("{file}{}: {reason}", at_line(*.line))]
    Format {
        /// Path as the spec gives it.
        file: String,
        /// Line, where it is known.
        line: Option<u64>,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A file whose content is larger than this process is willing to hold.
    #[error("{file}: unpacks to more than {limit} bytes; split it into several files, or raise the limit")]
    TooLarge {
        /// Path as the spec gives it.
        file: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A row with too few or too many cells.
    #[error("{place}: {found} cell{} where the header has {expected}", if *.found == 1 { "" } else { "s" })]
    Ragged {
        /// The row.
        place: Place,
        /// Cells in the row.
        found: usize,
        /// Columns in the header.
        expected: usize,
    },
    /// Two columns of one name.
    #[error("{file}: column `{column}` appears twice; every column needs a name of its own")]
    DuplicateColumn {
        /// Path as the spec gives it.
        file: String,
        /// The name.
        column: String,
    },
    /// Two columns whose names are two spellings of one.
    #[error(
        "{file}: the columns `{one}` and `{two}` are one name to a program, which may spell it either way; rename one"
    )]
    Spellings {
        /// Path as the spec gives it.
        file: String,
        /// The name of the first.
        one: String,
        /// The name of the second.
        two: String,
    },
    /// A name or pattern that no column has.
    #[error("{wanted_by}: no column {pattern}{}; there are {}", suggest(.nearest), list(.known))]
    NoColumn {
        /// What asks for it: `inputs`, `bind: k`, `split` …
        wanted_by: String,
        /// The name or pattern, quoted.
        pattern: String,
        /// The most similar name there is.
        nearest: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// Values that cannot be used, the first few of them.
    #[error("{0}")]
    Values(Violations),
    /// Sizes that do not agree.
    #[error("`{name}`: {reason}")]
    Shape {
        /// The data name or column.
        name: String,
        /// Both shapes, in words.
        reason: String,
    },
    /// An option that cannot be carried out on this data.
    #[error("{option}: {reason}")]
    Option {
        /// The spec's key.
        option: String,
        /// What is wrong and what to do.
        reason: String,
    },
}

impl DataError {
    /// The key of the spec that it is about, as a path: `data.bind.k`. None for what is wrong with the files alone.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        let (Self::NoColumn { wanted_by: key, .. } | Self::Option { option: key, .. }) = self else { return None };
        let path = key.replace(": ", ".");
        match path.split(['.', ' ']).next() {
            Some("the") => Some("data".into()),
            Some("data" | "evaluate") => Some(path),
            _ => Some(format!("data.{path}")),
        }
    }

    /// What to do about it in a spec.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some(PATHS_START.into()),
            Self::NoColumn { wanted_by, pattern, .. } if wanted_by.starts_with("the ") => {
                let name = pattern.trim_matches('`');
                Some(format!("`bind: {{{name}: column}}` under `data` says which column it is"))
            }
            _ => None,
        }
    }

    /// The file that is wrong as a whole, as the spec names it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Read { file, .. } | Self::Format { file, .. } | Self::TooLarge { file, .. } => Some(file),
            _ => None,
        }
    }

    pub(crate) fn option(option: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Option { option: option.into(), reason: reason.into() }
    }

    pub(crate) fn format(file: &str, reason: impl Into<String>) -> Self {
        Self::Format { file: file.into(), line: None, reason: reason.into() }
    }

    pub(crate) fn shape(name: &str, reason: impl Into<String>) -> Self {
        Self::Shape { name: name.into(), reason: reason.into() }
    }
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path as the spec gives it.
    pub file: String,
    /// Row counted from 1, the header not counted.
    pub row: u64,
    /// Line of the file counted from 1, for text files.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: row {}", self.file, self.row)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// One value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where its row is.
    pub place: Place,
    /// Its column, as the file spells it.
    pub column: String,
    /// The value as it stands, or `nothing` for an empty cell.
    pub value: String,
    /// What this row needs, where rows differ: `at most 5`.
    pub needs: Option<String>,
}

/// All the values of one name that are outside its support: the first ten and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations {
    /// The data name.
    pub name: String,
    /// The support it needs: `count`, `(0, inf)`, `a number` …
    pub expected: String,
    /// The first ten.
    pub first: Vec<Violation>,
    /// How many there are.
    pub count: usize,
    /// The first stands for all of them: a column of words.
    pub alike: bool,
}

impl Violations {
    /// How many are kept and shown.
    pub const SHOWN: usize = 10;

    /// None yet.
    #[must_use]
    pub fn new(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { name: name.into(), expected: expected.into(), first: Vec::new(), count: 0, alike: false }
    }

    /// Notes one; `violation` is only called while it will be shown.
    pub fn add(&mut self, violation: impl FnOnce() -> Violation) {
        if self.first.len() < Self::SHOWN {
            self.first.push(violation());
        }
        self.count += 1;
    }

    /// Keeps the first alone as the example, when all are alike.
    pub fn alike(&mut self) {
        self.first.truncate(1);
        self.alike = true;
    }

    /// Moves these into a list of errors, when there are any.
    pub fn finish(self, errors: &mut Vec<DataError>) {
        if self.count > 0 {
            errors.push(DataError::Values(self));
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.first.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let Violation { place, column, value, needs } = violation;
            let needs = needs.as_ref().unwrap_or(&self.expected);
            write!(f, "{place}, column `{column}`: found {value}, but `{}` needs {needs}", self.name)?;
        }
        match self.count.saturating_sub(self.first.len()) {
            0 => Ok(()),
            1 => write!(f, "\n… and 1 more value of `{}` like this", self.name),
            more => write!(f, "\n… and {more} more values of `{}` like these", self.name),
        }
    }
}

fn at_line(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(": line {line}"))
}

fn suggest(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Names for a message: all when few, else the first dozen and how many more.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return "no columns".to_owned();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
