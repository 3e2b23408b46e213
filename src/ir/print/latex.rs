//! Expressions as LaTeX.

use super::{Level, Piece, Style};
use crate::ir::graph::{Graph, Node};
use crate::ir::op::{Form, Op, ReduceOp};

/// LaTeX, math mode.
pub(super) struct Latex;

fn at(level: Level, piece: &Piece) -> String {
    if piece.level >= level { piece.text.clone() } else { format!("\\left({}\\right)", piece.text) }
}

fn right(level: Level, piece: &Piece) -> String {
    if piece.minus { format!("\\left({}\\right)", piece.text) } else { at(level, piece) }
}

fn number(value: f64) -> String {
    use std::f64::consts::PI;
    let known = [(PI, "\\pi"), (2.0 * PI, "2\\pi"), (f64::INFINITY, "\\infty"), (f64::NEG_INFINITY, "-\\infty")];
    if let Some((_, name)) = known.iter().find(|(known, _)| *known == value) {
        return (*name).to_string();
    }
    let magnitude = value.abs();
    if value != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        if let Some((mantissa, exponent)) = text.split_once('e') {
            return format!("{mantissa} \\cdot 10^{{{exponent}}}");
        }
    }
    if magnitude == 0.5 {
        return format!("{}\\tfrac{{1}}{{2}}", if value < 0.0 { "-" } else { "" });
    }
    value.to_string()
}

/// A name in LaTeX: Greek letters by their commands, what follows `_` as a subscript, longer words upright.
pub fn name(name: &str) -> String {
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let head = word(parts.next().unwrap_or(name));
    let below: Vec<String> = parts.map(word).collect();
    if below.is_empty() { head } else { format!("{head}_{{{}}}", below.join(",")) }
}

fn word(word: &str) -> String {
    let letters = word.chars().count();
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric());
    if plain && letters > 1 && !word.chars().all(|c| c.is_ascii_digit()) {
        return format!("\\mathrm{{{word}}}");
    }
    word.chars().map(letter).collect::<Vec<_>>().concat()
}

fn letter(c: char) -> String {
    const GREEK: [(char, &str); 36] = [
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "varepsilon"),
        ('ζ', "zeta"),
        ('η', "eta"),
        ('θ', "theta"),
        ('ι', "iota"),
        ('κ', "kappa"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('ν', "nu"),
        ('ξ', "xi"),
        ('π', "pi"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('ς', "varsigma"),
        ('τ', "tau"),
        ('υ', "upsilon"),
        ('φ', "varphi"),
        ('χ', "chi"),
        ('ψ', "psi"),
        ('ω', "omega"),
        ('Γ', "Gamma"),
        ('Δ', "Delta"),
        ('Θ', "Theta"),
        ('Λ', "Lambda"),
        ('Ξ', "Xi"),
        ('Π', "Pi"),
        ('Σ', "Sigma"),
        ('Υ', "Upsilon"),
        ('Φ', "Phi"),
        ('Ψ', "Psi"),
        ('Ω', "Omega"),
        ('ℓ', "ell"),
    ];
    if let Some((_, name)) = GREEK.iter().find(|(greek, _)| *greek == c) {
        return format!("\\{name} ");
    }
    match c {
        '₀'..='₉' => format!("_{{{}}}", (c as u32).wrapping_sub('₀' as u32)),
        '′' => "'".to_string(),
        '⁺' => "^{+}".to_string(),
        '⁻' => "^{-}".to_string(),
        '\u{302}' => "\\hat{}".to_string(),
        _ => c.to_string(),
    }
}

/// Fills `#1`, `#2`, … of a template; an argument that the template does not delimit gets brackets unless an atom.
fn fill(template: &str, args: &[&Piece]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        let mut digits = after.chars();
        let arg = digits.next().and_then(|digit| digit.to_digit(10)).and_then(|at| args.get(at as usize - 1));
        rest = digits.as_str();
        let base = out.ends_with('{') && rest.starts_with("}^");
        let opens = ["{", "(", "|", "\\lfloor ", ", ", " + ", " - ", "} "];
        let closes = ["}", ")", "\\right|", "\\rfloor", ",", " \\", "\\\\", " &"];
        let delimited =
            !base && opens.iter().any(|open| out.ends_with(open)) && closes.iter().any(|close| rest.starts_with(close));
        if let Some(arg) = arg {
            out.push_str(&if delimited { arg.text.clone() } else { at(Level::Atom, arg) });
        }
    }
    out.push_str(rest);
    out
}

fn infix(op: Op, precedence: u8, args: &[&Piece]) -> Option<Piece> {
    let [a, b] = args else { return None };
    let level = match precedence {
        1 => Level::Or,
        2 => Level::And,
        4 => Level::Compare,
        5 => Level::Sum,
        6 => Level::Product,
        _ => return None,
    };
    let tighter = if op == Op::Sub { Level::Reduction } else { level };
    let first = if level == Level::Compare { Level::Sum } else { level };
    let left = at(first, a);
    let last = if level == Level::Product && b.level == Level::Reduction {
        b.text.clone()
    } else {
        right(if level == Level::Compare { Level::Sum } else { tighter }, b)
    };
    let text = op.info().latex.replace("#1", &left).replace("#2", &last);
    Some(Piece { text, level, minus: left.starts_with('-') })
}

impl Style for Latex {
    fn unequal(&self, a: &Piece, b: &Piece) -> Option<Piece> {
        let text = format!("{} \\ne {}", at(Level::Sum, a), right(Level::Sum, b));
        Some(Piece { text, level: Level::Compare, minus: a.minus })
    }

    fn constant(&self, value: f64) -> Piece {
        let text = number(value);
        let minus = text.starts_with('-');
        let level = if minus || text.contains("cdot") || text == "2\\pi" { Level::Product } else { Level::Atom };
        Piece { text, level, minus }
    }

    fn load(&self, name: &str, index: &[String]) -> Piece {
        let name = self::name(name);
        if index.is_empty() {
            return Piece::atom(name);
        }
        // A name with a subscript of its own takes the index in brackets.
        let index = index.join(",");
        Piece::atom(if name.contains('_') { format!("{name}[{index}]") } else { format!("{name}_{{{index}}}") })
    }

    fn size(&self, axis: &str) -> Piece {
        Piece::atom(name(axis))
    }

    fn apply(&self, _: &Graph, node: &Node, args: &[&Piece]) -> Piece {
        let Node::Apply(op, _) = node else { return Piece::atom("?") };
        match (op, args) {
            (Op::Div | Op::ZeroDiv, _) => {
                return Piece { text: fill(op.info().latex, args), level: Level::Power, minus: false };
            }
            (Op::Neg, [x]) => {
                return Piece { text: format!("-{}", right(Level::Product, x)), level: Level::Product, minus: true };
            }
            (Op::XLogY, [a, b]) => {
                let log = fill("\\log #1", &[b]);
                return Piece {
                    text: format!("{}\\,{log}", at(Level::Product, a)),
                    level: Level::Product,
                    minus: a.minus,
                };
            }
            (Op::XLog1pY, [a, b]) => {
                let text = format!("{}\\,\\log\\left(1 + {}\\right)", at(Level::Product, a), right(Level::Sum, b));
                return Piece { text, level: Level::Product, minus: a.minus };
            }
            (Op::Select, _) => return Piece { text: fill(op.info().latex, args), level: Level::Atom, minus: false },
            _ => {}
        }
        if let Form::Infix(_, precedence) = op.info().form
            && let Some(piece) = infix(*op, precedence, args)
        {
            return piece;
        }
        let text = fill(op.info().latex, args);
        // `\log x` ends where the next factor begins: as a factor it stands like a power.
        let open = op.info().latex.ends_with("#1");
        let power = op.info().latex.contains('^');
        let level = if open || power { Level::Power } else { Level::Atom };
        Piece { text, level, minus: false }
    }

    fn index(&self, var: &str) -> String {
        name(var).trim_end().to_string()
    }

    fn reduce(&self, _: &Graph, node: &Node, var: &str, body: &Piece, cond: Option<&Piece>) -> Piece {
        let Node::Reduce { op, .. } = node else { return Piece::atom("?") };
        let head = match op {
            ReduceOp::Sum => "\\sum".to_string(),
            ReduceOp::Prod => "\\prod".to_string(),
            ReduceOp::Max | ReduceOp::Min => format!("\\{}", op.name()),
            _ => format!("\\operatorname*{{{}}}", op.name()),
        };
        let below = cond.map_or(var.to_string(), |cond| format!("{var}:\\,{}", cond.text));
        if *op == ReduceOp::Norm {
            return Piece::atom(format!("\\left\\lVert {}\\right\\rVert_{{{below}}}", body.text));
        }
        let body = if body.level >= Level::Product { body.text.clone() } else { at(Level::Product, body) };
        Piece { text: format!("{head}_{{{below}}} {body}"), level: Level::Reduction, minus: false }
    }
}
