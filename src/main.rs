//! The `lossc` command.

fn main() -> std::process::ExitCode {
    lossc::cli::main()
}
