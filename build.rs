//! Lists the files of the standard library (`kernels/**/*.loss`) for embedding, so that adding an entry is adding a file.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "loss") {
            found.push(path);
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("kernels");
    println!("cargo::rerun-if-changed=kernels");
    let mut found = Vec::new();
    files(&root, &mut found)?;
    found.sort();
    let mut list = String::from("/// Name, path under `kernels/`, text.\nstatic KERNELS: &[(&str, &str, &str)] = &[\n");
    for path in &found {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let relative = path.strip_prefix(&root).unwrap_or(path).to_string_lossy();
        list.push_str(&format!("    ({name:?}, {relative:?}, include_str!({:?})),\n", path.to_string_lossy()));
    }
    list.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("kernels.rs"), list)
}
