//! The command line: one file a subcommand, each thin.
//!
//! Results go to stdout, messages and progress to stderr. Exit status: 0 done, 1 the input is at fault, 2 usage.

mod check;
mod eval;
mod explain;
mod fmt;
mod output;
mod predict;
mod program;
mod report;
mod runs;
mod sample;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// A compiler for cost functions, with a lab notebook.
#[derive(Debug, Parser)]
#[command(name = "lossc", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say less on stderr.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more on stderr: after the messages the pages of their codes.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Parse a program, derive its supports and axes, and say everything that is wrong with it.
    Check(check::Args),
    /// Show the derivation of a program, the page of an error code, or an entry of the standard library.
    Explain(explain::Args),
    /// Evaluate a loss on a table.
    Eval(eval::Args),
    /// Draw what a program observes, given all else: synthetic data.
    Sample(sample::Args),
    /// Format programs.
    Fmt(fmt::Args),
    /// Train a network from a spec.
    Train(train::Args),
    /// Apply a trained network to a table.
    Predict(predict::Args),
    /// The lab notebook's runs.
    Runs(runs::Args),
    /// Write a run's page, or a comparison of several.
    Report(report::Args),
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// How a subcommand ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything asked for was done.
    Done,
    /// The input is at fault; it has been said.
    Fault,
}

/// Runs the command line given to the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    output::set_loudness(match (cli.quiet, cli.verbose) {
        (true, _) => output::Loudness::Quiet,
        (_, true) => output::Loudness::Verbose,
        _ => output::Loudness::Normal,
    });
    let outcome = match cli.command {
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Report(args) => report::run(&args),
    };
    match outcome {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::Fault => ExitCode::from(1),
    }
}
