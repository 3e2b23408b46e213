//! Cards for Jupyter: formulas as TeX, pictures as images, which even an untrusted notebook shows.
//!
//! evcxr takes rich output from the standard output between two markers. This module makes the text; the notebook
//! prints it in one `print!`.

use super::chart::Svg;
use super::html;

/// One output cell: text, formulas, pictures, in order.
#[derive(Debug, Clone, Default)]
pub struct Card {
    html: String,
}

impl Card {
    /// An empty card.
    pub fn new() -> Card {
        Card::default()
    }

    /// Adds a heading.
    pub fn heading(mut self, text: &str) -> Card {
        self.html.push_str(&format!("<h4>{}</h4>\n", html::escape(text)));
        self
    }

    /// Adds a paragraph.
    pub fn text(mut self, text: &str) -> Card {
        self.html.push_str(&format!("<p>{}</p>\n", html::escape(text)));
        self
    }

    /// Adds a paragraph that stands back: why something is done, how a picture is read.
    pub fn remark(mut self, text: &str) -> Card {
        self.html.push_str(&format!("<p><em>{}</em></p>\n", html::escape(text)));
        self
    }

    /// Adds points.
    pub fn list(mut self, items: &[String]) -> Card {
        let items: String = items.iter().map(|item| format!("<li>{}</li>\n", html::escape(item))).collect();
        self.html.push_str(&format!("<ul>\n{items}</ul>\n"));
        self
    }

    /// Adds text with its line breaks, as of a program or a message.
    pub fn preformatted(mut self, text: &str) -> Card {
        self.html.push_str(&format!("<pre>{}</pre>\n", html::escape(text)));
        self
    }

    /// Adds a formula of its own line, given as LaTeX.
    pub fn formula(mut self, latex: &str) -> Card {
        self.html.push_str(&format!("$${}$$\n", html::escape(latex)));
        self
    }

    /// Adds a picture.
    pub fn picture(mut self, svg: &Svg) -> Card {
        self.html.push_str(&format!("<img src=\"{}\">\n", data_uri(svg)));
        self
    }

    /// Adds a part of a page, its headings lower and its drawings as images.
    pub(super) fn section(mut self, html: &str) -> Card {
        self.html.push_str(&lowered(&with_images(html)));
        self
    }

    /// Adds a reference to a file beside the notebook.
    pub fn link(mut self, text: &str, href: &str) -> Card {
        self.html.push_str(&format!(
            "<p><a href=\"{}\" target=\"_blank\">{}</a></p>\n",
            html::escape(href),
            html::escape(text)
        ));
        self
    }

    /// Adds a table; the first cell of each row is its heading.
    pub fn table(mut self, head: &[String], rows: &[Vec<String>]) -> Card {
        self.html.push_str(&html::table(head, rows));
        self
    }

    /// The card as an HTML fragment.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The card between evcxr's markers: print it with one `print!`.
    pub fn evcxr(&self) -> String {
        format!("EVCXR_BEGIN_CONTENT text/html\n{}EVCXR_END_CONTENT\n", self.html)
    }
}

/// The picture as the address of an image.
pub fn data_uri(svg: &Svg) -> String {
    address(svg.as_str())
}

fn address(svg: &str) -> String {
    format!("data:image/svg+xml;base64,{}", base64(svg.as_bytes()))
}

/// Drawings within a page's HTML, none inside another, become images.
fn with_images(html: &str) -> String {
    let mut found = String::with_capacity(html.len() * 3 / 2);
    let mut rest = html;
    while let Some((before, drawing)) = rest.split_once("<svg") {
        let Some((inner, after)) = drawing.split_once("</svg>") else { break };
        found.push_str(before);
        found.push_str(&format!("<img src=\"{}\">", address(&format!("<svg{inner}</svg>"))));
        rest = after;
    }
    found + rest
}

/// A page's headings as those of a cell, whose notebook has its own.
fn lowered(html: &str) -> String {
    let levels = [("h3>", "h5>"), ("h2>", "h4>"), ("h1>", "h4>")];
    levels.iter().fold(html.to_owned(), |html, (from, to)| {
        html.replace(&format!("<{from}"), &format!("<{to}")).replace(&format!("</{from}"), &format!("</{to}"))
    })
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |six: u32| DIGITS.get(six as usize & 63).map_or('=', |d| char::from(*d));
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | group.get(i).map_or(0, |b| u32::from(*b)));
        for place in 0..4 {
            text.push(if place <= group.len() { digit(bits >> (18 - 6 * place)) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn base64_agrees_with_the_vectors_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }

    #[test]
    fn a_section_of_a_page_has_images_and_low_headings() {
        let page =
            "<h2>A</h2>\n<figure><svg w=\"1\"><path/></svg><figcaption>c</figcaption></figure><svg>x</svg><h3>B</h3>";
        let card = Card::new().section(page);
        let (first, second) = (base64(b"<svg w=\"1\"><path/></svg>"), base64(b"<svg>x</svg>"));
        let image = |data: &str| format!("<img src=\"data:image/svg+xml;base64,{data}\">");
        let expected = format!(
            "<h4>A</h4>\n<figure>{}<figcaption>c</figcaption></figure>{}<h5>B</h5>",
            image(&first),
            image(&second)
        );
        assert_eq!(card.html(), expected);
    }

    #[test]
    fn a_card_shows_what_it_was_given() {
        let svg = super::super::plot_lines("loss", "η", "nll", &[("k = 3", vec![(0.0, 1.0), (1.0, 0.5)])]).unwrap();
        let card = Card::new().text("a < b").formula(r"\lambda < 1").picture(&svg).evcxr();
        assert!(card.starts_with("EVCXR_BEGIN_CONTENT text/html\n") && card.ends_with("\nEVCXR_END_CONTENT\n"));
        assert!(card.contains("a &lt; b") && card.contains(r"$$\lambda &lt; 1$$"));
        assert!(card.contains("<img src=\"data:image/svg+xml;base64,PHN2Z"), "`<svg` in base64");
    }
}
