//! What a cell shows.

use crate::report::display::Card;

/// A card, or the reason why there is none.
#[must_use = "a cell shows its last expression: leave out the semicolon"]
#[derive(Debug, Clone)]
pub struct Shown(Result<Card, String>);

impl Shown {
    pub(super) fn card(card: Card) -> Shown {
        Shown(Ok(card))
    }

    pub(super) fn fault(message: impl Into<String>) -> Shown {
        Shown(Err(message.into()))
    }

    pub(super) fn of<E: std::fmt::Display>(card: Result<Card, E>) -> Shown {
        Shown(card.map_err(|error| format!("error: {error}")))
    }

    /// The card as an HTML fragment; `None` when there is a mistake to report instead.
    pub fn html(&self) -> Option<&str> {
        self.0.as_ref().ok().map(Card::html)
    }

    /// The mistake, as the cell prints it.
    pub fn mistake(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }

    /// What evcxr calls on the last expression of a cell: a card, or a mistake as text.
    pub fn evcxr_display(&self) {
        match &self.0 {
            Ok(card) => print!("{}", card.evcxr()),
            Err(message) => say(message),
        }
    }
}

/// Prints a mistake. To standard output: what a cell writes to standard error can arrive after the cell has ended, and is
/// lost then.
pub(super) fn say(message: &str) {
    println!("{}", coloured(message.trim_end()));
}

/// The heads of messages in the colours of the command line, which a notebook shows too.
fn coloured(message: &str) -> String {
    let line = |line: &str| match line.split_once(':') {
        Some((head, rest)) if head.starts_with("error") => format!("\x1b[1;31m{head}\x1b[0m:{rest}"),
        Some((head, rest)) if head.starts_with("warning") => format!("\x1b[1;33m{head}\x1b[0m:{rest}"),
        Some(("  help", rest)) => format!("  \x1b[1;36mhelp\x1b[0m:{rest}"),
        _ => line.to_owned(),
    };
    message.lines().map(line).collect::<Vec<_>>().join("\n")
}
