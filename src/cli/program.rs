//! Where a program comes from: a file, standard input, or the command line.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::output::Fault;
use crate::data::STANDARD_INPUT;
use crate::diag::number;
use crate::files::write_whole;
use crate::source::Source;

/// A program on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ProgramArgs {
    /// Program files; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// The program itself.
    #[arg(short = 'e', long = "expr", value_name = "PROGRAM", allow_hyphen_values = true)]
    pub expr: Vec<String>,
}

impl ProgramArgs {
    /// All programs named; usage is an error when there is none.
    pub fn sources(&self) -> Vec<Result<Source, Fault>> {
        let files = self.files.iter().map(|path| read(path));
        let texts = self.expr.iter().map(|text| Ok(Source::new("-e", text.as_str())));
        files.chain(texts).collect()
    }

    /// The program of a command that takes one, and a table; anything else is an error of usage.
    pub fn one(&self, command: &str, table: Option<&str>) -> Result<Source, Fault> {
        if table == Some("-") && self.files.iter().any(|file| file == "-") {
            wrong_usage(
                "program and table cannot both be standard input: give the program with -e, or one of them as a file",
            );
        }
        let mut sources = self.sources();
        match (sources.pop(), sources.is_empty()) {
            (Some(source), true) => source,
            (None, _) => usage(command),
            (Some(_), false) => wrong_usage(&format!("`lossc {command}` takes one program")),
        }
    }

    /// Nothing to work on.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.expr.is_empty()
    }
}

/// Reads a program file; `-` is standard input.
pub fn read(path: &str) -> Result<Source, Fault> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let name = if path == "-" { STANDARD_INPUT } else { path };
    let bytes = bytes.map_err(|error| Fault::Plain(format!("cannot read `{name}`: {error}")))?;
    Source::from_bytes(name, &bytes).map_err(|error| {
        let diagnostic = crate::diag::not_utf8(&error);
        Fault::text(error.readable, vec![diagnostic])
    })
}

/// Nothing was named: says how, and ends with the status for usage.
pub fn usage(command: &str) -> ! {
    let file = if command == "explain" { "a FILE, a CODE such as E0203, a NAME of the library" } else { "a FILE" };
    wrong_usage(&format!("`lossc {command}` needs {file}, `-` for standard input, or -e PROGRAM"))
}

/// Ends with the status for usage.
fn wrong_usage(message: &str) -> ! {
    super::output::complain(&format!("error: {message}"));
    std::process::exit(2)
}

/// The values of `--set`, each name once: two spellings of a name are one name.
pub fn settings(list: &[(String, f64)]) -> HashMap<String, f64> {
    let mut set = HashMap::new();
    for (name, value) in list {
        if let Some(first) = set.insert(name.clone(), *value) {
            let (first, value) = (number(first), number(*value));
            wrong_usage(&format!("--set {name}: the name has two values, {first} and {value}"));
        }
    }
    set
}

/// `N=V` of `--set`; a constant's number is in the unit of its declaration.
pub fn setting(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let value = value
        .trim()
        .parse::<f64>()
        .map_err(|_| format!("`{}` is not a number (a constant's unit is that of its declaration)", value.trim()))?;
    Ok((crate::syntax::names::canonical(name.trim()), value))
}

/// Writes a file, whole or not at all.
pub fn replace(path: &str, text: &str) -> Result<(), Fault> {
    let written = write_whole(Path::new(path), text.as_bytes());
    written.map_err(|error| Fault::Plain(format!("cannot write `{path}`: {error}")))
}
