//! `lossc fmt`: formats programs.

use super::Outcome;
use super::program::ProgramArgs;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
}

/// Formats every program named.
pub fn run(args: &Args) -> Outcome {
    let _ = args.program.is_empty();
    Outcome::Fault
}
