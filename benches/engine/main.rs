//! lossc's side of the benchmark: a process that runs one case when it is told to.
//!
//! `benches/run.py` starts it as `engine kernel CASE ROWS FOLDER` or `engine step CASE FOLDER` and writes commands to
//! its standard input, one a line: `check` computes once and leaves the numbers in FOLDER for comparison, `run N`
//! answers with the seconds that N calls took. Inputs lie in FOLDER as little-endian f32, one file a name.

mod kernels;
mod programs;
mod steps;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a case or a command may fail with: `run.py` shows it and stops.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Something to be timed.
trait Case {
    /// Computes once and writes what came out into the folder; the number is the loss.
    fn check(&mut self) -> Result<f64>;
    /// One timed call.
    fn call(&mut self) -> Result<()>;
}

/// The folder that the two sides exchange numbers in.
struct Exchange(PathBuf);

impl Exchange {
    /// The numbers called `name`.
    fn read(&self, name: &str) -> Result<Vec<f32>> {
        let path = self.0.join(format!("{name}.f32"));
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(format!("{}: {} bytes are no whole number of f32", path.display(), bytes.len()).into());
        }
        Ok(words.iter().map(|&word| f32::from_le_bytes(word)).collect())
    }

    /// Leaves numbers for the other side.
    fn write(&self, name: &str, values: &[f32]) -> Result<()> {
        let path = self.0.join(format!("{name}.f32"));
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let exchange = |folder: &str| Exchange(Path::new(folder).to_owned());
    match words.as_slice() {
        ["kernel", case, rows, folder] => serve(&mut kernels::Kernel::new(case, rows.parse()?, exchange(folder))?),
        ["step", case, folder] => serve(&mut steps::Step::new(case, exchange(folder))?),
        _ => {
            println!("This is one side of a comparison; run it with: python3 benches/run.py");
            Ok(())
        }
    }
}

/// Answers commands until the input ends.
fn serve(case: &mut dyn Case) -> Result<()> {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["check"] => case.check()?,
            ["run", calls] => {
                let calls: usize = calls.parse()?;
                let start = Instant::now();
                for _ in 0..calls {
                    case.call()?;
                }
                start.elapsed().as_secs_f64()
            }
            _ => return Err(format!("unknown command: {line}").into()),
        };
        writeln!(out, "{answer:e}")?;
        out.flush()?;
    }
    Ok(())
}
