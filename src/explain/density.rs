//! The structure of a density in words and in mathematical notation.

use super::entry::Entry;
use crate::ir::graph::{Graph, NodeId, VarId};
use crate::ir::print::{Letters, latex_name};
use crate::sema::Form;
use crate::syntax::names::canonical;

/// What a density is about.
pub(super) fn variates(form: &Form) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for call in form.calls() {
        if let Form::Call { variates, .. } = call {
            found.extend(variates.iter().filter(|name| !found.contains(name)).cloned().collect::<Vec<_>>());
        }
    }
    found
}

/// The indices that reducers around a part of a density have given names to.
type Named = Vec<(VarId, String)>;

/// All of them in a density.
pub(super) fn named(form: &Form) -> Named {
    match form {
        Form::Call { inner, .. } => inner.iter().flat_map(named).collect(),
        Form::Product(parts) => parts.iter().flat_map(named).collect(),
        Form::Mixture(parts) => parts.iter().flat_map(|(_, part)| named(part)).collect(),
        Form::Power(part, _) => named(part),
        Form::Over(vars, _, part) => inside(&named(part), vars),
        Form::Quotient(a, b) | Form::If(a, b) => inside(&named(a), &named(b)),
    }
}

/// The indices of a reducer beside those around it.
fn inside(around: &[(VarId, String)], vars: &[(VarId, String)]) -> Named {
    vars.iter().chain(around.iter().filter(|(var, _)| vars.iter().all(|(own, _)| own != var))).cloned().collect()
}

/// The structure in words: `poisson(λ)`, `0.3 · normal(…) + 0.7 · normal(…)`. Parameters are spelled as in the library,
/// for a program in ASCII in ASCII.
pub(super) fn text(graph: &Graph, form: &Form, ascii: bool) -> String {
    text_inside(graph, form, ascii, &[])
}

fn text_inside(graph: &Graph, form: &Form, ascii: bool, named: &[(VarId, String)]) -> String {
    let part = |form: &Form| text_inside(graph, form, ascii, named);
    let weight = |node: NodeId| {
        let text = Letters::with(graph, named, node).text(graph, node);
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
            let mut parts: Vec<String> = params.iter().map(said).chain(inner.iter().map(part)).collect();
            if entry.is_some_and(|entry| entry.density_first()) {
                parts.rotate_left(params.len());
            }
            format!("{name}({})", parts.join(", "))
        }
        Form::Product(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" · "),
        Form::Mixture(parts) => {
            let parts: Vec<String> = parts.iter().map(|(w, form)| format!("{} · {}", weight(*w), part(form))).collect();
            parts.join(" + ")
        }
        Form::Power(form, w) => format!("({})^{}", part(form), weight(*w)),
        Form::Quotient(a, b) => format!("{} / {}", part(a), part(b)),
        Form::Over(vars, by, form) => {
            let named = inside(named, vars);
            let index = vars.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
            let form = text_inside(graph, form, ascii, &named);
            match by {
                None => format!("∏[{index}] {form}"),
                Some(by) => format!("∑[{index}] {} · {form}", Letters::with(graph, &named, *by).text(graph, *by)),
            }
        }
        Form::If(a, b) => format!("{} or {}", part(a), part(b)),
    }
}

/// The structure in LaTeX; a distribution in the notation that its file gives.
pub(super) fn latex(graph: &Graph, form: &Form) -> String {
    latex_inside(graph, form, &[])
}

fn latex_inside(graph: &Graph, form: &Form, named: &[(VarId, String)]) -> String {
    let part = |form: &Form| latex_inside(graph, form, named);
    let to_latex = |node: NodeId| Letters::with(graph, named, node).latex(graph, node);
    match form {
        Form::Call { name, params, inner, .. } => {
            let given: Vec<(&str, String)> =
                params.iter().map(|(param, _, node)| (param.as_str(), to_latex(*node))).collect();
            let inner: Vec<String> = inner.iter().map(part).collect();
            notation(name, &given, &inner).unwrap_or_else(|| {
                // A wrapper's own parameters say which they are; they come after a density that comes first.
                let own = |(param, value): &(&str, String)| match inner.is_empty() {
                    true => value.clone(),
                    false => format!("{} = {value}", latex_name(param).trim()),
                };
                let mut parts: Vec<String> = given.iter().map(own).chain(inner.iter().cloned()).collect();
                if Entry::find(name).is_some_and(|entry| entry.density_first()) {
                    parts.rotate_left(given.len());
                }
                format!("\\operatorname{{{}}}\\left({}\\right)", name.replace('_', "\\_"), parts.join(",\\; "))
            })
        }
        Form::Product(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" \\cdot "),
        Form::Mixture(parts) => {
            let part = |(weight, form): &(NodeId, Form)| format!("{}\\,{}", to_latex(*weight), part(form));
            parts.iter().map(part).collect::<Vec<_>>().join(" + ")
        }
        Form::Power(form, weight) => format!("\\left({}\\right)^{{{}}}", part(form), to_latex(*weight)),
        Form::Quotient(a, b) => format!("\\frac{{{}}}{{{}}}", part(a), part(b)),
        Form::Over(vars, by, form) => {
            let named = inside(named, vars);
            let index = vars.iter().map(|(_, name)| latex_name(name)).collect::<Vec<_>>().join(", ");
            let form = latex_inside(graph, form, &named);
            match by {
                None => format!("\\prod_{{{index}}} {form}"),
                Some(by) => {
                    format!("\\sum_{{{index}}} {}\\, {form}", Letters::with(graph, &named, *by).latex(graph, *by))
                }
            }
        }
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

/// What is observed, as written, as LaTeX.
pub(super) fn latex_variate(text: &str) -> String {
    if text.chars().all(|c| c.is_alphanumeric() || c == '_') {
        latex_name(text)
    } else {
        format!("\\text{{{}}}", text.replace('_', "\\_").replace('^', "\\^{}"))
    }
}
