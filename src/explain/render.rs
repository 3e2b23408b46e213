//! A derivation as text, Markdown, LaTeX or HTML.

use super::document::{Block, Document, Section};

/// Plain text for a terminal.
pub fn text(document: &Document) -> String {
    let mut out = format!("{}\n", document.title);
    for (at, section) in document.sections.iter().enumerate() {
        out.push_str(&format!("\n{}. {}\n   {}\n", at + 1, section.title, section.reason));
        for block in &section.blocks {
            match block {
                Block::Text(text) => out.push_str(&format!("   {text}\n")),
                Block::Formula { text, .. } => out.push_str(&format!("\n       {text}\n")),
                Block::List(items) => items.iter().for_each(|item| out.push_str(&format!("   - {item}\n"))),
            }
        }
    }
    out
}

/// Markdown with formulas between dollars.
pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n", document.title);
    for (at, section) in document.sections.iter().enumerate() {
        out.push_str(&format!("\n## {}. {}\n\n*{}*\n", at + 1, section.title, section.reason));
        for block in &section.blocks {
            match block {
                Block::Text(text) => out.push_str(&format!("\n{text}\n")),
                Block::Formula { latex, .. } => out.push_str(&format!("\n$$\n{latex}\n$$\n")),
                Block::List(items) => {
                    out.push('\n');
                    items.iter().for_each(|item| out.push_str(&format!("- {item}\n")));
                }
            }
        }
    }
    out
}

/// A LaTeX document of its own (XeLaTeX or LuaLaTeX, for the Greek letters in the text).
pub fn latex(document: &Document) -> String {
    let mut out = String::from("\\documentclass{article}\n\\usepackage{amsmath,amssymb,fontspec}\n\\begin{document}\n");
    out.push_str(&format!("\\title{{{}}}\n\\date{{}}\n\\maketitle\n", latex_text(&document.title)));
    for section in &document.sections {
        out.push_str(&format!(
            "\n\\section{{{}}}\n\\emph{{{}}}\n",
            latex_text(&section.title),
            latex_text(&section.reason)
        ));
        for block in &section.blocks {
            match block {
                Block::Text(text) => out.push_str(&format!("\n{}\n", latex_text(text))),
                Block::Formula { latex, .. } => out.push_str(&format!("\\[\n{latex}\n\\]\n")),
                Block::List(items) => {
                    let items: String = items.iter().map(|item| format!("\\item {}\n", latex_text(item))).collect();
                    out.push_str(&format!("\\begin{{itemize}}\n{items}\\end{{itemize}}\n"));
                }
            }
        }
    }
    out.push_str("\\end{document}\n");
    out
}

fn latex_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
                out.push('\\');
                out.push(c);
            }
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            _ => out.push(c),
        }
    }
    out
}

/// An HTML fragment; `mathml` turns LaTeX into MathML, and what it cannot turn is shown as its plain text.
pub fn html(document: &Document, mathml: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::from("<div class=\"derivation\">\n");
    for (at, section) in document.sections.iter().enumerate() {
        out.push_str(&section_html(at + 1, section, mathml));
    }
    out.push_str("</div>\n");
    out
}

fn section_html(number: usize, section: &Section, mathml: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = format!(
        "<section>\n<h3>{number}. {}</h3>\n<p><em>{}</em></p>\n",
        escape(&section.title),
        escape(&section.reason)
    );
    for block in &section.blocks {
        match block {
            Block::Text(text) => out.push_str(&format!("<p>{}</p>\n", escape(text))),
            Block::Formula { text, latex } => match mathml(latex) {
                Some(math) => {
                    out.push_str(&format!("<div class=\"formula\" title=\"{}\">{math}</div>\n", escape(text)))
                }
                None => out.push_str(&format!("<pre class=\"formula\">{}</pre>\n", escape(text))),
            },
            Block::List(items) => {
                let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
                out.push_str(&format!("<ul>\n{items}</ul>\n"));
            }
        }
    }
    out.push_str("</section>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
