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

    /// What evcxr calls on the last expression of a cell: the card goes to the notebook, a mistake to standard error.
    pub fn evcxr_display(&self) {
        match &self.0 {
            Ok(card) => print!("{}", card.evcxr()),
            Err(message) => eprintln!("{}", message.trim_end()),
        }
    }
}
