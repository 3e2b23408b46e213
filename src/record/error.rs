//! What can go wrong with the notebook.

use std::path::{Path, PathBuf};

/// An error of the notebook's store; each says where, what was found, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file or folder of a run could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store refused a query.
    #[error("the notebook's store {path}: {source}")]
    Store {
        /// The store's file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The store was written by a newer lossc.
    #[error(
        "{path} has layout {found}, this lossc knows layouts up to {known}: use a newer lossc, or another --runs folder"
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The layout's number in the file.
        found: i64,
        /// The newest layout known here.
        known: i64,
    },
    /// The file at the store's place is another program's database.
    #[error("{path} is a database, but not a lossc notebook: choose another --runs folder")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file stands where the folder of the runs is to be.
    #[error("{path} is a file: the runs are kept in a folder, so give --runs the folder")]
    File {
        /// The file.
        path: PathBuf,
    },
    /// No run of that name.
    #[error("no run `{wanted}` in {dir}{}", nearest(.near))]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The runs' folder.
        dir: PathBuf,
        /// Runs whose identifiers are close, newest first.
        near: Vec<String>,
    },
    /// Several runs begin like that.
    #[error("`{wanted}` fits {} runs: {}; give more of it", .candidates.len(), shortened(.candidates))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The runs it fits, newest first.
        candidates: Vec<String>,
    },
    /// The run is being written by another process.
    #[error("run {run} is being trained by another process: wait for it, or stop it first")]
    Busy {
        /// The run.
        run: String,
    },
    /// A name cannot be used as one.
    #[error("`{name}` cannot name {what}: {why}")]
    Name {
        /// What was given.
        name: String,
        /// What it was to name.
        what: &'static str,
        /// What is allowed.
        why: &'static str,
    },
    /// A stored text does not read back.
    #[error("run {run}, {what}: {source}")]
    Json {
        /// The run.
        run: String,
        /// Which text.
        what: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A stored value is not one of those allowed.
    #[error("run {run}: {what} is `{found}`, expected {expected}")]
    Value {
        /// The run.
        run: String,
        /// Which field.
        what: &'static str,
        /// What the store holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A diagnostic's arrays do not fit together.
    #[error("{what}: found {found} numbers, expected {expected}")]
    Shape {
        /// Which array.
        what: String,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
}

impl RecordError {
    /// Names the path in an error of the system.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RecordError {
        let path = path.to_owned();
        move |source| RecordError::Io { path, source }
    }

    /// Names the store in an error of SQLite.
    pub(super) fn store(path: &Path) -> impl Fn(rusqlite::Error) -> RecordError {
        let path = path.to_owned();
        move |source| RecordError::Store { path: path.clone(), source }
    }

    /// Names the run and the text in an error of JSON.
    pub(super) fn json(run: &str, what: &str) -> impl FnOnce(serde_json::Error) -> RecordError {
        let (run, what) = (run.to_owned(), what.to_owned());
        move |source| RecordError::Json { run, what, source }
    }
}

fn nearest(candidates: &[String]) -> String {
    if candidates.is_empty() { String::new() } else { format!("; the nearest: {}", shortened(candidates)) }
}

/// The first few, and how many more.
fn shortened(candidates: &[String]) -> String {
    let shown: Vec<&str> = candidates.iter().take(5).map(String::as_str).collect();
    let more = candidates.len().saturating_sub(5);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
