//! Expressions: primaries, and the folding of flat operator chains by precedence.
//!
//! The fold keeps its own stack of operators, so a chain of any length costs no recursion; recursion happens only
//! through brackets and `if`, which the scan bounds. The tree's depth is bounded too: operators that nest to the right
//! (`--x`, `√√x`, `x^y^z`, reducers, `else if`) are counted here, through all brackets around them.

use pest::iterators::Pair;

use super::message::shorten;
use super::primary::{constant, number_kind};
use super::{Builder, Rule};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{Arg, BinaryOp, Binder, ExprId, ExprKind, Name, Reducer, UnaryOp};
use crate::syntax::names::{canonical, reducer_meant, superscript_digit};

/// Fixes that repeat more characters of the program than this are left out.
const MAX_QUOTED: usize = 200;

/// How deep operators and branches may nest; what walks the tree by recursion relies on it.
const MAX_DEPTH: usize = 256;

/// Binding powers, loosest first; a reducer's body is one product.
mod power {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const COMPARE: u8 = 4;
    pub const SUM: u8 = 5;
    pub const REDUCE: u8 = 6;
    pub const PRODUCT: u8 = 7;
    pub const MINUS: u8 = 8;
    pub const POWER: u8 = 9;
}

/// A prefix or infix operator that waits for its right operand.
pub(super) enum Pending {
    Infix(BinaryOp, Span),
    Prefix(UnaryOp, Span),
    Reduce { reducer: Reducer, binders: Vec<Binder>, cond: Option<ExprId>, span: Span },
}

impl Pending {
    fn power(&self) -> u8 {
        match self {
            Pending::Infix(op, _) => infix_power(*op),
            Pending::Prefix(UnaryOp::Neg, _) => power::MINUS,
            Pending::Prefix(UnaryOp::Not, _) => power::NOT,
            Pending::Reduce { .. } => power::REDUCE,
        }
    }
}

fn infix_power(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => power::OR,
        BinaryOp::And => power::AND,
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => power::COMPARE,
        BinaryOp::Add | BinaryOp::Sub => power::SUM,
        BinaryOp::Mul | BinaryOp::Div => power::PRODUCT,
        BinaryOp::Pow => power::POWER,
    }
}

/// A finished operand: the expression, and its place with the brackets around it.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) id: ExprId,
    pub(super) outer: Span,
}

/// What an operand looks like, for `f x` and for the messages about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Name,
    Indexed,
    Raised,
    Applied,
    Number,
    Conditional,
    Other,
}

/// The operand that is being read: a primary, and what follows it so far.
pub(super) struct Current {
    pub(super) operand: Operand,
    pub(super) shape: Shape,
    pub(super) roots: Vec<Span>,
    /// `log` of `log λ`.
    pub(super) callee: Option<Name>,
}

/// The state of one chain.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) operands: Vec<Operand>,
    pub(super) pending: Vec<Pending>,
    pub(super) roots: Vec<Span>,
    pub(super) callee: Option<Name>,
    pub(super) current: Option<Current>,
    /// True when the chain is more than one primary.
    pub(super) compound: bool,
    /// True when a mistake leaves open what was meant: the whole chain becomes an `Error`, so that later stages
    /// add nothing to the message.
    pub(super) unclear: bool,
}

impl<'a> Builder<'a> {
    /// Builds an `expression` pair.
    pub(super) fn expression(&mut self, pair: &Pair<'a, Rule>) -> ExprId {
        self.outer_expression(pair).id
    }

    pub(super) fn outer_expression(&mut self, pair: &Pair<'a, Rule>) -> Operand {
        let mut chain = Chain { compound: pair.clone().into_inner().nth(1).is_some(), ..Chain::default() };
        let around = self.depth;
        for item in pair.clone().into_inner() {
            if self.too_deep(&mut chain, &item, around) {
                break;
            }
            self.item(&mut chain, &item);
        }
        self.depth = around;
        self.close_operand(&mut chain, false);
        while let Some(pending) = chain.pending.pop() {
            self.apply(&mut chain, pending);
        }
        let span = self.span(pair);
        let operand = chain.operands.pop().filter(|_| !chain.unclear);
        operand.unwrap_or_else(|| Operand { id: self.error_expr(span), outer: span })
    }

    /// Counts what nests to the right, and says where it is too much.
    fn too_deep(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>, around: usize) -> bool {
        let nests = |pending: &&Pending| !matches!(pending, Pending::Infix(op, _) if *op != BinaryOp::Pow);
        match item.as_rule() {
            Rule::negate | Rule::complement | Rule::reducer | Rule::root => self.depth += 1,
            Rule::operator if matches!(item.as_str(), "^" | "**") => self.depth += 1,
            Rule::operator => self.depth = around + chain.pending.iter().filter(nests).count(),
            Rule::conditional => {
                self.depth += item.clone().into_inner().filter(|part| part.as_rule() == Rule::kw_if).count();
            }
            _ => return false,
        }
        if self.depth <= MAX_DEPTH {
            return false;
        }
        let (span, message) = (self.span(item), format!("more than {MAX_DEPTH} operators or branches are nested here"));
        self.report(
            Diagnostic::new(codes::E0105, span, message).help("name the inner parts: `a = …`, and use the names"),
        );
        chain.unclear = true;
        true
    }

    fn item(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>) {
        let span = self.span(item);
        match item.as_rule() {
            Rule::negate => chain.pending.push(Pending::Prefix(UnaryOp::Neg, span)),
            Rule::complement => chain.pending.push(Pending::Prefix(UnaryOp::Not, span)),
            Rule::reducer => {
                let reduce = self.reducer(item);
                chain.pending.push(reduce);
            }
            Rule::root => chain.roots.push(span),
            Rule::operator => self.operator(chain, item.as_str(), span),
            Rule::beside => self.beside(chain, span),
            Rule::arguments => self.call(chain, item),
            Rule::subscript => self.subscript(chain, item),
            Rule::superscript => self.superscript(chain, item),
            _ => self.primary(chain, item),
        }
    }

    // ---- operators

    fn operator(&mut self, chain: &mut Chain, text: &str, span: Span) {
        let op = self.binary_op(text, span);
        self.close_operand(chain, op == BinaryOp::Pow);
        self.infix(chain, op, span);
    }

    fn binary_op(&mut self, text: &str, span: Span) -> BinaryOp {
        let habit = |wanted: &str| {
            let message = format!("`{text}` is not an operator of this language: expected `{wanted}`");
            Diagnostic::new(codes::E0110, span, message).fix(format!("write `{wanted}`"), span, wanted)
        };
        match text {
            "+" => BinaryOp::Add,
            "-" | "−" => BinaryOp::Sub,
            "*" | "·" | "×" => BinaryOp::Mul,
            "/" => BinaryOp::Div,
            "^" => BinaryOp::Pow,
            "<" => BinaryOp::Lt,
            "<=" | "≤" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" | "≥" => BinaryOp::Ge,
            "==" => BinaryOp::Eq,
            "!=" | "≠" => BinaryOp::Ne,
            "and" => BinaryOp::And,
            "or" => BinaryOp::Or,
            "**" => {
                self.report(habit("^"));
                BinaryOp::Pow
            }
            "&&" => {
                self.report(habit("and"));
                BinaryOp::And
            }
            "||" => {
                self.report(habit("or"));
                BinaryOp::Or
            }
            _ => {
                let message = "found `=` where two values are compared: expected `==`";
                self.report(Diagnostic::new(codes::E0114, span, message).fix("write `==`", span, "=="));
                BinaryOp::Eq
            }
        }
    }

    fn infix(&mut self, chain: &mut Chain, op: BinaryOp, span: Span) {
        let incoming = infix_power(op);
        let right_associative = op == BinaryOp::Pow;
        while let Some(top) = chain.pending.last() {
            let binds = top.power() > incoming || (top.power() == incoming && !right_associative);
            if !binds {
                break;
            }
            if let Some(pending) = chain.pending.pop() {
                if incoming == power::COMPARE && pending.power() == power::COMPARE {
                    self.comparison_chain(chain, span);
                }
                self.apply(chain, pending);
            }
        }
        chain.pending.push(Pending::Infix(op, span));
    }

    fn comparison_chain(&mut self, chain: &mut Chain, span: Span) {
        chain.unclear = true;
        let message = "a comparison has two sides, and this one goes on";
        let mut diagnostic = Diagnostic::new(codes::E0117, span, message);
        if let Some(middle) = chain.operands.last() {
            let text = self.source_text(middle.outer);
            let at = Span::new(middle.outer.end as usize, middle.outer.end as usize);
            diagnostic = self.fix_quoting(diagnostic, "compare twice", at, format!(" and {text}"));
        }
        self.report(diagnostic);
    }

    /// The text under a span of the original file; cut short where it is too long to be quoted.
    fn source_text(&self, span: Span) -> String {
        self.source.slice(span).chars().take(MAX_QUOTED).collect()
    }

    /// Adds a fix that repeats program text, unless that text is too long to be repeated.
    fn fix_quoting(&self, diagnostic: Diagnostic, message: &str, span: Span, text: String) -> Diagnostic {
        if text.chars().count() >= MAX_QUOTED { diagnostic } else { diagnostic.fix(message, span, text) }
    }

    fn apply(&mut self, chain: &mut Chain, pending: Pending) {
        let Some(rhs) = chain.operands.pop() else { return };
        let (kind, outer) = match pending {
            Pending::Prefix(op, span) => (ExprKind::Unary(op, rhs.id), span.to(rhs.outer)),
            Pending::Reduce { reducer, binders, cond, span } => {
                (ExprKind::Reduce { reducer, binders, cond, body: Some(rhs.id) }, span.to(rhs.outer))
            }
            Pending::Infix(op, op_span) => {
                let Some(lhs) = chain.operands.pop() else { return };
                (ExprKind::Binary { op, op_span, lhs: lhs.id, rhs: rhs.id }, lhs.outer.to(rhs.outer))
            }
        };
        let id = self.ast.push(kind, outer);
        chain.operands.push(Operand { id, outer });
    }

    // ---- operands

    fn close_operand(&mut self, chain: &mut Chain, before_power: bool) {
        let Some(mut current) = chain.current.take() else { return };
        if let Some(callee) = current.callee.take() {
            chain.unclear |= !matches!(current.shape, Shape::Name | Shape::Indexed) || before_power;
            current = self.applied(callee, current, before_power);
        }
        for root in current.roots.drain(..).rev() {
            if current.shape == Shape::Raised || before_power {
                chain.unclear = true;
                self.ask_for_brackets("√", root, current.operand.outer);
            }
            let callee = Name { text: "√".to_owned(), key: "sqrt".to_owned(), span: root };
            current.operand = self.call_one(callee, root, current.operand);
        }
        chain.operands.push(current.operand);
    }

    fn call_one(&mut self, callee: Name, start: Span, argument: Operand) -> Operand {
        let args = vec![Arg { name: None, value: argument.id }];
        let outer = start.to(argument.outer);
        let id = self.ast.push(ExprKind::Call { callee, variates: None, args }, outer);
        Operand { id, outer }
    }

    /// `f x`: one bare or indexed name, or a message.
    fn applied(&mut self, callee: Name, current: Current, before_power: bool) -> Current {
        if !matches!(current.shape, Shape::Name | Shape::Indexed) || before_power {
            self.ask_for_brackets(&callee.text, callee.span, current.operand.outer);
        }
        let start = callee.span;
        let operand = self.call_one(callee, start, current.operand);
        Current { operand, shape: Shape::Applied, ..current }
    }

    fn ask_for_brackets(&mut self, function: &str, callee: Span, argument: Span) {
        let whole = callee.to(argument);
        let text = self.source_text(argument);
        if let Some(reducer) = reducer_meant(&canonical(function)) {
            let message = format!("`{function}` is no function: a reducer has its index in square brackets");
            let diagnostic = Diagnostic::new(codes::E0111, callee, message);
            self.report(diagnostic.fix(format!("write `{reducer} …`"), callee, reducer));
            return;
        }
        let called = if function == "√" { "√" } else { function };
        let message = format!("`{called}` without brackets takes one bare or indexed name");
        let mut diagnostic = Diagnostic::new(codes::E0111, whole, message);
        let base = text.trim_end_matches(|c: char| superscript_digit(c).is_some() || matches!(c, '⁻' | '⁺'));
        if base.len() < text.len() {
            let raised = text.get(base.len()..).unwrap_or("");
            diagnostic = diagnostic.fix("the function of the power", whole, format!("{called}({text})")).fix(
                "the power of the function",
                whole,
                format!("{called}({base}){raised}"),
            );
        } else {
            let fixed = format!("{called}({text})");
            diagnostic = self.fix_quoting(diagnostic, "put brackets around its argument", whole, fixed);
            if text.starts_with(|c: char| c.is_ascii_digit()) {
                diagnostic = diagnostic.fix("or multiply", whole, format!("{called}·{text}"));
            }
        }
        self.report(diagnostic);
    }

    /// Two values side by side; `next` is where the second one starts.
    fn beside(&mut self, chain: &mut Chain, next: Span) {
        let name = chain.current.as_ref().filter(|current| current.shape == Shape::Name && current.callee.is_none());
        let name = name.map(|current| self.ast.expr(current.operand.id).kind.clone());
        if let Some(ExprKind::Name(name)) = name
            && !self.source.slice(Span::new(name.span.end as usize, next.start as usize)).contains('\n')
        {
            chain.roots = chain.current.take().map(|current| current.roots).unwrap_or_default();
            chain.callee = Some(name);
            return;
        }
        self.close_operand(chain, false);
        if let Some(left) = chain.operands.last().copied() {
            chain.unclear = true;
            let diagnostic = self.missing_operator(left, next);
            self.report(diagnostic);
            self.infix(chain, BinaryOp::Mul, left.outer);
        }
    }

    fn missing_operator(&self, left: Operand, next: Span) -> Diagnostic {
        let text = self.source.slice(left.outer);
        if self.touching_numbers(left) {
            let message = format!("`{}` is followed by more digits or points than a number has", shorten(text));
            return Diagnostic::new(codes::E0108, left.outer, message);
        }
        let tail: String = text.chars().skip(text.chars().count().saturating_sub(24)).collect();
        let message = format!("an operator is missing after `{tail}`: there is no implicit multiplication");
        let diagnostic = Diagnostic::new(codes::E0109, left.outer, message);
        let gap = Span::new(left.outer.end as usize, next.start as usize);
        if self.source.slice(gap).contains(['\n', '#']) {
            return diagnostic.help("a line that is indented deeper goes on with the statement above it");
        }
        diagnostic.fix("multiply", gap, "·")
    }

    /// `1.2.3`: a number, and the next character is a digit or a point.
    fn touching_numbers(&self, left: Operand) -> bool {
        let rest = self.source.text.get(left.outer.end as usize..).unwrap_or("");
        let number = matches!(self.ast.expr(left.id).kind, ExprKind::Number { .. });
        number && rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    }

    fn subscript(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>) {
        let indices: Vec<ExprId> = item.clone().into_inner().map(|index| self.expression(&index)).collect();
        let Some(current) = chain.current.as_mut() else { return };
        let outer = current.operand.outer.to(self.span(item));
        let base = current.operand.id;
        current.shape = match current.shape {
            Shape::Name | Shape::Indexed => Shape::Indexed,
            _ => Shape::Other,
        };
        let id = self.ast.push(ExprKind::Index { base, indices }, outer);
        current.operand = Operand { id, outer };
    }

    fn superscript(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>) {
        let span = self.span(item);
        let Some(current) = chain.current.as_mut() else { return };
        let digits: String = item.as_str().chars().filter_map(superscript_digit).collect();
        let mut rhs = self.ast.push(number_kind(&digits), span);
        if item.as_str().starts_with('⁻') {
            rhs = self.ast.push(ExprKind::Unary(UnaryOp::Neg, rhs), span);
        }
        let outer = current.operand.outer.to(span);
        let lhs = current.operand.id;
        let id = self.ast.push(ExprKind::Binary { op: BinaryOp::Pow, op_span: span, lhs, rhs }, outer);
        current.operand = Operand { id, outer };
        current.shape = Shape::Raised;
    }

    fn primary(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>) {
        let (operand, shape) = self.primary_operand(item);
        if shape == Shape::Conditional && chain.compound {
            let text = self.source_text(operand.outer);
            let message = "`if … then … else …` inside an operation needs brackets";
            let diagnostic = Diagnostic::new(codes::E0118, operand.outer, message);
            let fixed = format!("({text})");
            self.report(self.fix_quoting(diagnostic, "put brackets around it", operand.outer, fixed));
        }
        let roots = std::mem::take(&mut chain.roots);
        chain.current = Some(Current { operand, shape, roots, callee: chain.callee.take() });
    }

    /// A primary that stands by itself, as the ends of an interval do.
    pub(super) fn bare_primary(&mut self, item: &Pair<'a, Rule>) -> ExprId {
        self.primary_operand(item).0.id
    }

    fn primary_operand(&mut self, item: &Pair<'a, Rule>) -> (Operand, Shape) {
        let outer = self.span(item);
        let (kind, shape) = match item.as_rule() {
            Rule::number => (self.number(item), Shape::Number),
            Rule::boolean => (ExprKind::Bool(item.as_str() == "true"), Shape::Other),
            Rule::hole => (ExprKind::Hole, Shape::Other),
            Rule::infinity => (constant(item.as_str(), "inf", outer), Shape::Other),
            Rule::axis_size => (constant(item.as_str(), "batch", outer), Shape::Other),
            Rule::name => (ExprKind::Name(self.name(item)), Shape::Name),
            Rule::counting => (self.counting(item), Shape::Other),
            Rule::conditional => (self.conditional(item), Shape::Conditional),
            Rule::vector => {
                let items = item.clone().into_inner().map(|element| self.expression(&element)).collect();
                (ExprKind::Vector(items), Shape::Other)
            }
            Rule::norm => (self.norm(item, outer), Shape::Other),
            Rule::bracket => match item.clone().into_inner().next() {
                Some(inner) => return (Operand { id: self.expression(&inner), outer }, Shape::Other),
                None => (ExprKind::Error, Shape::Other),
            },
            _ => (ExprKind::Error, Shape::Other),
        };
        (Operand { id: self.ast.push(kind, outer), outer }, shape)
    }
}
