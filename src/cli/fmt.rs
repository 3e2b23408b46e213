//! `lossc fmt`: formats programs.

use super::output::Fault;
use super::program::{ProgramArgs, replace, usage};
use super::{Format, Outcome, output};
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
        let done = source.and_then(|source| formatted(args, source, spelling));
        outcome = outcome.max(done.unwrap_or_else(|fault| output::fault(fault, Format::Human)));
    }
    outcome
}

fn formatted(args: &Args, source: Source, spelling: Spelling) -> Result<Outcome, Fault> {
    let text = match format(&source, spelling) {
        Ok(text) => text,
        Err(found) => return Err(Fault::text(source, found)),
    };
    let is_file = args.program.files.contains(&source.name);
    if args.check {
        let same = text == *source.text;
        if !same {
            output::complain(&format!("{}: not formatted", source.name));
        }
        return Ok(if same { Outcome::Done } else { Outcome::Fault });
    }
    if !is_file {
        output::line(text.trim_end());
    } else if text != *source.text {
        replace(&source.name, &text)?;
    }
    Ok(Outcome::Done)
}
