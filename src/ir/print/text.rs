//! Expressions as text.

use super::{Level, Piece, Style};
use crate::ir::graph::{Graph, Node};
use crate::ir::op::{Form, Op, ReduceOp};

/// For reading: primitives without a spelling of their own print as what they compute.
pub(super) struct Text;

/// For the listing: every primitive by its own name.
pub(super) struct Exact;

/// The expression in brackets unless it binds at least as tightly as `level`.
fn at(level: Level, piece: &Piece) -> String {
    if piece.level >= level { piece.text.clone() } else { format!("({})", piece.text) }
}

/// The same for a right operand, where a leading minus also asks for brackets.
fn right(level: Level, piece: &Piece) -> String {
    if piece.minus { format!("({})", piece.text) } else { at(level, piece) }
}

fn number(value: f64) -> String {
    use std::f64::consts::PI;
    let known = [(PI, "π"), (2.0 * PI, "2·π"), (f64::INFINITY, "∞"), (f64::NEG_INFINITY, "-∞")];
    match known.iter().find(|(known, _)| *known == value) {
        Some((_, name)) => (*name).to_string(),
        None => crate::diag::number(value),
    }
}

fn constant(value: f64) -> Piece {
    let text = number(value);
    let minus = text.starts_with('-');
    let level = if minus || text.contains('·') { Level::Product } else { Level::Atom };
    Piece { text, level, minus }
}

fn infix(symbol: &str, level: Level, a: &Piece, b: &Piece, strict: bool) -> Piece {
    let tighter = match level {
        Level::Sum if strict => Level::Reduction,
        Level::Product if strict => Level::Power,
        Level::Compare => Level::Sum,
        _ => level,
    };
    let first = if level == Level::Compare { Level::Sum } else { level };
    let spaced = if level == Level::Product { symbol.to_string() } else { format!(" {symbol} ") };
    let (left, tail) =
        (at(first, a), if level == Level::Product && !strict { product_tail(b) } else { right(tighter, b) });
    let minus = left.starts_with('-');
    Piece { text: format!("{left}{spaced}{tail}"), level, minus }
}

/// A reducer may end a product: `2·∑[i] x`.
fn product_tail(b: &Piece) -> String {
    if b.level == Level::Reduction { b.text.clone() } else { right(Level::Product, b) }
}

fn level_of(precedence: u8) -> Level {
    match precedence {
        1 => Level::Or,
        2 => Level::And,
        3 => Level::Not,
        4 => Level::Compare,
        5 => Level::Sum,
        6 => Level::Product,
        _ => Level::Power,
    }
}

fn call(name: &str, args: &[&Piece]) -> Piece {
    let args: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
    Piece::atom(format!("{name}({})", args.join(", ")))
}

fn apply(op: Op, args: &[&Piece]) -> Piece {
    match (op, op.info().form, args) {
        (Op::Pow, _, [a, b]) => Piece {
            text: format!("{}^{}", right(Level::Atom, a), right(Level::Atom, b)),
            level: Level::Power,
            minus: false,
        },
        (Op::Square, _, [x]) => {
            Piece { text: format!("{}²", right(Level::Atom, x)), level: Level::Power, minus: false }
        }
        (Op::Neg, _, [x]) => {
            Piece { text: format!("-{}", right(Level::Product, x)), level: Level::Product, minus: true }
        }
        (Op::Abs, _, [x]) => call("abs", &[x]),
        (Op::Select, _, [c, a, b]) => Piece {
            text: format!("if {} then {} else {}", at(Level::Or, c), at(Level::Or, a), b.text),
            level: Level::Choice,
            minus: false,
        },
        (_, Form::Infix(symbol, precedence), [a, b]) => {
            infix(symbol, level_of(precedence), a, b, matches!(op, Op::Sub | Op::Div | Op::ZeroDiv))
        }
        (_, Form::Prefix(symbol, precedence), [x]) => {
            let level = level_of(precedence);
            Piece { text: format!("{symbol}{}", at(level, x)), level, minus: false }
        }
        _ => call(op.info().name, args),
    }
}

fn reduce(op: ReduceOp, var: &str, body: &Piece, cond: Option<&Piece>) -> Piece {
    let head = match op {
        ReduceOp::Sum => "∑",
        ReduceOp::Prod => "∏",
        _ => op.name(),
    };
    let cond = cond.map_or(String::new(), |cond| format!(" where {}", cond.text));
    let body = if body.level >= Level::Product { body.text.clone() } else { format!("({})", body.text) };
    Piece { text: format!("{head}[{var}{cond}] {body}"), level: Level::Reduction, minus: false }
}

fn load(name: &str, index: &[String]) -> Piece {
    if index.is_empty() { Piece::atom(name) } else { Piece::atom(format!("{name}[{}]", index.join(", "))) }
}

impl Style for Exact {
    fn constant(&self, value: f64) -> Piece {
        constant(value)
    }

    fn load(&self, name: &str, index: &[String]) -> Piece {
        load(name, index)
    }

    fn size(&self, axis: &str) -> Piece {
        Piece::atom(axis)
    }

    fn apply(&self, _: &Graph, node: &Node, args: &[&Piece]) -> Piece {
        match node {
            Node::Apply(op @ (Op::MulZero | Op::ZeroDiv), _) => call(op.info().name, args),
            Node::Apply(op, _) => apply(*op, args),
            _ => Piece::atom("?"),
        }
    }

    fn reduce(&self, _: &Graph, node: &Node, var: &str, body: &Piece, cond: Option<&Piece>) -> Piece {
        match node {
            Node::Reduce { op, .. } => reduce(*op, var, body, cond),
            _ => Piece::atom("?"),
        }
    }
}

impl Style for Text {
    fn unequal(&self, a: &Piece, b: &Piece) -> Option<Piece> {
        Some(infix("≠", Level::Compare, a, b, false))
    }

    fn constant(&self, value: f64) -> Piece {
        constant(value)
    }

    fn load(&self, name: &str, index: &[String]) -> Piece {
        load(name, index)
    }

    fn size(&self, axis: &str) -> Piece {
        Piece::atom(axis)
    }

    fn apply(&self, graph: &Graph, node: &Node, args: &[&Piece]) -> Piece {
        match (node, args) {
            (Node::Apply(Op::XLogY, _), [a, b]) => infix("·", Level::Product, a, &call("log", &[b]), false),
            (Node::Apply(Op::XLog1pY, _), [a, b]) => infix("·", Level::Product, a, &call("log1p", &[b]), false),
            (Node::Apply(Op::SoftplusRatio, _), [_]) => {
                infix("/", Level::Product, &call("sigmoid", args), &call("softplus", args), true)
            }
            (Node::Apply(op @ (Op::MulZero | Op::ZeroDiv), _), _) => apply(*op, args),
            _ => Exact.apply(graph, node, args),
        }
    }

    fn reduce(&self, graph: &Graph, node: &Node, var: &str, body: &Piece, cond: Option<&Piece>) -> Piece {
        Exact.reduce(graph, node, var, body, cond)
    }
}
