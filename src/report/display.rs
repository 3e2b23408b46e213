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
    format!("data:image/svg+xml;base64,{}", base64(svg.as_str().as_bytes()))
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
    fn a_card_shows_what_it_was_given() {
        let svg = super::super::plot_lines("loss", "η", "nll", &[("k = 3", vec![(0.0, 1.0), (1.0, 0.5)])]).unwrap();
        let card = Card::new().text("a < b").formula(r"\lambda < 1").picture(&svg).evcxr();
        assert!(card.starts_with("EVCXR_BEGIN_CONTENT text/html\n") && card.ends_with("\nEVCXR_END_CONTENT\n"));
        assert!(card.contains("a &lt; b") && card.contains(r"$$\lambda &lt; 1$$"));
        assert!(card.contains("<img src=\"data:image/svg+xml;base64,PHN2Z"), "`<svg` in base64");
    }
}
