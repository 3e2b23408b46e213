//! The structure of a density in words and in mathematical notation.

use super::entry::Entry;
use crate::ir::graph::{Graph, NodeId};
use crate::ir::print::{latex_name, to_latex, to_text};
use crate::sema::Form;
use crate::syntax::names::canonical;

/// What a density is about.
pub(super) fn variates(form: &Form) -> String {
    let mut found: Vec<String> = Vec::new();
    for call in form.calls() {
        if let Form::Call { variates, .. } = call {
            found.extend(variates.iter().filter(|name| !found.contains(name)).cloned().collect::<Vec<_>>());
        }
    }
    found.join(", ")
}

/// The structure in words: `poisson(λ)`, `0.3 · normal(…) + 0.7 · normal(…)`. Parameters are spelled as in the library,
/// for a program in ASCII in ASCII.
pub(super) fn text(graph: &Graph, form: &Form, ascii: bool) -> String {
    let part = |form: &Form| text(graph, form, ascii);
    let weight = |node: NodeId| {
        let text = to_text(graph, node);
        if text.contains(' ') { format!("({text})") } else { text }
    };
    match form {
        Form::Call { name, params, inner, .. } => {
            let entry = Entry::find(name);
            let spelled = |param: &str| {
                let spelled = entry.as_ref().and_then(|entry| entry.parameter(param)).filter(|_| !ascii);
                spelled.unwrap_or_else(|| param.to_owned())
            };
            let said = |(param, text, _): &(String, String, NodeId)| {
                if *param == canonical(text) { text.clone() } else { format!("{} = {text}", spelled(param)) }
            };
            let parts: Vec<String> = params.iter().map(said).chain(inner.iter().map(part)).collect();
            format!("{name}({})", parts.join(", "))
        }
        Form::Product(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" · "),
        Form::Mixture(parts) => {
            let parts: Vec<String> = parts.iter().map(|(w, form)| format!("{} · {}", weight(*w), part(form))).collect();
            parts.join(" + ")
        }
        Form::Power(form, w) => format!("({})^{}", part(form), weight(*w)),
        Form::Quotient(a, b) => format!("{} / {}", part(a), part(b)),
        Form::Over(true, form) => format!("∏ {}", part(form)),
        Form::Over(false, form) => format!("∑ w · {}", part(form)),
        Form::If(a, b) => format!("{} or {}", part(a), part(b)),
    }
}

/// The structure in LaTeX; a distribution in the notation that its file gives.
pub(super) fn latex(graph: &Graph, form: &Form) -> String {
    let part = |form: &Form| latex(graph, form);
    match form {
        Form::Call { name, params, inner, .. } => {
            let given: Vec<(&str, String)> =
                params.iter().map(|(param, _, node)| (param.as_str(), to_latex(graph, *node))).collect();
            let inner: Vec<String> = inner.iter().map(part).collect();
            notation(name, &given, &inner).unwrap_or_else(|| {
                let parts: Vec<String> = given.into_iter().map(|(_, value)| value).chain(inner).collect();
                format!("\\operatorname{{{}}}\\left({}\\right)", name.replace('_', "\\_"), parts.join(",\\; "))
            })
        }
        Form::Product(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" \\cdot "),
        Form::Mixture(parts) => {
            let part = |(weight, form): &(NodeId, Form)| format!("{}\\,{}", to_latex(graph, *weight), part(form));
            parts.iter().map(part).collect::<Vec<_>>().join(" + ")
        }
        Form::Power(form, weight) => format!("\\left({}\\right)^{{{}}}", part(form), to_latex(graph, *weight)),
        Form::Quotient(a, b) => format!("\\frac{{{}}}{{{}}}", part(a), part(b)),
        Form::Over(true, form) => format!("\\prod {}", part(form)),
        Form::Over(false, form) => format!("\\sum w\\, {}", part(form)),
        Form::If(a, b) => format!("{} \\text{{ or }} {}", part(a), part(b)),
    }
}

/// The `latex` clause of a distribution with values for its main parameters: `\mathcal{N}(\mu, \sigma^2)` at σ = s is
/// `\mathcal{N}(\mu, s^2)`. `None` for another parameterisation, and where the file gives none.
fn notation(name: &str, given: &[(&str, String)], inner: &[String]) -> Option<String> {
    let entry = Entry::find(name)?;
    let clause = entry.texts("latex").into_iter().next()?;
    let parts = given.len() + inner.len();
    let mut inner = inner.iter();
    let values: Option<Vec<(String, &str)>> = entry
        .parameters()
        .iter()
        .map(|formal| {
            let own = given.iter().find(|(param, _)| *param == formal.key).map(|(_, value)| value);
            Some((latex_name(&formal.text).trim().to_owned(), own.or_else(|| inner.next())?.trim()))
        })
        .collect();
    // Another parameterisation has parameters of its own.
    let values = values.filter(|values| values.len() == parts)?;
    let mut out = String::new();
    let mut rest = clause.as_str();
    while let Some(token) = token(rest) {
        rest = rest.get(token.len()..).unwrap_or("");
        match values.iter().find(|(symbol, _)| symbol == token) {
            Some((_, value))
                if rest.starts_with('^') && value.contains(|c: char| !c.is_alphanumeric() && c != '\\') =>
            {
                out += &format!("\\left({value}\\right)");
            }
            Some((_, value)) => out += value,
            None => out += token,
        }
    }
    Some(out)
}

/// The first symbol of a formula: a command with the word in braces behind it, if any, or one character.
fn token(latex: &str) -> Option<&str> {
    let first = latex.chars().next()?;
    if first != '\\' {
        return latex.get(..first.len_utf8());
    }
    let letters =
        latex.char_indices().skip(1).find(|(_, c)| !c.is_ascii_alphabetic()).map_or(latex.len(), |(at, _)| at);
    let upright = latex.get(..letters).is_some_and(|command| ["\\mathrm", "\\mathcal"].contains(&command));
    let end = if upright { latex.find('}').map_or(letters, |at| at + 1) } else { letters.max(2).min(latex.len()) };
    latex.get(..end)
}

/// Names separated by commas, as LaTeX.
pub(super) fn latex_names(text: &str) -> String {
    text.split(", ")
        .map(|name| {
            if name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                crate::ir::print::latex_name(name)
            } else {
                format!("\\text{{{}}}", name.replace('_', "\\_").replace('^', "\\^{}"))
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}
