//! Pieces of HTML: escaping, tables, figures.

use super::chart::Svg;
use std::fmt::Write;

/// Text made safe for elements and attributes; control characters that no XML may hold become `�`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(c),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number for people: four significant digits, scientific where that is shorter.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.3e}").replace('-', "−");
    }
    let digits = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(0, 7) as usize };
    format!("{value:.digits$}").replace('-', "−")
}

/// A table; the first cell of each row is a heading, the others are numbers aligned to the right. Cells are text.
pub(super) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr>");
    for cell in head {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(cell));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let cell = escape(cell);
            let _ = if index == 0 {
                write!(html, "<th scope=\"row\">{cell}</th>")
            } else {
                write!(html, "<td>{cell}</td>")
            };
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// A picture with the sentence that says how to read it.
pub(super) fn figure(svg: &Svg, caption: &str) -> String {
    format!("<figure>{}<figcaption>{}</figcaption></figure>\n", svg.as_str(), escape(caption))
}

/// Program text with line numbers that are not part of what is copied.
pub(super) fn listing(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("<li><code>{}</code></li>", escape(line))).collect();
    format!("<ol class=\"listing\">{lines}</ol>\n")
}

/// The page's one style sheet.
pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fff; --soft: #666; --line: #d8d8dc; --wash: #f6f6f8; --shade: #0003; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --paper: #17181a; --soft: #a0a0a6; --line: #3a3b40; --wash: #202226; --shade: #fff4; }
  figure svg { filter: invert(0.92) hue-rotate(180deg); }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1.5rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; } p { max-width: 46rem; margin: .5rem 0; }
.facts { color: var(--soft); } .notice { border-left: 4px solid #d55e00; padding: .3rem .8rem; background: var(--wash); }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; width: 35rem; } figure svg { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .875rem; padding: .35rem .6rem 0; }
.scroll, .formula { overflow-x: auto; overflow-y: hidden; background: linear-gradient(to right, var(--paper) 50%, transparent) left, linear-gradient(to left, var(--paper) 50%, transparent) right,
  linear-gradient(to right, var(--shade), transparent) left, linear-gradient(to left, var(--shade), transparent) right; background-size: 2rem 100%, 2rem 100%, .7rem 100%, .7rem 100%; background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
pre.formula { white-space: pre; padding: .4rem 0; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; } th:last-child, td:last-child { padding-right: .3rem; } thead th { font-weight: 600; white-space: normal; min-width: 3rem; vertical-align: bottom; border-bottom: 2px solid var(--line); }
code, pre, .listing { font: .875rem/1.5 ui-monospace, monospace; }
pre, .listing { background: var(--wash); padding: .8rem 1rem; overflow-x: auto; border-radius: 6px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; } .listing { padding-left: 3.4rem; } .listing li::marker { color: var(--soft); } .listing code { white-space: pre-wrap; }
.hash { overflow-wrap: anywhere; } math { font-size: 1.1em; font-family: 'Latin Modern Math', 'STIX Two Math', 'Cambria Math', 'Libertinus Math', 'DejaVu Math TeX Gyre', math; } math[display=block] { margin: .6rem 0; }
summary { cursor: pointer; }
@media print { main { max-width: none; padding: 0; } figure, table, pre, .listing { break-inside: avoid; } h2 { break-after: avoid; } }
";
