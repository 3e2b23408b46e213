//! The steps from a density term to its negative log likelihood: probability, product, logarithm, minus.

use super::indices::Indices;
use super::{Section, density, heading, nll_formula};
use crate::compile::Program;
use crate::ir::graph::Graph;
use crate::ir::print::{Letters, to_latex, to_text};
use crate::sema::{Form, Term};

/// One density term, with what its formulas share.
pub(super) struct Likelihood<'a> {
    program: &'a Program,
    at: usize,
    form: &'a Form,
    label: String,
    indices: Indices<'a>,
    /// What is observed, as written.
    observed: Vec<String>,
    /// The same with its indices, as text and as LaTeX.
    variates: (String, String),
}

impl<'a> Likelihood<'a> {
    /// Of the term `at`, which is the density `form`.
    pub fn of(program: &'a Program, at: usize, term: &'a Term, form: &'a Form) -> Self {
        let indices = Indices::of(program, term);
        let observed = density::variates(form);
        let variates = indices.observed(&program.hir, &observed);
        Self { program, at, form, label: heading(program, term), indices, observed, variates }
    }

    /// The steps in order; parameters are spelled in ASCII for a program in ASCII.
    pub fn steps(&self, ascii: bool) -> Vec<Section> {
        vec![self.probability(ascii), self.product(), self.logarithm(), self.minus()]
    }

    fn section(&self, title: &str, reason: &str) -> Section {
        Section::new(&format!("{title}{}", self.label), reason)
    }

    fn graph(&self) -> &'a Graph {
        &self.program.hir.graph
    }

    fn probability(&self, ascii: bool) -> Section {
        let graph = self.graph();
        let section =
            self.section("Likelihood", "How probable is what was observed, if the prediction is right?").formula(
                &format!("{} ~ {}", self.observed.join(", "), density::text(graph, self.form, ascii)),
                &format!("{} \\sim {}", self.variates.1, density::latex(graph, self.form)),
            );
        let named = density::named(self.form);
        self.form.calls().into_iter().fold(section, |section, call| {
            let Form::Call { name, variates, log, .. } = call else { return section };
            let letters = Letters::with(graph, &named, *log);
            let (what, symbols) = self.indices.observed(&self.program.hir, variates);
            let upright = name.replace('_', "\\_");
            section.formula(
                &format!("log {name}({what}) = {}", letters.text(graph, *log)),
                &format!("\\log p_{{\\text{{{upright}}}}}({symbols}) = {}", letters.latex(graph, *log)),
            )
        })
    }

    fn product(&self) -> Section {
        let each = match self.indices.ranges().join(", ") {
            ranges if ranges.is_empty() => ranges,
            ranges => format!(", over all {ranges}"),
        };
        let reason = format!("Rows are independent given the prediction, so their probabilities multiply{each}.");
        let (text, latex) = &self.variates;
        self.section("Product over independent data", &reason).formula(
            &format!("L = ∏ rows {}p({text})", self.indices.text("∏")),
            &format!("L = \\prod_{{\\text{{rows}}}} {}p({latex})", self.indices.latex("\\prod")),
        )
    }

    fn logarithm(&self) -> Section {
        let (text, latex) = &self.variates;
        self.section("Logarithm", "The logarithm turns the product into a sum. It is increasing, so the same parameters are best; and a product of thousands of small numbers would be 0 in a computer.").formula(
            &format!("log L = Σ rows {}log p({text})", self.indices.text("Σ")),
            &format!("\\log L = \\sum_{{\\text{{rows}}}} {}\\log p({latex})", self.indices.latex("\\sum")),
        )
    }

    fn minus(&self) -> Section {
        let mut section = self.section(
            "Minus",
            "Training makes a number small, so the sign is turned: the negative log likelihood of one row.",
        );
        if let Form::Call { log, .. } = self.form {
            let (text, latex) = (to_text(self.graph(), *log), to_latex(self.graph(), *log));
            section = section
                .formula(
                    &format!("ℓ = -{}({text})", self.indices.text("Σ")),
                    &format!("\\ell = -{}\\left({latex}\\right)", self.indices.latex("\\sum")),
                )
                .text("Computed in a form that keeps its digits:");
        }
        nll_formula(self.program, self.at, section)
    }
}
