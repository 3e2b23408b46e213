//! Operators and choices on numbers: supports, shapes and units of their operands.

use super::elaborate::{Ctx, Elaborator};
use std::sync::Arc;

use super::value::{Kind, Num, Value, VectorKind, anonymous_fit, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::op::Op;
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, ExprId, ExprKind, UnaryOp};

/// An operator between two operands, as it is written.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    pub op: BinaryOp,
    pub op_span: Span,
    pub lhs: ExprId,
    pub rhs: ExprId,
    /// All of it.
    pub span: Span,
}

impl Elaborator<'_> {
    pub(super) fn unary(&mut self, ctx: &Ctx, op: UnaryOp, operand: ExprId, span: Span) -> Value {
        let Some(num) = self.number(ctx, operand) else { return Value::Error };
        let (wanted, op) = match op {
            UnaryOp::Neg => (Kind::Real, Op::Neg),
            UnaryOp::Not => (Kind::Bool, Op::Not),
        };
        if !self.expect_kind(ctx, &num, wanted, span) {
            return Value::Error;
        }
        let node = self.graph.apply(op, &[num.node]);
        Value::Num(Num { node, vector: VectorKind::Plain, ..num })
    }

    pub fn expect_kind(&mut self, ctx: &Ctx, num: &Num, wanted: Kind, span: Span) -> bool {
        if num.kind == wanted || ctx.unit.trusted || self.graph.support(num.node).is_subset(Interval::BOOL) {
            return true;
        }
        if wanted == Kind::Real {
            return true; // true counts as 1, false as 0
        }
        let message = "a condition is needed here, and this is a number";
        self.report(
            Diagnostic::new(codes::E0504, self.place(ctx, span), message).help("compare it: `x > 0`, `y == 1`"),
        );
        false
    }

    /// `a + b + c …`: the left spine is walked without recursion, so that long chains are no deeper than short ones.
    pub(super) fn binary_chain(&mut self, ctx: &Ctx, id: ExprId) -> Value {
        let unit = Arc::clone(&ctx.unit);
        let mut spine = Vec::new();
        let mut leftmost = id;
        while let ExprKind::Binary { op, op_span, lhs, rhs } = &unit.ast.expr(leftmost).kind {
            let span = unit.ast.expr(leftmost).span;
            spine.push(Operator { op: *op, op_span: *op_span, lhs: *lhs, rhs: *rhs, span });
            leftmost = *lhs;
        }
        let mut value = self.eval(ctx, leftmost);
        // What the conditions so far have shown: each adds to it, so that long chains are walked once.
        let mut shown: Option<Ctx> = None;
        while let Some(at) = spine.pop() {
            shown = shown.filter(|_| at.op == BinaryOp::And);
            value = match at.op {
                BinaryOp::Mul => self.multiply(ctx, at, value),
                BinaryOp::And => self.and(ctx, at, &mut shown, value),
                _ => {
                    let right = self.eval(ctx, at.rhs);
                    self.binary(ctx, at, value, right)
                }
            };
        }
        value
    }

    fn binary(&mut self, ctx: &Ctx, at: Operator, left: Value, right: Value) -> Value {
        match (left, right) {
            (Value::Error, _) | (_, Value::Error) => Value::Error,
            (Value::Num(a), Value::Num(b)) => self.arithmetic(ctx, at, a, b),
            (left, right) => self.density_operator(ctx, at, left, right),
        }
    }

    fn arithmetic(&mut self, ctx: &Ctx, at: Operator, a: Num, b: Num) -> Value {
        if !self.align(ctx, &a, &b, at.span) {
            return Value::Error;
        }
        if !matches!(at.op, BinaryOp::Mul | BinaryOp::Div | BinaryOp::Pow) {
            self.check_same_unit(ctx, &a, &b, (at.lhs, at.rhs));
        }
        let (op, swap, kind) = match at.op {
            BinaryOp::Add => (Op::Add, false, Kind::Real),
            BinaryOp::Sub => (Op::Sub, false, Kind::Real),
            BinaryOp::Mul => (Op::Mul, false, Kind::Real),
            BinaryOp::Div => return self.divide(ctx, at, a, b),
            BinaryOp::Pow => return self.power(ctx, at, a, b),
            BinaryOp::Lt => (Op::Lt, false, Kind::Bool),
            BinaryOp::Le => (Op::Le, false, Kind::Bool),
            BinaryOp::Gt => (Op::Lt, true, Kind::Bool),
            BinaryOp::Ge => (Op::Le, true, Kind::Bool),
            BinaryOp::Eq | BinaryOp::Ne => (Op::Eq, false, Kind::Bool),
            BinaryOp::And => (Op::And, false, Kind::Bool),
            BinaryOp::Or => (Op::Or, false, Kind::Bool),
        };
        let arguments = if swap { [b.node, a.node] } else { [a.node, b.node] };
        let node = self.graph.apply(op, &arguments);
        let node = if at.op == BinaryOp::Ne { self.graph.apply(Op::Not, &[node]) } else { node };
        Value::Num(Num { node, axes: union_axes(&a.axes, &b.axes), kind, vector: VectorKind::Plain })
    }

    pub fn align(&mut self, ctx: &Ctx, a: &Num, b: &Num, span: Span) -> bool {
        if anonymous_fit(&self.graph, &a.axes, &b.axes) {
            return true;
        }
        let (left, right) = (self.axes_text(&a.axes), self.axes_text(&b.axes));
        let message = format!("the shapes do not fit: {left} on the left, {right} on the right");
        let diagnostic = Diagnostic::new(codes::E0402, self.place(ctx, span), message)
            .help("sized axes align from the right and must be equal; give axes names, such as `x : real[N, 3]`, to align them by name");
        self.report(diagnostic);
        false
    }

    fn divide(&mut self, ctx: &Ctx, at: Operator, a: Num, b: Num) -> Value {
        let nonzero = Interval::REAL.without_zero();
        if !self.check_domain(ctx, b.node, nonzero, at.rhs, "the divisor") {
            return Value::Error;
        }
        let node = self.graph.apply(Op::Div, &[a.node, b.node]);
        Value::Num(Num { node, axes: union_axes(&a.axes, &b.axes), kind: Kind::Real, vector: VectorKind::Plain })
    }

    fn power(&mut self, ctx: &Ctx, at: Operator, a: Num, b: Num) -> Value {
        let exponent = self.graph.support(b.node);
        let needed = if exponent.integral && exponent.is_nonneg() {
            Interval::REAL
        } else if exponent.integral {
            Interval::REAL.without_zero()
        } else if exponent.is_nonneg() {
            Interval::NONNEG
        } else {
            Interval::POSITIVE
        };
        if !self.check_domain(ctx, a.node, needed, at.lhs, "the base of this power") {
            return Value::Error;
        }
        let node = match self.graph.as_const(b.node) {
            Some(2.0) => self.graph.apply(Op::Square, &[a.node]),
            Some(1.0) => a.node,
            Some(-1.0) => {
                let one = self.graph.constant(1.0);
                self.graph.apply(Op::Div, &[one, a.node])
            }
            _ => self.graph.apply(Op::Pow, &[a.node, b.node]),
        };
        Value::Num(Num { node, axes: union_axes(&a.axes, &b.axes), kind: Kind::Real, vector: VectorKind::Plain })
    }

    /// `a·log b` with a ≥ 0 is the primitive that is 0 at a = 0, whatever b is; other products are products.
    fn multiply(&mut self, ctx: &Ctx, at: Operator, left: Value) -> Value {
        let Operator { lhs, rhs, span, .. } = at;
        if let Value::Num(a) = &left
            && self.graph.support(a.node).is_nonneg()
            && let Some((op, inner)) = self.logarithm_of(ctx, rhs)
        {
            let a = a.clone();
            return self.times_log(ctx, op, a, inner, span);
        }
        if let Some((op, inner)) = self.logarithm_of(ctx, lhs)
            && matches!(left, Value::Num(_))
        {
            let right = self.eval(ctx, rhs);
            if let Value::Num(b) = &right
                && self.graph.support(b.node).is_nonneg()
            {
                let b = b.clone();
                return self.times_log(ctx, op, b, inner, span);
            }
            return self.binary(ctx, at, left, right);
        }
        let right = self.eval(ctx, rhs);
        self.binary(ctx, at, left, right)
    }

    /// `log x`, `log1p(x)`: the argument of a logarithm that may be 0 when a factor beside it is 0.
    pub(super) fn logarithm_of(&self, ctx: &Ctx, id: ExprId) -> Option<(Op, ExprId)> {
        match &ctx.unit.ast.expr(id).kind {
            ExprKind::Call { callee, variates: None, args } => {
                let op = match callee.key.as_str() {
                    "log" => Op::XLogY,
                    "log1p" => Op::XLog1pY,
                    _ => return None,
                };
                match args.as_slice() {
                    [arg] => Some((op, arg.value)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(super) fn times_log(&mut self, ctx: &Ctx, op: Op, a: Num, inner: ExprId, span: Span) -> Value {
        let value = self.eval(ctx, inner);
        if let Value::Density(density) = value {
            let axes = union_axes(&a.axes, &density.axes);
            let node = self.graph.apply(Op::Mul, &[a.node, density.log]);
            return Value::Num(Num { node, axes, kind: Kind::Real, vector: VectorKind::Plain });
        }
        let Some(b) = self.as_number(ctx, value, span) else { return Value::Error };
        let needed = op.info().domain.get(1).copied().unwrap_or(Interval::REAL);
        let what = if op == Op::XLogY { "the argument of `log`" } else { "the argument of `log1p`" };
        if !self.check_domain(ctx, b.node, needed, inner, what) || !self.align(ctx, &a, &b, span) {
            return Value::Error;
        }
        let axes = union_axes(&a.axes, &b.axes);
        let node = self.graph.apply(op, &[a.node, b.node]);
        Value::Num(Num { node, axes, kind: Kind::Real, vector: VectorKind::Plain })
    }

    /// `a and b`: b is read knowing a.
    /// `shown` is what the left side shows when it holds, where that is known, and what both sides do afterwards.
    fn and(&mut self, ctx: &Ctx, at: Operator, shown: &mut Option<Ctx>, left: Value) -> Value {
        let Some(a) = self.as_number(ctx, left, ctx.unit.ast.expr(at.lhs).span) else { return Value::Error };
        let inner = shown.get_or_insert_with(|| self.knowing(ctx, a.node, true));
        let Some(b) = self.number(inner, at.rhs) else { return Value::Error };
        super::check::refine(&self.graph, b.node, true, &mut inner.refined);
        self.arithmetic(ctx, at, a, b)
    }

    pub(super) fn choose(&mut self, ctx: &Ctx, cond: ExprId, then: ExprId, other: ExprId, span: Span) -> Value {
        let Some(test) = self.number(ctx, cond) else {
            self.eval(ctx, then);
            self.eval(ctx, other);
            return Value::Error;
        };
        if !self.expect_kind(ctx, &test, Kind::Bool, ctx.unit.ast.expr(cond).span) {
            return Value::Error;
        }
        let yes = self.eval(&self.knowing(ctx, test.node, true), then);
        let no = self.eval(&self.knowing(ctx, test.node, false), other);
        match (yes, no) {
            (Value::Error, _) | (_, Value::Error) => Value::Error,
            (Value::Num(a), Value::Num(b)) => self.select(ctx, test, a, b, span),
            (Value::Density(a), Value::Density(b)) => self.select_density(ctx, test, *a, *b, span),
            _ => {
                let message = "one branch is a density and the other is not";
                self.fail(
                    Diagnostic::new(codes::E0501, self.place(ctx, span), message)
                        .help("make both densities, or put `nll(…)` around the density"),
                )
            }
        }
    }

    pub fn select(&mut self, ctx: &Ctx, test: Num, a: Num, b: Num, span: Span) -> Value {
        if !self.align(ctx, &a, &b, span) || !self.align(ctx, &test, &a, span) {
            return Value::Error;
        }
        let axes = union_axes(&union_axes(&a.axes, &b.axes), &test.axes);
        let kind = if a.kind == b.kind { a.kind } else { Kind::Real };
        // Inside the library, what is certain at this call is not asked: its formulas are for every call.
        let certain =
            if ctx.unit.trusted { self.graph.support(test.node).as_point() } else { self.graph.as_const(test.node) };
        let node = match certain {
            Some(0.0) => b.node,
            Some(_) => a.node,
            None => {
                let node = self.graph.apply(Op::Select, &[test.node, a.node, b.node]);
                let support = super::check::chosen_support(&self.graph, test.node, a.node, b.node);
                self.graph.narrow(node, support);
                node
            }
        };
        Value::Num(Num { node, axes, kind, vector: VectorKind::Plain })
    }
}
