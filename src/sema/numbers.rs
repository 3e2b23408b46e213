//! The numbers that names have: what stands behind `=` in a declaration, and what is given from outside.

use super::calls::plural;
use super::elaborate::Elaborator;
use super::library::Unit;
use super::value::VectorKind;
use crate::diag::{Diagnostic, codes, number};
use crate::ir::graph::{AxisId, InputRole, ROWS};
use crate::ir::support::Interval;
use crate::syntax::ast::{BinaryOp, Declaration, ExprId, ExprKind, Name, UnaryOp};

/// A constant's support: the smallest interval that has all its values.
pub(super) fn hull(values: Option<&[f64]>) -> Option<Interval> {
    values?.iter().map(|&value| Interval::point(value)).reduce(Interval::union)
}

impl Elaborator<'_> {
    /// The value that `--set` gives a name, in base units.
    pub(super) fn given_value(&mut self, name: &Name, support: Interval, factor: f64) -> Option<f64> {
        let value = self.options.set.get(&name.key)? * factor;
        if !support.contains(value) {
            let message = format!("`{}` is given the value {}, which is outside {support}", name.text, number(value));
            let help = format!("`{}` has its value from outside the program: give it another", name.text);
            self.report(Diagnostic::new(codes::E0203, name.span, message).note(support.to_string()).help(help));
            return None;
        }
        Some(value)
    }

    /// The value after `=` has the declared elements; how many they are may only be known with the data, and is then
    /// checked by [`crate::compile::Program::value_of`].
    pub(super) fn check_value(
        &mut self,
        declaration: &Declaration,
        (support, vector): (Interval, VectorKind),
        axes: &[AxisId],
        value: Option<&[f64]>,
    ) {
        let Some(id) = declaration.value else { return };
        let (span, name) = (self.program.ast.expr(id).span, &declaration.name.text);
        let Some(values) = value else {
            if super::free::unread(&self.program.ast, id) {
                return;
            }
            let message = format!("the value of `{name}` is a number or a vector of numbers");
            return self.report(Diagnostic::new(codes::E0115, span, message));
        };
        if let Some(bad) = values.iter().find(|&&x| !support.contains(x)) {
            let message = format!("`{name}` starts at {}, which is outside {support}", number(*bad));
            return self.report(Diagnostic::new(codes::E0203, span, message).note(support.to_string()));
        }
        let sizes = axes.iter().filter(|axis| **axis != ROWS).map(|&axis| self.graph.axis(axis).size);
        let Some(sizes) = sizes.collect::<Option<Vec<usize>>>() else { return };
        let (found, elements) = (values.len(), sizes.iter().product::<usize>());
        if found != elements && (found != 1 || vector != VectorKind::Plain) {
            let message = format!("`{name}` has {}, and its value {found}", plural(elements, "element"));
            let diagnostic = Diagnostic::new(codes::E0402, span, message);
            return self.report(diagnostic.help("a value is one number an element, or one number for all of them"));
        }
        let block: usize = sizes.iter().rev().take(vector.rank()).product();
        if !values.chunks(block).all(|block| vector.holds(block, 4.0 * f64::EPSILON)) {
            let message = format!("the value of `{name}` is not {}", vector.name());
            self.report(Diagnostic::new(codes::E0203, span, message).note(vector.name()));
        }
    }

    /// A number or vector of numbers as written: literals, constants, and arithmetic on them.
    pub(super) fn literal(&self, unit: &Unit, id: ExprId) -> Option<Vec<f64>> {
        let one = |id: ExprId| match self.literal(unit, id)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        };
        match &unit.ast.expr(id).kind {
            ExprKind::Number { value, .. } => Some(vec![*value]),
            ExprKind::Unary(UnaryOp::Neg, inner) => Some(self.literal(unit, *inner)?.iter().map(|x| -x).collect()),
            ExprKind::Vector(items) => items.iter().map(|&item| one(item)).collect(),
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let (a, b) = (one(*lhs)?, one(*rhs)?);
                let value = match op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Sub => a - b,
                    BinaryOp::Mul => a * b,
                    BinaryOp::Div => a / b,
                    BinaryOp::Pow => a.powf(b),
                    _ => return None,
                };
                Some(vec![value])
            }
            ExprKind::Name(name) => match name.key.as_str() {
                "pi" => Some(vec![std::f64::consts::PI]),
                "inf" => Some(vec![f64::INFINITY]),
                _ if unit.trusted => None,
                key => match self.by_key.get(key).and_then(|&at| self.names.get(at)) {
                    Some(info) => info.value.clone().filter(|_| info.role == InputRole::Const),
                    None => self.options.set.get(key).map(|&x| vec![x]),
                },
            },
            _ => None,
        }
    }

    pub(super) fn number_literal(&self, unit: &Unit, id: ExprId) -> Option<f64> {
        self.literal(unit, id).and_then(|values| if let [value] = *values { Some(value) } else { None })
    }
}
