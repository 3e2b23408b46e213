//! The versions that decide what a run computes.

use std::collections::BTreeMap;

/// The lock file this binary was built against.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The packages whose version can change a run's numbers.
const PACKAGES: [&str; 6] = ["cranelift-codegen", "cranelift-jit", "dfdx", "gemm", "rand_chacha", "safetensors"];

/// lossc's own version, those of the packages that decide the bits (as locked), the system, and the vector
/// instructions of the processor. The caller adds what else decides them: the thread count, the engine.
pub fn versions() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> =
        PACKAGES.iter().filter_map(|name| Some(((*name).to_owned(), locked(LOCK, name)?))).collect();
    found.insert("lossc".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    found.insert("system".to_owned(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    found.insert("vector instructions".to_owned(), vector_instructions());
    found
}

/// All versions of a package in a lock file, comma-separated.
fn locked(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut versions = Vec::new();
    while lines.any(|line| line == name) {
        if let Some(version) = lines.next().and_then(|line| line.strip_prefix("version = \"")) {
            versions.push(version.trim_end_matches('"').to_owned());
        }
    }
    (!versions.is_empty()).then(|| versions.join(", "))
}

#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> String {
    let known = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    let present: Vec<&str> = known.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    if present.is_empty() { "sse2".to_owned() } else { present.join(" ") }
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> String {
    "baseline".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_is_read() {
        let lock = "[[package]]\nname = \"gemm\"\nversion = \"0.15.5\"\n\n[[package]]\nname = \"gemm\"\nversion = \"0.19.0\"\n\n[[package]]\nname = \"gemm-f32\"\nversion = \"1.0.0\"\n";
        assert_eq!(locked(lock, "gemm").as_deref(), Some("0.15.5, 0.19.0"));
        assert_eq!(locked(lock, "dfdx"), None);
        assert_eq!(versions().get("dfdx").map(String::as_str), Some("0.13.0"), "pinned in Cargo.toml");
    }
}
