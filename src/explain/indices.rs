//! The indices that a term's formulas share.

use super::density::latex_variate;
use crate::compile::Program;
use crate::ir::graph::{Axis, VarId};
use crate::ir::print::Letters;
use crate::sema::{Hir, Term};

/// The axes of a term beside its rows: each with the letter of its index and its length, where it has a name or a number.
pub(super) struct Indices<'a> {
    axes: Vec<(String, Option<String>)>,
    vars: &'a [VarId],
    letters: Letters,
}

impl<'a> Indices<'a> {
    pub fn of(program: &Program, term: &'a Term) -> Self {
        let graph = &program.hir.graph;
        let letters = Letters::of(graph, &term.axes, &[]);
        let length = |axis: &Axis| (axis.name.is_some() || axis.size.is_some()).then(|| axis.to_string());
        let axes = term.axes.iter().map(|&var| (letters.var(var), length(graph.axis(graph.var(var).axis)))).collect();
        Self { axes, vars: &term.axes, letters }
    }

    /// `i = 1…3`
    pub fn ranges(&self) -> Vec<String> {
        let range = |(letter, length): &(String, Option<String>)| match length {
            Some(length) => format!("{letter} = 1…{length}"),
            None => letter.clone(),
        };
        self.axes.iter().map(range).collect()
    }

    /// `Σ i ` for each.
    pub fn text(&self, sign: &str) -> String {
        self.axes.iter().map(|(letter, _)| format!("{sign} {letter} ")).collect()
    }

    pub fn latex(&self, sign: &str) -> String {
        let one = |(letter, length): &(String, Option<String>)| match length {
            Some(length) => format!("{sign}_{{{letter}=1}}^{{{length}}} "),
            None => format!("{sign}_{{{letter}}} "),
        };
        self.axes.iter().map(one).collect()
    }

    /// What is observed, as text and as LaTeX: names with the indices of the term that they have.
    pub fn observed(&self, hir: &Hir, variates: &[String]) -> (String, String) {
        let indexed = |name: &String| {
            let input = hir.names.iter().find(|info| info.name == *name).map(|info| hir.graph.input(info.input));
            let has = |var: &&VarId| input.is_some_and(|input| input.axes.contains(&hir.graph.var(**var).axis));
            let own: Vec<VarId> = self.vars.iter().filter(has).copied().collect();
            let (text, latex) = self.letters.indexed(name, &own);
            if own.is_empty() { (text, latex_variate(name)) } else { (text, latex) }
        };
        let (texts, symbols): (Vec<String>, Vec<String>) = variates.iter().map(indexed).unzip();
        (texts.join(", "), symbols.join(", "))
    }
}
