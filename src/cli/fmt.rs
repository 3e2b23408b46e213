//! `lossc fmt`: formats programs.

use super::program::{ProgramArgs, replace, usage};
use super::{Format, Outcome, check, output};
use crate::source::Source;
use crate::syntax::format::format;
use crate::syntax::print::Spelling;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
    /// Change nothing; end with status 1 when a file is not formatted.
    #[arg(long)]
    check: bool,
    /// Spell names and operators in ASCII.
    #[arg(long, conflicts_with = "unicode")]
    ascii: bool,
    /// Spell names and operators as on paper.
    #[arg(long)]
    unicode: bool,
}

/// Formats every program named: files in place, standard input and `-e` to stdout.
pub fn run(args: &Args) -> Outcome {
    if args.program.is_empty() {
        usage("fmt");
    }
    let spelling = match (args.ascii, args.unicode) {
        (true, _) => Spelling::Ascii,
        (_, true) => Spelling::Unicode,
        _ => Spelling::AsWritten,
    };
    let mut outcome = Outcome::Done;
    for source in args.program.sources() {
        let good = match source {
            Ok(source) => formatted(args, &source, spelling),
            Err(unreadable) => check::refused(unreadable, Format::Human),
        };
        if !good {
            outcome = Outcome::Fault;
        }
    }
    outcome
}

fn formatted(args: &Args, source: &Source, spelling: Spelling) -> bool {
    let text = match format(source, spelling) {
        Ok(text) => text,
        Err(diagnostics) => {
            output::diagnostics(source, &diagnostics);
            return false;
        }
    };
    let is_file = args.program.files.contains(&source.name);
    if args.check {
        let same = text == *source.text;
        if !same {
            output::complain(&format!("{}: not formatted", source.name));
        }
        return same;
    }
    if !is_file {
        output::line(text.trim_end());
        return true;
    }
    if text == *source.text {
        return true;
    }
    replace(&source.name, &text)
}
