//! A derivation as plain data.

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What is derived.
    pub title: String,
    /// The steps in order.
    pub sections: Vec<Section>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub title: String,
    /// Why it is done.
    pub reason: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A sentence.
    Text(String),
    /// A formula, as text and as LaTeX.
    Formula {
        /// Plain text.
        text: String,
        /// LaTeX, without dollars.
        latex: String,
    },
    /// Points.
    List(Vec<String>),
}

impl Section {
    /// A step that says nothing yet.
    pub fn new(title: &str, reason: &str) -> Section {
        Section { title: title.into(), reason: reason.into(), blocks: Vec::new() }
    }

    /// Adds a formula.
    #[must_use]
    pub fn formula(mut self, text: &str, latex: &str) -> Section {
        self.blocks.push(Block::Formula { text: text.into(), latex: latex.into() });
        self
    }

    /// Adds points.
    #[must_use]
    pub fn list(mut self, items: Vec<String>) -> Section {
        self.blocks.push(Block::List(items));
        self
    }

    /// Adds a sentence.
    #[must_use]
    pub fn text(mut self, text: &str) -> Section {
        self.blocks.push(Block::Text(text.into()));
        self
    }
}
