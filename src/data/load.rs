//! How files get in: a loader the caller provides, limits on what is held, and the hash of everything that was read.
//!
//! Knows about gzip, and nothing of what the bytes mean.

use std::cell::RefCell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::DataError;

/// Where bytes come from. Paths are the spec's, relative to its folder.
pub trait Loader {
    /// The whole content of a file.
    ///
    /// # Errors
    /// Those of the system.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// Paths of all files below a folder, sorted, in the form that `read` takes.
    ///
    /// # Errors
    /// Those of the system.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// Files below a folder of the file system.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Relative paths start at `root`; absolute ones stay.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Loader for Folder {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.root.join(path))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        walk(&self.root.join(folder), Path::new(folder), 0, &mut found)?;
        found.sort();
        Ok(found)
    }
}

/// Folders below each other, at most this many: a loop of links ends here.
const DEPTH: usize = 16;

fn walk(folder: &Path, shown: &Path, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    if depth > DEPTH {
        return Err(io::Error::other(format!("more than {DEPTH} folders below each other at {}", shown.display())));
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = shown.join(entry.file_name());
        if entry.path().is_dir() {
            walk(&entry.path(), &name, depth + 1, found)?;
        } else {
            found.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// What standard input is called, in messages too.
pub const STANDARD_INPUT: &str = "standard input";

/// A loader for which [`STANDARD_INPUT`] is a file, already read.
#[derive(Debug, Clone)]
pub struct WithInput<L> {
    inner: L,
    input: Vec<u8>,
}

impl<L> WithInput<L> {
    /// Reads `input` to its end.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn new(inner: L, input: &mut dyn Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        Ok(Self { inner, input: bytes })
    }
}

impl<L: Loader> Loader for WithInput<L> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if path == STANDARD_INPUT { Ok(self.input.clone()) } else { self.inner.read(path) }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.inner.list(folder)
    }
}

/// What a process is willing to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file after unpacking.
    pub unpacked: u64,
    /// Cells of one prepared array (rows × width).
    pub cells: u64,
}

impl Default for Limits {
    /// 1 GiB a file, 2³⁰ cells an array.
    fn default() -> Self {
        Self { unpacked: 1 << 30, cells: 1 << 30 }
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHash {
    /// Path as the spec gives it.
    pub path: String,
    /// SHA-256 of the bytes as stored, in lower-case hexadecimal.
    pub sha256: String,
    /// Bytes as stored.
    pub bytes: u64,
}

/// Reads files, unpacks them within the limits, and remembers what was read.
pub struct Intake<'a> {
    loader: &'a dyn Loader,
    /// What it is willing to hold.
    pub limits: Limits,
    hashes: RefCell<Vec<FileHash>>,
}

impl<'a> Intake<'a> {
    /// With the default limits.
    #[must_use]
    pub fn new(loader: &'a dyn Loader) -> Self {
        Self { loader, limits: Limits::default(), hashes: RefCell::new(Vec::new()) }
    }

    /// Content of a file, unpacked when it is gzip (by its first bytes, whatever its name).
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::Format`] for broken gzip, [`DataError::TooLarge`].
    pub fn read(&self, path: &str) -> Result<Vec<u8>, DataError> {
        let stored = self.loader.read(path).map_err(|error| read_error(path, &error))?;
        self.remember(path, &stored);
        if stored.starts_with(&[0x1f, 0x8b]) {
            return unpack(path, flate2::read::MultiGzDecoder::new(stored.as_slice()), self.limits.unpacked);
        }
        Ok(stored)
    }

    /// Files below a folder.
    ///
    /// # Errors
    /// [`DataError::Read`].
    pub fn list(&self, folder: &str) -> Result<Vec<String>, DataError> {
        self.loader.list(folder).map_err(|error| read_error(folder, &error))
    }

    /// Everything read so far, in order, each file once.
    #[must_use]
    pub fn hashes(&self) -> Vec<FileHash> {
        self.hashes.borrow().clone()
    }

    fn remember(&self, path: &str, stored: &[u8]) {
        let mut hashes = self.hashes.borrow_mut();
        if hashes.iter().all(|file| file.path != path) {
            let sha256 = Sha256::digest(stored).iter().map(|byte| format!("{byte:02x}")).collect();
            hashes.push(FileHash { path: path.to_owned(), sha256, bytes: stored.len() as u64 });
        }
    }
}

/// What is said of a file that is not there.
pub const NO_SUCH_FILE: &str = "no such file";

fn read_error(path: &str, error: &io::Error) -> DataError {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => NO_SUCH_FILE.to_owned(),
        _ => error.to_string(),
    };
    DataError::Read { file: path.to_owned(), reason }
}

/// Reads a stream to its end, refusing to hold more than `limit` bytes.
pub(crate) fn unpack(path: &str, stream: impl Read, limit: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    stream
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| DataError::format(path, format!("broken compressed data: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(DataError::TooLarge { file: path.to_owned(), limit });
    }
    Ok(bytes)
}
