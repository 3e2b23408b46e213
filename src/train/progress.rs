//! What a person sees while a network trains: a bar on a terminal, lines on epochs elsewhere, nothing when asked.
//!
//! Lines come at most one a second, for logs and notebooks; the first and the last epoch always have theirs.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where progress goes.
#[derive(Debug)]
pub enum Progress {
    /// Nowhere.
    Silent,
    /// Lines on standard error.
    Lines,
    /// Lines on standard output, as a notebook's cell shows it while it runs.
    Output,
    /// A bar on standard error.
    Bar(ProgressBar),
}

/// How often the bar's message is written anew.
const REDRAW: Duration = Duration::from_millis(100);
/// Least time between two lines.
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// A running display.
#[derive(Debug)]
pub struct Display {
    progress: Progress,
    terms: Vec<String>,
    began: Instant,
    drawn: Option<Instant>,
    valid: Option<f64>,
    lines: Lines,
}

/// Which epochs have a line.
#[derive(Debug, Default)]
struct Lines {
    said: Option<Instant>,
    /// The newest line, when it came too soon after another.
    held: Option<String>,
}

impl Lines {
    /// The line when it is due at `now`; else it is held until a newer one comes, or the end.
    fn next(&mut self, text: String, last: bool, now: Instant) -> Option<String> {
        if !last && self.said.is_some_and(|said| now.duration_since(said) < BETWEEN_LINES) {
            self.held = Some(text);
            return None;
        }
        *self = Lines { said: Some(now), held: None };
        Some(text)
    }
}

/// What one epoch came to.
#[derive(Debug, Clone)]
pub struct EpochLine<'a> {
    /// Its number, from 1.
    pub epoch: u64,
    /// Of so many.
    pub epochs: u64,
    /// Steps taken so far.
    pub step: u64,
    /// Mean loss over its batches.
    pub train: f64,
    /// Mean of each term.
    pub terms: &'a [f64],
    /// The validation loss at its end.
    pub valid: Option<f64>,
    /// Whether that is the best so far.
    pub best: bool,
}

impl Progress {
    /// A bar when standard error is a terminal, else lines; nothing when `quiet`.
    pub fn new(quiet: bool) -> Self {
        use std::io::IsTerminal;
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Progress::Silent,
            (false, false) => Progress::Lines,
            (false, true) => Progress::Bar(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())),
        }
    }
}

impl Display {
    /// Starts at `done` of `total` steps.
    pub fn new(progress: Progress, terms: &[String], total: u64, done: u64) -> Self {
        if let Progress::Bar(bar) = &progress {
            bar.set_length(total);
            bar.set_position(done);
            bar.reset_eta();
            let template = "{bar:24} {pos}/{len} {eta:>4}  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸ "));
            }
        }
        Display {
            progress,
            terms: terms.to_vec(),
            began: Instant::now(),
            drawn: None,
            valid: None,
            lines: Lines::default(),
        }
    }

    /// One step was taken.
    pub fn step(&mut self, epoch: u64, loss: f64, terms: &[f64]) {
        let Progress::Bar(bar) = &self.progress else { return };
        bar.inc(1);
        if self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        let valid = self.valid.map_or_else(String::new, |valid| format!("  valid {valid:.4}"));
        bar.set_message(format!("epoch {epoch}  loss {loss:.4}{}{valid}", self.parts(terms)));
    }

    /// An epoch ended.
    pub fn epoch(&mut self, line: &EpochLine<'_>) {
        self.valid = line.valid.or(self.valid);
        let valid = line.valid.map_or_else(String::new, |valid| format!("  valid {valid:.4}"));
        let best = if line.best { " *" } else { "" };
        let text = format!(
            "epoch {}/{}  step {}  train {:.4}{}{valid}{best}  {:.1} s",
            line.epoch,
            line.epochs,
            line.step,
            line.train,
            self.parts(line.terms),
            self.began.elapsed().as_secs_f64()
        );
        if let Progress::Bar(bar) = &self.progress {
            // The bar itself says the rest.
            bar.set_message(text);
        } else if let Some(text) = self.lines.next(text, line.epoch == line.epochs, Instant::now()) {
            self.say(&text);
        }
    }

    /// The terms by name, when there are several.
    fn parts(&self, terms: &[f64]) -> String {
        if self.terms.len() < 2 {
            return String::new();
        }
        let parts: Vec<String> = self.terms.iter().zip(terms).map(|(name, x)| format!("{name} {x:.4}")).collect();
        format!(" ({})", parts.join(", "))
    }

    /// Says something between the lines.
    pub fn say(&self, text: &str) {
        match &self.progress {
            Progress::Silent => {}
            Progress::Lines => eprintln!("{text}"),
            Progress::Output => println!("{text}"),
            Progress::Bar(bar) => bar.println(text),
        }
    }

    /// Training ended, perhaps early.
    pub fn finish(&mut self) {
        if let Progress::Bar(bar) = &self.progress {
            bar.abandon();
        } else if let Some(text) = self.lines.held.take() {
            self.say(&text);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_once_a_second_and_at_both_ends() {
        let began = Instant::now();
        let mut lines = Lines::default();
        let at = |epoch: u64| began + Duration::from_millis(300 * epoch);
        let said = |lines: &mut Lines, epochs: std::ops::RangeInclusive<u64>, of: u64| {
            let shown = epochs.filter_map(|epoch| lines.next(epoch.to_string(), epoch == of, at(epoch)));
            shown.collect::<Vec<_>>().join(" ")
        };
        // Four epochs are 1.2 s.
        assert_eq!(said(&mut lines, 1..=10, 10), "1 5 9 10");
        assert_eq!(lines.held, None);
        // One that ends early says where.
        let mut lines = Lines::default();
        assert_eq!(said(&mut lines, 1..=7, 500), "1 5");
        assert_eq!(lines.held.as_deref(), Some("7"));
    }
}
