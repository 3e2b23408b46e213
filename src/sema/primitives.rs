//! Calls of primitives, and reductions of a vector.

use std::sync::Arc;

use super::builtins::{Callable, VectorFunction};
use super::calls::{Argument, plural};
use super::elaborate::{Ctx, Elaborator};
use super::library::Unit;
use super::value::{Kind, Num, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{NodeId, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Formal, Name, Reducer};

impl Elaborator<'_> {
    /// A call of what is known as `own`: of a vector, or element by element.
    pub(super) fn builtin_call(
        &mut self,
        ctx: &Ctx,
        callee: &Name,
        own: Callable,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        if let Some(named) = arguments.iter().find_map(|argument| argument.name.as_ref()) {
            let message = format!("the arguments of `{}` have no names", callee.text);
            return self.fail(Diagnostic::new(codes::E0302, self.place(ctx, named.span), message));
        }
        if callee.key == "log"
            && let Some(Argument { value: Value::Density(density), .. }) = arguments.first()
        {
            return Value::Num(Num { axes: density.axes.clone(), ..Num::scalar(density.log) });
        }
        if let (1, Some(function)) = (arguments.len(), own.vector) {
            return self.vector_call(ctx, callee, function, arguments, span);
        }
        let arity = own.op.map_or(1, |op| op.info().arity);
        let fits = if own.folds() { !arguments.is_empty() } else { arguments.len() == arity };
        let Some(op) = own.op.filter(|_| fits) else {
            let (takes, given) = (plural(arity, "argument"), arguments.len());
            let message = format!("`{}` takes {takes}, and {given} given", callee.text);
            return self.fail(Diagnostic::new(codes::E0303, self.place(ctx, span), message));
        };
        self.primitive(ctx, callee, op, arguments, span)
    }

    pub(super) fn primitive(
        &mut self,
        ctx: &Ctx,
        callee: &Name,
        op: Op,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        let mut numbers: Vec<Num> = Vec::new();
        for (argument, domain) in arguments.iter().zip(op.info().domain.iter().cycle()) {
            let Some(num) = self.as_number(ctx, argument.value.clone(), argument.span) else { return Value::Error };
            let what = format!("the argument of `{}`", callee.text);
            if !self.check_domain(ctx, num.node, *domain, argument.id, &what) {
                return Value::Error;
            }
            self.check_plain(ctx, callee, op, argument, &num);
            if let Some(before) = numbers.last().cloned()
                && !self.align(ctx, &before, &num, span)
            {
                return Value::Error;
            }
            numbers.push(num);
        }
        let axes = numbers.iter().fold(Vec::new(), |axes, num| union_axes(&axes, &num.axes));
        let nodes: Vec<NodeId> = numbers.iter().map(|num| num.node).collect();
        let node = match (nodes.split_first(), op) {
            (Some((&first, rest)), Op::Max | Op::Min) => {
                rest.iter().fold(first, |node, &next| self.graph.apply(op, &[node, next]))
            }
            _ => self.graph.apply(op, &nodes),
        };
        Value::Num(Num { axes, ..Num::scalar(node) })
    }

    pub(super) fn vector_call(
        &mut self,
        ctx: &Ctx,
        callee: &Name,
        function: VectorFunction,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        let Some(argument) = arguments.into_iter().next() else { return Value::Error };
        if let Value::Density(_) = argument.value {
            let message = format!("`{}` has no meaning for densities", callee.text);
            return self.fail(
                Diagnostic::new(codes::E0502, self.place(ctx, span), message)
                    .help("a density multiplies over its axes by itself"),
            );
        }
        let Some(num) = self.as_number(ctx, argument.value, argument.span) else { return Value::Error };
        let Some((&var, outer)) = num.axes.split_last() else {
            let message = format!("`{}` takes a vector, but `{}` is a scalar", callee.text, argument.text);
            let diagnostic = Diagnostic::new(codes::E0401, self.place(ctx, argument.span), message);
            let bare = matches!(ctx.unit.ast.expr(argument.id).kind, ExprKind::Name(_));
            let rows = "the rows of the data are put together by lossc: by their mean, or with `reduce sum`";
            let over_rows = matches!(function, VectorFunction::Mean | VectorFunction::Reduce(ReduceOp::Sum));
            let diagnostic = match (bare, over_rows && ctx.call.is_none()) {
                (true, _) => {
                    diagnostic.help(format!("declare its axis, such as `{} : real[m]`; {rows}", argument.text))
                }
                (false, true) => diagnostic.fix(rows, span, argument.text),
                (false, false) => diagnostic.help(rows),
            };
            return self.fail(diagnostic);
        };
        let outer = outer.to_vec();
        let reducer = match function {
            VectorFunction::Reduce(op) => {
                let node = self.graph.reduce(op, var, num.node, None);
                return Value::Num(Num { axes: outer, ..Num::scalar(node) });
            }
            VectorFunction::CumSum => return self.cumsum(num, var),
            VectorFunction::Mean => Reducer::Mean,
            VectorFunction::Any => Reducer::Any,
            VectorFunction::All => Reducer::All,
        };
        Value::Num(self.reduce_number(reducer, &[var], num, None))
    }

    pub(super) fn cumsum(&mut self, num: Num, var: VarId) -> Value {
        let node = super::link::cumulative(&mut self.graph, num.node, var);
        let increasing = self.graph.support(num.node).is_positive();
        let vector = if increasing { VectorKind::Ordered } else { VectorKind::Plain };
        Value::Num(Num { node, axes: num.axes, kind: Kind::Real, vector })
    }

    /// The set and structure a formal states (`real` when it states none).
    pub fn formal_support(&mut self, unit: &Arc<Unit>, formal: &Formal) -> (Interval, VectorKind) {
        match &formal.support {
            Some(support) => self.support_expr(unit, support),
            None => (Interval::REAL, VectorKind::Plain),
        }
    }
}
