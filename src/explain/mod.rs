//! The derivation as a document: the road from a likelihood to its gradient, with the reason for each step.
//!
//! [`derivation`] builds a [`Document`] from a compiled program; [`render`] prints it as text, Markdown, LaTeX or HTML.
//! What a distribution assumes, asks and suggests comes from its file in the library. Depends on the compiler core.

mod density;
mod document;
pub mod entry;
mod indices;
mod likelihood;
pub mod render;

pub use document::{Block, Document, Section};

use self::likelihood::Likelihood;
use crate::compile::Program;
use crate::ir::graph::{InputId, InputRole, NodeId};
use crate::ir::print::{Letters, to_latex, to_text};
use crate::ir::program::LossGraph;
use crate::lower::lower;
use crate::passes::{self, Derived, PassError};
use crate::sema::{Form, Reduction, Term, TermKind};

/// The derivation of a program.
///
/// # Errors
/// Only errors of lossc itself.
pub fn derivation(program: &Program, title: &str) -> Result<Document, PassError> {
    let mut sections = vec![names(program)];
    for (at, term) in program.hir.terms.iter().enumerate() {
        match &term.kind {
            TermKind::Density(form) => {
                sections.extend(Likelihood::of(program, at, term, form).steps(title.is_ascii()));
            }
            TermKind::Cost => sections.push(cost(program, at, term)),
        }
    }
    sections.extend(total(program));
    sections.push(gradient(program)?);
    sections.extend(beliefs(program));
    Ok(Document { title: title.to_string(), sections })
}

fn names(program: &Program) -> Section {
    let graph = &program.hir.graph;
    let mut items = Vec::new();
    for info in &program.hir.names {
        let role = match info.role {
            InputRole::Data => "observed",
            InputRole::Predict => "predicted by the network",
            InputRole::Param => "learned with the network",
            InputRole::Const => "fixed",
            InputRole::Free | InputRole::Seed => "free: to be bound to a column, a head or a constant",
        };
        if let Some(value) = graph.input(info.input).support.as_point() {
            items.push(format!("{} = {}, {role}", info.name, crate::diag::number(value)));
            continue;
        }
        items.push(format!("{} : {}, {role}", info.name, program.hir.domain(info)));
    }
    for (name, node, _) in &program.hir.definitions {
        items.push(format!("{name} = {}", to_text(graph, *node)));
    }
    Section::new(
        "What is known",
        "Domain knowledge: which numbers are observed, which are predicted, and what values they can take.",
    )
    .list(items)
}

fn heading(program: &Program, term: &Term) -> String {
    if program.hir.terms.len() > 1 { format!(" of `{}`", term.label) } else { String::new() }
}

fn nll_formula(program: &Program, at: usize, section: Section) -> Section {
    let Some(root) = program.derived.loss.terms.get(at) else { return section };
    let graph = &program.derived.loss.graph;
    let laws = laws(&program.derived.before);
    let section = section
        .formula(&format!("ℓ = {}", to_text(graph, root.node)), &format!("\\ell = {}", to_latex(graph, root.node)));
    if laws.is_empty() { section } else { section.text("Rewritten by:").list(laws) }
}

/// Laws of signs and ones, which no reader wants to be told.
const EVIDENT: &[&str] = &[
    "add a negative",
    "double negation",
    "fold",
    "minus a negative sum",
    "minus out of a product",
    "times minus one",
    "times one",
];

/// The laws that were used, each once, but for the evident ones.
fn laws(steps: &[passes::simplify::Step]) -> Vec<String> {
    let mut laws: Vec<String> = Vec::new();
    for step in steps.iter().filter(|step| !EVIDENT.contains(&step.rule.name)) {
        let guard = if step.rule.guard.is_empty() { String::new() } else { format!(" ({})", step.rule.guard) };
        let law = format!("{}: {}{guard}", step.rule.name, step.rule.law);
        if !laws.contains(&law) {
            laws.push(law);
        }
    }
    laws
}

fn cost(program: &Program, at: usize, term: &Term) -> Section {
    let section = Section::new(
        &format!("Cost{}", heading(program, term)),
        "Not a probability but a cost, written as what is to be small.",
    );
    nll_formula(program, at, section)
}

fn total(program: &Program) -> Vec<Section> {
    let terms: Vec<&str> = program.hir.terms.iter().map(|term| term.label.as_str()).collect();
    let sum = if terms.len() == 1 { "ℓ".to_string() } else { terms.join(" + ") };
    let latex = if terms.len() == 1 {
        "\\ell".to_string()
    } else {
        terms.iter().map(|label| format!("\\text{{{}}}", label.replace('_', "\\_"))).collect::<Vec<_>>().join(" + ")
    };
    if program.hir.whole_batch {
        return vec![
            Section::new("Sum", "The program names the batch, so the cost belongs to the batch as a whole.")
                .formula(&format!("J = {sum}"), &format!("J = {latex}")),
        ];
    }
    let summed = Section::new("Sum", "The cost of the data is the sum over all rows.")
        .formula(&format!("J = Σ rows {sum}"), &format!("J = \\sum_{{\\text{{rows}}}} {latex}"));
    match program.hir.reduction {
        Reduction::Sum => vec![summed],
        Reduction::Mean => vec![
            summed,
            Section::new("Division by the number of rows", "A constant factor does not move the minimum, and keeps the size of a step independent of the size of the batch.")
                .formula(&format!("J = 1/rows · Σ rows {sum}"), &format!("J = \\frac{{1}}{{\\text{{rows}}}} \\sum_{{\\text{{rows}}}} {latex}")),
        ],
    }
}

fn gradient(program: &Program) -> Result<Section, PassError> {
    let whose = if program.hir.whole_batch { "the batch's" } else { "one row's" };
    let section = Section::new(
        "Gradient",
        &format!("What training follows: how {whose} cost changes with each prediction and parameter."),
    );
    let computed = derivatives(&program.derived.loss)?;
    let textbook = textbook(program)?;
    let shown = textbook.as_ref().map_or(Ok(computed.clone()), |derived| derivatives(&derived.loss))?;
    let mut section = formulas(section, &shown);
    let laws = laws(&textbook.as_ref().unwrap_or(&program.derived).after);
    if !laws.is_empty() {
        section = section.text("Rewritten by:").list(laws);
    }
    let other: Vec<_> = computed.into_iter().filter(|formula| !shown.contains(formula)).collect();
    if other.is_empty() {
        return Ok(section);
    }
    Ok(formulas(section.text("Computed in a form that keeps its digits:"), &other))
}

/// The program derived from the densities as textbooks print them; `None` when that is how they are computed.
fn textbook(program: &Program) -> Result<Option<Derived>, PassError> {
    let mut hir = program.hir.clone();
    for term in &mut hir.terms {
        if let TermKind::Density(form) = &term.kind
            && let Form::Call { log, .. } = form.as_ref()
        {
            term.node = *log;
        }
    }
    let same = hir.terms.iter().zip(&program.hir.terms).all(|(a, b)| a.node == b.node);
    let wrt: Vec<_> = program.derived.loss.gradients.iter().map(|&(input, _)| input).collect();
    if same { Ok(None) } else { passes::derive(lower(&hir), &wrt).map(Some) }
}

/// The derivatives of one row's cost, as text and as LaTeX.
fn derivatives(loss: &LossGraph) -> Result<Vec<(String, String)>, PassError> {
    let mut graph = loss.graph.clone();
    let derivative = |&(input, node): &(InputId, NodeId)| {
        let plain = passes::without_seed(&mut graph, node, loss.seed)?;
        let own = graph.own_vars(input);
        let letters = Letters::of(&graph, &own, &[plain]);
        let (name, symbol) = letters.indexed(&graph.input(input).name, &own);
        Ok((
            format!("∂ℓ/∂{name} = {}", letters.text(&graph, plain)),
            format!("\\frac{{\\partial \\ell}}{{\\partial {symbol}}} = {}", letters.latex(&graph, plain)),
        ))
    };
    loss.gradients.iter().map(derivative).collect()
}

fn formulas(section: Section, formulas: &[(String, String)]) -> Section {
    formulas.iter().fold(section, |section, (text, latex)| section.formula(text, latex))
}

/// Assumptions, questions for the expert, alternatives: from the library, for every distribution used.
fn beliefs(program: &Program) -> Vec<Section> {
    let mut used: Vec<String> = Vec::new();
    for term in &program.hir.terms {
        let TermKind::Density(form) = &term.kind else { continue };
        for call in form.calls() {
            if let Form::Call { name, .. } = call
                && !used.contains(name)
            {
                used.push(name.clone());
            }
        }
    }
    let gather = |pick: fn(&entry::Entry) -> Vec<String>| -> Vec<String> {
        used.iter().filter_map(|name| entry::Entry::find(name)).flat_map(|entry| pick(&entry)).collect()
    };
    let sections = [
        ("Assumptions", "What this cost function believes.", gather(|entry| entry.texts("assumes"))),
        ("Questions for the expert", "What only the field can answer.", gather(|entry| entry.texts("ask"))),
        ("Alternatives", "What to write instead if a belief is wrong.", gather(entry::Entry::alternatives)),
    ];
    sections
        .into_iter()
        .filter(|(_, _, items)| !items.is_empty())
        .map(|(title, why, items)| Section::new(title, why).list(items))
        .collect()
}

#[cfg(test)]
mod tests;
