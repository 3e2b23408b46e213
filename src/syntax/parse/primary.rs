//! Primaries: numbers, calls, choices, lengths, and the heads of reducers.

use pest::iterators::Pair;

use super::expr::{Chain, Operand, Pending, Shape};
use super::{Builder, Rule};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{Arg, Axis, Binder, ExprId, ExprKind, Name, Reducer};

impl<'a> Builder<'a> {
    pub(super) fn number(&mut self, item: &Pair<'a, Rule>) -> ExprKind {
        let kind = number_kind(item.as_str());
        if let ExprKind::Number { value, text } = &kind {
            let mantissa = text.split(['e', 'E']).next().unwrap_or("");
            let vanished = *value == 0.0 && mantissa.contains(|c: char| ('1'..='9').contains(&c));
            if value.is_infinite() || vanished {
                let how =
                    if vanished { "smaller than 5e-324, the smallest" } else { "larger than 1.8e308, the largest" };
                let message = format!("this number is {how} that a 64-bit float holds");
                let span = self.span(item);
                let mut diagnostic = Diagnostic::new(codes::E0107, span, message);
                if vanished {
                    diagnostic = diagnostic.fix("write 0 if zero is meant", span, "0");
                } else {
                    diagnostic = diagnostic.fix("write `inf` if infinity is meant", span, "inf");
                }
                self.report(diagnostic);
                return ExprKind::Error;
            }
        }
        kind
    }

    pub(super) fn norm(&mut self, item: &Pair<'a, Rule>, outer: Span) -> ExprKind {
        let args = item.clone().into_inner().map(|inner| Arg { name: None, value: self.expression(&inner) }).collect();
        let callee = Name { text: "norm".to_owned(), key: "norm".to_owned(), span: outer };
        ExprKind::Call { callee, variates: None, args }
    }

    /// Makes a call of the name before an argument list.
    pub(super) fn call(&mut self, chain: &mut Chain, item: &Pair<'a, Rule>) {
        let mut variates = None;
        let mut args = Vec::new();
        for part in item.clone().into_inner() {
            match part.as_rule() {
                Rule::bar => {
                    let before = self.variates(std::mem::take(&mut args), self.span(&part));
                    variates = Some(before);
                }
                _ => args.push(self.argument(&part)),
            }
        }
        let span = self.span(item);
        let Some(current) = chain.current.as_mut() else { return };
        let ExprKind::Name(callee) = self.ast.expr(current.operand.id).kind.clone() else { return };
        let outer = current.operand.outer.to(span);
        let id = self.ast.push(ExprKind::Call { callee, variates, args }, outer);
        current.operand = Operand { id, outer };
        current.shape = Shape::Other;
    }

    fn variates(&mut self, args: Vec<Arg>, bar: Span) -> Vec<ExprId> {
        if args.is_empty() {
            let message = "nothing stands left of the bar: expected what was observed";
            self.report(Diagnostic::new(codes::E0110, bar, message));
            return vec![self.error_expr(bar)];
        }
        for name in args.iter().filter_map(|arg| arg.name.as_ref()) {
            let message = format!("`{} =` stands left of the bar: only parameters are named", name.text);
            self.report(Diagnostic::new(codes::E0110, name.span, message));
        }
        args.into_iter().map(|arg| arg.value).collect()
    }

    fn argument(&mut self, item: &Pair<'a, Rule>) -> Arg {
        let mut arg = Arg { name: None, value: ExprId(u32::MAX) };
        for part in item.clone().into_inner() {
            match part.as_rule() {
                Rule::name => arg.name = Some(self.name(&part)),
                _ => arg.value = self.expression(&part),
            }
        }
        arg
    }

    pub(super) fn conditional(&mut self, item: &Pair<'a, Rule>) -> ExprKind {
        let inner = item.clone().into_inner();
        let mut starts: Vec<Span> =
            inner.filter(|part| part.as_rule() == Rule::kw_if).map(|word| self.span(&word)).collect();
        let parts = item.clone().into_inner().filter(|part| part.as_rule() == Rule::expression);
        let mut parts: Vec<Operand> = parts.map(|part| self.outer_expression(&part)).collect();
        let Some(mut other) = parts.pop() else { return ExprKind::Error };
        while let (Some(then), Some(cond)) = (parts.pop(), parts.pop()) {
            let kind = ExprKind::If { cond: cond.id, then: then.id, other: other.id };
            if parts.is_empty() {
                return kind;
            }
            let outer = starts.pop().unwrap_or(cond.outer).to(other.outer);
            other = Operand { id: self.ast.push(kind, outer), outer };
        }
        ExprKind::Error
    }

    // ---- reducers

    pub(super) fn reducer(&mut self, item: &Pair<'a, Rule>) -> Pending {
        let word = item.clone().into_inner().next();
        let reducer = word.map_or(Reducer::Sum, |word| reducer_of(word.as_str()));
        let (binders, cond) = self.binders(item);
        Pending::Reduce { reducer, binders, cond, span: self.span(item) }
    }

    pub(super) fn counting(&mut self, item: &Pair<'a, Rule>) -> ExprKind {
        let (binders, cond) = self.binders(item);
        ExprKind::Reduce { reducer: Reducer::Count, binders, cond, body: None }
    }

    fn binders(&mut self, item: &Pair<'a, Rule>) -> (Vec<Binder>, Option<ExprId>) {
        let mut binders = Vec::new();
        let mut cond = None;
        for part in item.clone().into_inner() {
            match part.as_rule() {
                Rule::binder => {
                    let axis = part.clone().into_inner().find(|inner| inner.as_rule() == Rule::axis);
                    binders.push(Binder { name: self.inner_name(&part), axis: axis.map(|axis| self.axis(&axis)) });
                }
                Rule::condition => {
                    let inner = part.into_inner().find(|inner| inner.as_rule() == Rule::expression);
                    cond = inner.map(|inner| self.expression(&inner));
                }
                _ => {}
            }
        }
        (binders, cond)
    }

    pub(super) fn axis(&mut self, item: &Pair<'a, Rule>) -> Axis {
        match item.clone().into_inner().next() {
            Some(size) if size.as_rule() == Rule::axis_count => match size.as_str().parse() {
                Ok(count) => Axis::Sized(count, self.span(&size)),
                Err(_) => {
                    let span = self.span(&size);
                    let message = "this axis is longer than any memory: expected a size below 2⁶⁴";
                    self.report(Diagnostic::new(codes::E0107, span, message));
                    Axis::Sized(1, span)
                }
            },
            Some(name) => Axis::Named(self.name(&name)),
            None => Axis::Named(self.name(item)),
        }
    }
}

pub(super) fn constant(text: &str, key: &str, span: Span) -> ExprKind {
    ExprKind::Name(Name { text: text.to_owned(), key: key.to_owned(), span })
}

/// A number's value and text; infinite when it is too large.
pub(super) fn number_kind(written: &str) -> ExprKind {
    let text: String = written.chars().filter(|c| *c != '_').map(|c| if c == '−' { '-' } else { c }).collect();
    let value = text.parse().unwrap_or(f64::INFINITY);
    ExprKind::Number { value, text }
}

/// The reducer that a word or sign stands for; `sum` for any other.
pub(super) fn reducer_of(word: &str) -> Reducer {
    match word {
        "prod" | "∏" => Reducer::Prod,
        "mean" => Reducer::Mean,
        "max" => Reducer::Max,
        "min" => Reducer::Min,
        "logsumexp" => Reducer::LogSumExp,
        "any" => Reducer::Any,
        "all" => Reducer::All,
        "count" => Reducer::Count,
        _ => Reducer::Sum,
    }
}
