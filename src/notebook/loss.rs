//! A loss in a variable.

use super::Shown;
use super::plot::{self, Figures};
use super::shown::say;
use crate::compile::{Program, differentiable};
use crate::diag::has_errors;
use crate::diag::render::{Style, render};
use crate::explain::{Block, Document, derivation};
use crate::report::display::Card;
use crate::sema::{self, NameInfo, Options};
use crate::source::{NoFiles, Source};
use std::ops::Range;

/// A program, compiled or found wrong.
#[derive(Debug, Clone)]
pub struct Loss {
    source: Source,
    /// The compiled program, or its diagnostics as rendered.
    program: Result<Box<Program>, String>,
}

impl Loss {
    /// Compiles a program. What is wrong with it, and how it can be mended, is printed at once.
    pub fn new(text: &str) -> Loss {
        let (loss, said) = Loss::read(text);
        if !said.is_empty() {
            say(&said);
        }
        loss
    }

    /// The loss, and everything there is to say about its text.
    pub(super) fn read(text: &str) -> (Loss, String) {
        let source = Source::new("cell", text);
        let analysis = sema::analyze(&source, &NoFiles, &Options::default());
        let said = render(&source, &analysis.diagnostics, Style::default());
        if has_errors(&analysis.diagnostics) {
            return (Loss { source, program: Err(said.clone()) }, said);
        }
        let wrt = differentiable(&analysis.hir);
        match Program::compile(analysis.hir, &wrt) {
            Ok(program) => (Loss { source, program: Ok(Box::new(program)) }, said),
            Err(error) => {
                let said = format!("{said}error[E0901]: {error}\n");
                (Loss { source, program: Err(said.clone()) }, said)
            }
        }
    }

    /// The program's text.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// Whether the program compiles.
    pub fn is_ok(&self) -> bool {
        self.program.is_ok()
    }

    /// The road from the likelihood to the gradient, with the reason for each step.
    pub fn derivation(&self) -> Shown {
        match &self.program {
            Ok(program) => Shown::of(derivation(program, self.text().trim()).map(|document| card(&document))),
            Err(said) => Shown::fault(said),
        }
    }

    /// Loss and gradient of one row, every name at a value: `at(&[("k", 3.0), ("η", 0.5)])`. A vector is one number
    /// long here.
    pub fn at(&self, values: &[(&str, f64)]) -> Shown {
        self.shown(|| plot::point(&self.source, values).map(|figures| table(&figures)))
    }

    /// Loss and gradient of one row as functions of one name, the others at fixed values: `plot("η", -4.0..4.0, &[("k",
    /// 3.0)])`. Values outside the support of the name are left out; an integral name gives dots.
    pub fn plot(&self, name: &str, range: Range<f64>, others: &[(&str, f64)]) -> Shown {
        self.shown(|| {
            let picture = plot::curve(&self.source, name, range.clone(), others)?;
            Ok(Card::new().picture(&picture))
        })
    }

    fn shown(&self, card: impl Fn() -> Result<Card, plot::PlotError>) -> Shown {
        match &self.program {
            Ok(_) => Shown::of(card()),
            Err(said) => Shown::fault(said),
        }
    }

    /// Shows the program with its names, when a loss is the last expression of a cell.
    pub fn evcxr_display(&self) {
        self.names().evcxr_display();
    }

    /// The program and what its names are: role, support and axes.
    pub fn names(&self) -> Shown {
        let program = match &self.program {
            Ok(program) => program,
            Err(said) => return Shown::fault(said),
        };
        let hir = &program.hir;
        let row = |info: &NameInfo| vec![info.name.clone(), info.role.word().into(), hir.domain(info).to_string()];
        let rows: Vec<Vec<String>> = hir.names.iter().map(row).collect();
        let head = ["name", "role", "support"].map(str::to_owned);
        Shown::card(Card::new().preformatted(self.text().trim()).table(&head, &rows))
    }
}

/// A derivation as a card: a heading a step, formulas as TeX.
fn card(document: &Document) -> Card {
    let mut card = Card::new().preformatted(&document.title);
    for (at, section) in document.sections.iter().enumerate() {
        card = card.heading(&format!("{}. {}", at + 1, section.title)).remark(&section.reason);
        for block in &section.blocks {
            card = match block {
                Block::Text(text) => card.text(text),
                Block::Formula { latex, .. } => card.formula(latex),
                Block::List(items) => card.list(items),
            };
        }
    }
    card
}

fn table(figures: &Figures) -> Card {
    let shown = |value: f64| format!("{value:.6}").replace('-', "−");
    let mut rows = vec![vec!["loss".to_owned(), shown(figures.loss)]];
    rows.extend(figures.gradient.iter().map(|(name, value)| vec![format!("∂ loss / ∂ {name}"), shown(*value)]));
    Card::new().table(&["one row", ""].map(str::to_owned), &rows)
}
