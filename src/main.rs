//! The `lossc` command.

use std::process::ExitCode;

/// Runs the command line. A panic is an error in lossc itself: it is said so, and ends with status 1 like other failures.
fn main() -> ExitCode {
    std::panic::catch_unwind(lossc::cli::main).unwrap_or_else(|_| {
        eprintln!("error[E0901]: lossc found itself in a state that it takes to be impossible; please report it with the input");
        ExitCode::FAILURE
    })
}
