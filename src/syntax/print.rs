//! Trees back to text.
//!
//! [`print_expr`] writes an expression in the language itself, with the fewest brackets that read back as the same
//! tree. It keeps its own stack, so the depth of a tree costs no recursion.

use std::borrow::Cow;

use super::ast::{Arg, Ast, Axis, BinaryOp, Binder, ExprId, ExprKind, Name, Reducer, UnaryOp};
use super::names::{canonical, to_superscript, unicode};

/// Which spelling to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// Names as written, operators in Unicode.
    #[default]
    AsWritten,
    /// Everything in ASCII.
    Ascii,
    /// Greek letters, subscripts and signs.
    Unicode,
}

/// An expression as text, names as written.
pub fn print_expr(ast: &Ast, id: ExprId) -> String {
    print_expr_as(ast, id, Spelling::AsWritten)
}

/// An expression as text in a given spelling.
pub fn print_expr_as(ast: &Ast, id: ExprId, spelling: Spelling) -> String {
    let mut printer = Printer { ast, spelling, out: String::new(), work: vec![Work::Expr(id, FREE)] };
    printer.run();
    printer.out
}

/// Binding strengths; a part is bracketed when it binds looser than its place asks for.
const OUTERMOST: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 7;
const MINUS: u8 = 8;
const POWER: u8 = 9;
const POSTFIX: u8 = 10;
const ALWAYS: u8 = 255;

/// Where an expression is to be printed.
#[derive(Clone, Copy)]
struct Place {
    /// What binds looser than this is bracketed.
    strength: u8,
    /// True when nothing follows that a reducer printed here would take into its body.
    ends: bool,
}

const FREE: Place = Place { strength: OUTERMOST, ends: true };

enum Work<'a> {
    Expr(ExprId, Place),
    Text(Cow<'a, str>),
}

struct Printer<'a> {
    ast: &'a Ast,
    spelling: Spelling,
    out: String,
    work: Vec<Work<'a>>,
}

impl<'a> Printer<'a> {
    fn run(&mut self) {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Text(text) => self.out.push_str(&text),
                Work::Expr(id, place) => {
                    let mut parts = Vec::new();
                    let bracket = needs_brackets(self.ast, id, place);
                    let ends = bracket || place.ends;
                    if bracket {
                        parts.push(text("("));
                    }
                    self.parts(id, ends, &mut parts);
                    if bracket {
                        parts.push(text(")"));
                    }
                    self.work.extend(parts.into_iter().rev());
                }
            }
        }
    }

    fn parts(&self, id: ExprId, ends: bool, parts: &mut Vec<Work<'a>>) {
        match &self.ast.expr(id).kind {
            ExprKind::Number { text: digits, .. } => parts.push(text(digits.as_str())),
            ExprKind::Bool(value) => parts.push(text(if *value { "true" } else { "false" })),
            ExprKind::Name(name) => parts.push(self.name(name)),
            ExprKind::Hole => parts.push(text("_")),
            ExprKind::Error => parts.push(text("…")),
            ExprKind::Vector(items) => {
                parts.push(text("["));
                list(items, parts);
                parts.push(text("]"));
            }
            ExprKind::Index { base, indices } => {
                parts.push(Work::Expr(*base, inside(POSTFIX)));
                parts.push(text("["));
                list(indices, parts);
                parts.push(text("]"));
            }
            ExprKind::Call { callee, variates, args } => self.call(callee, variates.as_deref(), args, parts),
            ExprKind::Unary(UnaryOp::Neg, operand) => {
                parts.push(text("-"));
                parts.push(Work::Expr(*operand, Place { strength: MINUS, ends }));
            }
            ExprKind::Unary(UnaryOp::Not, operand) => {
                parts.push(text("not "));
                parts.push(Work::Expr(*operand, Place { strength: NOT, ends: true }));
            }
            ExprKind::Binary { op, lhs, rhs, .. } => self.binary(*op, (*lhs, *rhs), ends, parts),
            ExprKind::If { cond, then, other } => {
                parts.push(text("if "));
                parts.push(Work::Expr(*cond, FREE));
                parts.push(text(" then "));
                parts.push(Work::Expr(*then, FREE));
                parts.push(text(" else "));
                parts.push(Work::Expr(*other, FREE));
            }
            ExprKind::Reduce { reducer, binders, cond, body } => {
                self.reduce(*reducer, binders, *cond, *body, parts);
            }
        }
    }

    fn name(&self, name: &'a Name) -> Work<'a> {
        match (self.spelling, name.key.as_str()) {
            (Spelling::Unicode, "inf") => text("∞"),
            (Spelling::AsWritten, _) => text(name.text.as_str()),
            (Spelling::Ascii, _) => text(name.key.as_str()),
            (Spelling::Unicode, _) => Work::Text(Cow::Owned(unicode(&name.text))),
        }
    }

    /// A function's name: Greek is kept, but spelled names such as `gamma` stay words.
    fn callee(&self, name: &'a Name) -> Work<'a> {
        if name.text == "√" {
            return text("sqrt");
        }
        match self.spelling {
            Spelling::Ascii => Work::Text(Cow::Owned(canonical(&name.text))),
            _ => text(name.text.as_str()),
        }
    }

    fn call(&self, callee: &'a Name, variates: Option<&[ExprId]>, args: &'a [Arg], parts: &mut Vec<Work<'a>>) {
        parts.push(self.callee(callee));
        parts.push(text("("));
        if let Some(variates) = variates {
            list(variates, parts);
            parts.push(text(if args.is_empty() { " |" } else { " | " }));
        }
        for (position, arg) in args.iter().enumerate() {
            if position > 0 {
                parts.push(text(", "));
            }
            if let Some(name) = &arg.name {
                parts.push(self.name(name));
                parts.push(text(" = "));
            }
            parts.push(Work::Expr(arg.value, FREE));
        }
        parts.push(text(")"));
    }

    fn binary(&self, op: BinaryOp, (lhs, rhs): (ExprId, ExprId), ends: bool, parts: &mut Vec<Work<'a>>) {
        let own = binary_strength(op);
        if op == BinaryOp::Pow {
            // `z⁺²` would read as z to the power of +2.
            let signed = matches!(&self.ast.expr(lhs).kind, ExprKind::Name(name) if name.key.ends_with("_plus") || name.key.ends_with("_minus"));
            let raised = small_integer(self.ast, rhs).filter(|_| self.spelling != Spelling::Ascii && !signed);
            parts.push(Work::Expr(lhs, inside(POSTFIX)));
            match raised {
                Some(digits) => parts.push(text(digits)),
                None => {
                    parts.push(text("^"));
                    parts.push(Work::Expr(rhs, inside(MINUS)));
                }
            }
            return;
        }
        let (left, right) = if own == COMPARE { (own + 1, own + 1) } else { (own, own + 1) };
        let product = own == PRODUCT;
        parts.push(Work::Expr(lhs, Place { strength: left, ends: !product }));
        parts.push(text(self.sign(op)));
        parts.push(Work::Expr(rhs, Place { strength: right, ends: ends || !product }));
    }

    fn sign(&self, op: BinaryOp) -> &'static str {
        let ascii = self.spelling == Spelling::Ascii;
        match op {
            BinaryOp::Add => " + ",
            BinaryOp::Sub => " - ",
            BinaryOp::Mul if ascii => " * ",
            BinaryOp::Mul => "·",
            BinaryOp::Div => " / ",
            BinaryOp::Pow => "^",
            BinaryOp::Lt => " < ",
            BinaryOp::Le if ascii => " <= ",
            BinaryOp::Le => " ≤ ",
            BinaryOp::Gt => " > ",
            BinaryOp::Ge if ascii => " >= ",
            BinaryOp::Ge => " ≥ ",
            BinaryOp::Eq => " == ",
            BinaryOp::Ne if ascii => " != ",
            BinaryOp::Ne => " ≠ ",
            BinaryOp::And => " and ",
            BinaryOp::Or => " or ",
        }
    }

    fn reduce(
        &self,
        reducer: Reducer,
        binders: &'a [Binder],
        cond: Option<ExprId>,
        body: Option<ExprId>,
        parts: &mut Vec<Work<'a>>,
    ) {
        parts.push(text(reducer_word(reducer)));
        parts.push(text("["));
        for (position, binder) in binders.iter().enumerate() {
            if position > 0 {
                parts.push(text(", "));
            }
            parts.push(self.name(&binder.name));
            if let Some(axis) = &binder.axis {
                parts.push(text(" in "));
                parts.push(match axis {
                    Axis::Named(name) => self.name(name),
                    Axis::Sized(size, _) => Work::Text(Cow::Owned(size.to_string())),
                });
            }
        }
        if let Some(cond) = cond {
            parts.push(text(" where "));
            parts.push(Work::Expr(cond, FREE));
        }
        parts.push(text("]"));
        if let Some(body) = body {
            parts.push(text(" "));
            // `sum[i] [x]` would read as a second subscript.
            let strength = if starts_with_vector(self.ast, body) { ALWAYS } else { PRODUCT };
            parts.push(Work::Expr(body, Place { strength, ends: true }));
        }
    }
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Work<'a> {
    Work::Text(text.into())
}

fn list<'a>(items: &[ExprId], parts: &mut Vec<Work<'a>>) {
    for (position, &item) in items.iter().enumerate() {
        if position > 0 {
            parts.push(text(", "));
        }
        parts.push(Work::Expr(item, FREE));
    }
}

/// The word of a reducer.
pub fn reducer_word(reducer: Reducer) -> &'static str {
    match reducer {
        Reducer::Sum => "sum",
        Reducer::Prod => "prod",
        Reducer::Mean => "mean",
        Reducer::Max => "max",
        Reducer::Min => "min",
        Reducer::LogSumExp => "logsumexp",
        Reducer::Count => "count",
        Reducer::Any => "any",
        Reducer::All => "all",
    }
}

fn binary_strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => OR,
        BinaryOp::And => AND,
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => COMPARE,
        BinaryOp::Add | BinaryOp::Sub => SUM,
        BinaryOp::Mul | BinaryOp::Div => PRODUCT,
        BinaryOp::Pow => POWER,
    }
}

/// True when the first thing printed of an expression may be a `[`.
fn starts_with_vector(ast: &Ast, mut id: ExprId) -> bool {
    loop {
        match &ast.expr(id).kind {
            ExprKind::Vector(_) => return true,
            ExprKind::Binary { lhs, .. } => id = *lhs,
            ExprKind::Index { base, .. } => id = *base,
            _ => return false,
        }
    }
}

fn inside(strength: u8) -> Place {
    Place { strength, ends: false }
}

/// A reducer may stand unbracketed wherever a product's part may, if nothing follows that it would swallow.
fn needs_brackets(ast: &Ast, id: ExprId, place: Place) -> bool {
    match &ast.expr(id).kind {
        ExprKind::Reduce { body: Some(_), .. } => !place.ends || place.strength > PRODUCT + 1,
        _ => strength(ast, id) < place.strength,
    }
}

/// How strongly an expression holds together as it prints.
fn strength(ast: &Ast, id: ExprId) -> u8 {
    match &ast.expr(id).kind {
        ExprKind::Binary { op, .. } => binary_strength(*op),
        ExprKind::Unary(UnaryOp::Neg, _) => MINUS,
        ExprKind::Unary(UnaryOp::Not, _) => NOT,
        ExprKind::If { .. } => OUTERMOST,
        _ => POSTFIX,
    }
}

/// A whole number of at most two digits, raised.
fn small_integer(ast: &Ast, id: ExprId) -> Option<String> {
    match &ast.expr(id).kind {
        ExprKind::Number { text, .. } if text.len() <= 2 => text.chars().map(to_superscript).collect(),
        ExprKind::Unary(UnaryOp::Neg, inner) => match &ast.expr(*inner).kind {
            ExprKind::Number { text, .. } if text.len() <= 2 => {
                let digits: Option<String> = text.chars().map(to_superscript).collect();
                digits.map(|digits| format!("⁻{digits}"))
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;
    use crate::source::{Source, Span};
    use crate::syntax::ast::StmtKind;
    use crate::syntax::dump::dump_expr;
    use crate::syntax::parse;

    /// A tree to be put into an arena.
    #[derive(Clone, Debug)]
    enum Tree {
        Leaf(ExprKind),
        Vector(Vec<Tree>),
        Index(Box<Tree>, Vec<Tree>),
        Call(String, Option<Vec<Tree>>, Vec<(Option<String>, Tree)>),
        Unary(UnaryOp, Box<Tree>),
        Binary(BinaryOp, Box<Tree>, Box<Tree>),
        If(Box<Tree>, Box<Tree>, Box<Tree>),
        Reduce(Reducer, Option<Box<Tree>>, Box<Tree>),
    }

    fn named(text: &str) -> Name {
        Name { text: text.to_owned(), key: canonical(text), span: Span::default() }
    }

    fn build(ast: &mut Ast, tree: &Tree) -> ExprId {
        let kind = match tree {
            Tree::Leaf(kind) => kind.clone(),
            Tree::Vector(items) => ExprKind::Vector(items.iter().map(|item| build(ast, item)).collect()),
            Tree::Index(base, indices) => {
                let base = build(ast, base);
                ExprKind::Index { base, indices: indices.iter().map(|index| build(ast, index)).collect() }
            }
            Tree::Call(callee, variates, args) => {
                let variates = variates.as_ref().map(|all| all.iter().map(|tree| build(ast, tree)).collect());
                let args = args
                    .iter()
                    .map(|(name, value)| Arg { name: name.as_deref().map(named), value: build(ast, value) })
                    .collect();
                ExprKind::Call { callee: named(callee), variates, args }
            }
            Tree::Unary(op, operand) => ExprKind::Unary(*op, build(ast, operand)),
            Tree::Binary(op, lhs, rhs) => {
                let (lhs, rhs) = (build(ast, lhs), build(ast, rhs));
                ExprKind::Binary { op: *op, op_span: Span::default(), lhs, rhs }
            }
            Tree::If(cond, then, other) => {
                let (cond, then, other) = (build(ast, cond), build(ast, then), build(ast, other));
                ExprKind::If { cond, then, other }
            }
            Tree::Reduce(reducer, cond, body) => {
                let cond = cond.as_ref().map(|cond| build(ast, cond));
                let binders = vec![Binder { name: named("i"), axis: Some(Axis::Named(named("N"))) }];
                ExprKind::Reduce { reducer: *reducer, binders, cond, body: Some(build(ast, body)) }
            }
        };
        ast.push(kind, Span::default())
    }

    fn leaf() -> impl Strategy<Value = Tree> {
        let names = prop::sample::select(vec!["x", "λ", "sigma_1", "z_plus", "ŷ", "mean", "μ′", "hat_2"]);
        let numbers = prop::sample::select(vec!["0", "2", "10", "1.5", "1e-3", "123"]);
        prop_oneof![
            names.prop_map(|name| Tree::Leaf(ExprKind::Name(named(name)))),
            numbers
                .prop_map(|text| Tree::Leaf(ExprKind::Number { value: text.parse().unwrap(), text: text.to_owned() })),
            Just(Tree::Leaf(ExprKind::Hole)),
            Just(Tree::Leaf(ExprKind::Bool(true))),
        ]
    }

    fn tree() -> impl Strategy<Value = Tree> {
        use BinaryOp::{Add, And, Div, Eq, Ge, Gt, Le, Lt, Mul, Ne, Or, Pow, Sub};
        leaf().prop_recursive(5, 48, 3, |inner| {
            let boxed = inner.clone().prop_map(Box::new).boxed();
            let list = prop::collection::vec(inner.clone(), 1..3);
            let args = prop::collection::vec((prop::option::of(Just("mean".to_owned())), inner.clone()), 0..3);
            let op = prop::sample::select(vec![Add, Sub, Mul, Div, Pow, Lt, Le, Gt, Ge, Eq, Ne, And, Or, Mul, Pow, Sub]);
            let unary = prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]);
            let reducer = prop::sample::select(vec![Reducer::Sum, Reducer::Mean, Reducer::LogSumExp, Reducer::All]);
            prop_oneof![
                2 => list.clone().prop_map(Tree::Vector),
                2 => (boxed.clone(), list.clone()).prop_map(|(base, indices)| Tree::Index(base, indices)),
                3 => (prop::option::of(list), args).prop_map(|(variates, args)| Tree::Call("f".to_owned(), variates, args)),
                3 => (unary, boxed.clone()).prop_map(|(op, operand)| Tree::Unary(op, operand)),
                8 => (op, boxed.clone(), boxed.clone()).prop_map(|(op, lhs, rhs)| Tree::Binary(op, lhs, rhs)),
                2 => (boxed.clone(), boxed.clone(), boxed.clone()).prop_map(|(c, a, b)| Tree::If(c, a, b)),
                3 => (reducer, prop::option::of(boxed.clone()), boxed)
                    .prop_map(|(reducer, cond, body)| Tree::Reduce(reducer, cond, body)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_printed_tree_reads_back_as_itself(tree in tree()) {
            let mut ast = Ast::default();
            let id = build(&mut ast, &tree);
            for spelling in [Spelling::AsWritten, Spelling::Ascii, Spelling::Unicode] {
                let printed = print_expr_as(&ast, id, spelling);
                let (again, diagnostics) = parse(&Source::new("printed", format!("minimize {printed}")));
                prop_assert!(diagnostics.is_empty(), "{printed}: {diagnostics:?}");
                match again.stmts.first().map(|stmt| &stmt.kind) {
                    Some(StmtKind::Term { body, .. }) => {
                        prop_assert_eq!(dump_expr(&again, *body), dump_expr(&ast, id), "{}", printed);
                    }
                    other => prop_assert!(false, "{printed}: {other:?}"),
                }
            }
        }
    }
}
