//! Files, where the commands and training meet them: the programs that a program uses, and writing whole or not at all.
//!
//! Depends on `source` only. What a file is for, and how a failure is told, its callers know.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::source::{Loader, Source};

/// `use "file.loss"`: paths start at the folder of the file that uses them, and that file's own at `root`.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Where relative paths start; empty for the working directory.
    pub root: PathBuf,
}

impl Loader for Beside {
    fn load(&self, path: &str, from: &str) -> Result<Source, String> {
        let name = Path::new(from).parent().unwrap_or(Path::new("")).join(path);
        let bytes = fs::read(self.root.join(&name));
        let bytes = bytes.map_err(|error| format!("cannot read `{}`: {error}", name.display()))?;
        Source::from_bytes(name.to_string_lossy(), &bytes).map_err(|error| {
            let (line, column) = error.readable.line_column(u32::try_from(error.offset).unwrap_or(u32::MAX));
            format!("`{}` is not UTF-8 text: line {line}, column {column}: {error}", name.display())
        })
    }
}

/// Writes a file so that it is there in full or not at all, also if power fails; a file that was there keeps its
/// permissions.
///
/// # Errors
/// What the system says; the old file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = path.with_file_name(name);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The new name is on the disk once its folder is; only Unix opens folders.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_used_file_is_found_from_the_file_that_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/a.loss"), "fn f(x) = x\n").unwrap();
        fs::write(folder.path().join("lib/bad.loss"), b"# ok\nfn \xff(x) = x\n").unwrap();
        let loader = Beside { root: folder.path().to_owned() };
        assert_eq!(loader.load("lib/a.loss", "main.loss").unwrap().name, "lib/a.loss");
        assert_eq!(loader.load("a.loss", "lib/b.loss").unwrap().name, "lib/a.loss");
        let message = loader.load("bad.loss", "lib/b.loss").unwrap_err();
        assert!(message.contains("line 2, column 4") && message.contains("0xFF"), "{message}");
        assert!(loader.load("none.loss", "b.loss").unwrap_err().contains("cannot read `none.loss`"));
    }

    #[test]
    fn a_file_is_replaced_in_full_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one, and longer").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_whole(&folder.path().join("none/a.txt"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sh");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        write_whole(&path, b"y").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    }
}
