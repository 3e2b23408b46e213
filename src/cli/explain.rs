//! `lossc explain`: a derivation, an error code's page, or an entry of the standard library.

use super::output::Fault;
use super::program::read;
use super::{Format, Outcome, output};
use crate::compile::{Program, differentiable};
use crate::diag::{did_you_mean, has_errors};
use crate::explain::{Document, derivation, entry::Entry, render};
use crate::files::Beside;
use crate::sema::{self, Options, library};
use crate::source::Source;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A program file, a code such as E0203, or a name of the standard library.
    #[arg(value_name = "FILE|CODE|NAME")]
    what: Option<String>,
    /// The program itself.
    #[arg(short = 'e', long = "expr", value_name = "PROGRAM", allow_hyphen_values = true)]
    expr: Option<String>,
    /// The form of the derivation.
    #[arg(long, value_enum, default_value_t)]
    to: To,
}

/// Forms of a derivation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown with formulas between dollars.
    Markdown,
    /// A LaTeX document.
    Latex,
    /// A page with MathML.
    Html,
}

/// Explains what is named.
pub fn run(args: &Args) -> Outcome {
    match (&args.what, &args.expr) {
        (_, Some(text)) => program(args, &Source::new("-e", text.as_str())),
        (Some(what), None) => named(args, what),
        (None, None) => super::program::usage("explain"),
    }
}

fn named(args: &Args, what: &str) -> Outcome {
    if what == "-" || what.ends_with(".loss") || std::path::Path::new(what).exists() {
        return match read(what) {
            Ok(source) => program(args, &source),
            Err(unreadable) => output::fault(unreadable, Format::Human),
        };
    }
    let is_code = what.starts_with(['E', 'W', 'S', 'e', 'w', 's'])
        && what.len() > 1
        && what.chars().skip(1).all(|c| c.is_ascii_digit());
    if is_code {
        return match crate::diag::codes::lookup(what) {
            Some(entry) => {
                output::line(entry.page().trim_end());
                Outcome::Done
            }
            None => output::fault(Fault::Plain(format!("there is no code {what}")), Format::Human),
        };
    }
    match Entry::find(what) {
        Some(entry) => {
            output::line(&entry.page());
            Outcome::Done
        }
        None => {
            let near = did_you_mean(what, library::entries().map(|(name, _)| name));
            let hint = if near.is_empty() { "; a program is a file or -e" } else { &near };
            let message = format!("`{what}` is no file, no code and no name of the standard library{hint}");
            output::fault(Fault::Plain(message), Format::Human)
        }
    }
}

fn program(args: &Args, source: &Source) -> Outcome {
    let analysis = sema::analyze(source, &Beside::default(), &Options::default());
    output::diagnostics(source, &analysis.diagnostics);
    if has_errors(&analysis.diagnostics) {
        return Outcome::Fault;
    }
    let wrt = differentiable(&analysis.hir);
    let document = Program::compile(analysis.hir, &wrt).and_then(|program| derivation(&program, source.text.trim()));
    match document {
        Ok(document) => {
            output::line(print(args.to, &document).trim_end());
            Outcome::Done
        }
        Err(error) => {
            output::complain(&format!("error[E0901]: {error}"));
            Outcome::Fault
        }
    }
}

fn print(to: To, document: &Document) -> String {
    match to {
        To::Text => render::text(document),
        To::Markdown => render::markdown(document),
        To::Latex => render::latex(document),
        To::Html => {
            let body = render::html(document, &|latex| crate::report::mathml::block(latex).ok());
            let title = document.title.replace('&', "&amp;").replace('<', "&lt;");
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Derivation</title></head>\n<body>\n<pre>{title}</pre>\n{body}</body>\n</html>"
            )
        }
    }
}
