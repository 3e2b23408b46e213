//! Calls with a meaning of their own: `nll`, `log_prob`, `mixture`, `discrete`.

use std::sync::Arc;

use super::calls::{Argument, Calling, plural};
use super::distributions::arguments_of;
use super::elaborate::{Ctx, Elaborator};
use super::library::{self, Unit};
use super::value::{Density, Factor, Form, Instance, Kind, Measure, Num, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Index, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::source::Span;
use crate::syntax::ast::{ClauseKind, DistDef, Formal, Name};

impl Elaborator<'_> {
    pub(super) fn nll(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        match arguments.into_iter().next().map(|argument| argument.value) {
            Some(Value::Density(density)) => {
                let node = self.graph.apply(Op::Neg, &[density.log]);
                Value::Num(Num { axes: density.axes, ..Num::scalar(node) })
            }
            Some(Value::Mixing(parts)) => {
                self.incomplete_mixture(&parts, self.place(ctx, span));
                Value::Error
            }
            Some(Value::Dist(dist)) => {
                self.missing_variate(&dist, self.place(ctx, span));
                Value::Error
            }
            _ => {
                let message = "`nll` takes a density and gives its negative logarithm";
                self.fail(Diagnostic::new(codes::E0305, self.place(ctx, span), message))
            }
        }
    }

    /// `log_prob(p, x)`: the log density of a distribution at another point.
    pub(super) fn log_prob(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let mut arguments = arguments.into_iter();
        let instance = arguments.next().and_then(|argument| instance_of(&argument.value).cloned());
        let Some(instance) = instance else {
            let message = "a distribution is needed here, such as `poisson(λ)`: not a product or mixture of them";
            return self.fail(Diagnostic::new(codes::E0305, self.place(ctx, span), message));
        };
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for argument in arguments {
            let Some(num) = self.as_number(ctx, argument.value, argument.span) else { return Value::Error };
            numbers.push(num);
            texts.push(argument.text);
        }
        let params = arguments_of(&instance);
        match self.density_of(&trusted(ctx), instance, &params, (numbers, texts), span) {
            Value::Density(density) => {
                let log = match &density.form {
                    Form::Call { log, .. } if ctx.textbook => *log,
                    _ => density.log,
                };
                Value::Num(Num { axes: density.axes, ..Num::scalar(log) })
            }
            other => other,
        }
    }

    /// `discrete(p)`: whether a distribution gives probabilities rather than densities.
    pub(super) fn discrete(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let measure = match arguments.first().map(|argument| &argument.value) {
            Some(Value::Density(density)) => density.measure,
            Some(Value::Dist(instance)) => match instance.unit.clone().distribution(&instance.name) {
                Some(def) => self.measure(&def.clone(), instance),
                None => return Value::Error,
            },
            _ => {
                let message = "`discrete` asks about a distribution";
                return self.fail(Diagnostic::new(codes::E0305, self.place(ctx, span), message));
            }
        };
        if measure == Measure::Mixed {
            let message = "this wrapper takes a density or probabilities, and what is inside has both: single values with a \
                           probability of their own in a density";
            let place = self.place(ctx, span);
            return self.fail(
                Diagnostic::new(codes::E0305, place, message).help("put the wrapper inside around the other one"),
            );
        }
        let node = self.graph.constant(f64::from(u8::from(measure == Measure::Discrete)));
        Value::Num(Num { kind: Kind::Bool, ..Num::scalar(node) })
    }

    /// `mixture(w, p, q, …)` with w a simplex.
    pub(super) fn mixture_call(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let mut arguments = arguments.into_iter();
        let Some(first) = arguments.next() else {
            return self.fail(Diagnostic::new(
                codes::E0303,
                self.place(ctx, span),
                "`mixture(w, p, q, …)` takes weights and densities",
            ));
        };
        let Some(weights) = self.as_number(ctx, first.value.clone(), first.span) else { return Value::Error };
        let Some(densities) = self.components(ctx, arguments) else { return Value::Error };
        let Some((&var, outer)) = weights.axes.split_last() else {
            let message = "the weights of a mixture are a vector, one for each density";
            return self.fail(
                Diagnostic::new(codes::E0401, self.place(ctx, first.span), message)
                    .help("for two densities write `w * p + (1 - w) * q`"),
            );
        };
        let total = self.graph.reduce(ReduceOp::Sum, var, weights.node, None);
        if !self.is_one(total)
            && !self.check_vector(ctx, &weights, VectorKind::Simplex, first.id, "the weights of `mixture`")
        {
            return Value::Error;
        }
        let axis = self.graph.var(var).axis;
        let known = self.graph.axis(axis).size;
        if known.is_some_and(|size| size != densities.len()) {
            let message =
                format!("{} for {}", plural(known.unwrap_or(0), "weight"), plural(densities.len(), "density"));
            return self.fail(Diagnostic::new(codes::E0402, self.place(ctx, span), message));
        }
        self.graph.axis_mut(axis).size = Some(densities.len());
        let parts = densities.into_iter().enumerate().map(|(at, density)| {
            let at = self.graph.constant(at as f64);
            let node = Substitution::new(var, Index::At(at)).apply(&mut self.graph, weights.node);
            (Num { axes: outer.to_vec(), ..Num::scalar(node) }, density)
        });
        let parts = parts.collect();
        self.mix(ctx, parts, span)
    }

    /// `log_cdf(p, x)`, `entropy(p)`, …: what a distribution's file states under that name, at these variates. Further
    /// numbers are what the clause calls `spread`.
    pub(super) fn property(&mut self, ctx: &Ctx, callee: &Name, arguments: Vec<Argument>, span: Span) -> Value {
        let (dists, numbers): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|a| instance_of(&a.value).is_some());
        let Some(instance) = dists.first().and_then(|argument| instance_of(&argument.value)).cloned() else {
            return Value::Error;
        };
        let Some(def) = instance.unit.clone().distribution(&instance.name).cloned() else { return Value::Error };
        let stated = |def: &DistDef| {
            def.clauses.iter().find_map(|clause| match &clause.kind {
                ClauseKind::Property(name, id) if name.key == callee.key => Some(*id),
                _ => None,
            })
        };
        let Some(formula) = stated(&def) else { return self.no_property(ctx, callee, &def.name.text, span) };
        let trusted = trusted(ctx);
        let Some(Calling { mut inner, mut outer, .. }) = self.opened(&trusted, &def, &instance, span) else {
            return Value::Error;
        };
        let spread = Formal { name: named("spread"), support: None, axes: Vec::new(), default: None };
        for (formal, argument) in def.variates.iter().chain(std::iter::once(&spread)).zip(&numbers) {
            let Some(num) = self.as_number(ctx, argument.value.clone(), argument.span) else { return Value::Error };
            outer = union_axes(&outer, &num.axes);
            inner.locals.insert(formal.name.key.clone(), Value::Num(Num { axes: Vec::new(), ..num }));
        }
        let value = self.eval(&inner, formula);
        self.finish_call(value, &outer, &callee.key)
    }

    fn no_property(&mut self, ctx: &Ctx, callee: &Name, dist: &str, span: Span) -> Value {
        let states = |name: &&str| {
            let unit = library::unit(name);
            let def = unit.as_ref().and_then(|unit| unit.distribution(name));
            def.is_some_and(|def| {
                let is = |kind: &ClauseKind| matches!(kind, ClauseKind::Property(name, _) if name.key == callee.key);
                def.clauses.iter().any(|clause| is(&clause.kind))
            })
        };
        let known: Vec<&str> = library::entries().map(|(name, _)| name).filter(states).collect();
        let message = format!("`{dist}` states no `{}`, and it is needed here", callee.text);
        let diagnostic = Diagnostic::new(codes::E0305, self.place(ctx, span), message);
        self.fail(diagnostic.help(format!("distributions that state it: {}", known.join(", "))))
    }

    /// `mass(l, a, …)`: the event of probability e^l as a density of its own; it is about `a, …`.
    pub(super) fn mass(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let mut arguments = arguments.into_iter();
        let Some(first) = arguments.next() else { return Value::Error };
        let Some(log) = self.as_number(ctx, first.value, span) else { return Value::Error };
        let variates: Vec<String> = arguments.map(|argument| argument.text).collect();
        let form = Form::Call {
            name: "interval".into(),
            variates: variates.clone(),
            params: Vec::new(),
            log: log.node,
            inner: Vec::new(),
        };
        let measure = Measure::Discrete;
        let factor = Factor {
            log: log.node,
            variates: variates.iter().map(|text| (log.node, text.clone())).collect(),
            measure,
            masses: false,
            landmarks: Vec::new(),
            obstacle: Some("the probability of a range, whose ends are given"),
        };
        let factors = vec![factor];
        Value::Density(Box::new(Density {
            log: log.node,
            axes: log.axes,
            measure,
            variates,
            form,
            factors,
            instance: None,
        }))
    }

    /// The densities that are mixed.
    fn components(&mut self, ctx: &Ctx, arguments: impl Iterator<Item = Argument>) -> Option<Vec<Density>> {
        let mut densities = Vec::new();
        for argument in arguments {
            match argument.value {
                Value::Density(density) => densities.push(*density),
                Value::Dist(dist) => {
                    self.missing_variate(&dist, self.place(ctx, argument.span));
                    return None;
                }
                _ => {
                    let message = format!("`mixture` mixes densities, and `{}` is none", argument.text);
                    self.report(Diagnostic::new(codes::E0305, self.place(ctx, argument.span), message));
                    return None;
                }
            }
        }
        Some(densities)
    }

    /// Whether a vector of numbers as written has a structure: `[0.2, 0.8]` is a simplex, `[-1, 0, 2]` ordered.
    pub(super) fn literal_is(&mut self, num: &Num, needed: VectorKind) -> bool {
        let first = num.axes.len().checked_sub(needed.rank());
        let Some(axes) = first.and_then(|first| num.axes.get(first..)) else { return false };
        self.constants(num.node, axes).is_some_and(|values| needed.holds(&values, 4.0 * f64::EPSILON))
    }

    /// What the elements of a vector of numbers as written add up to.
    pub(super) fn literal_sum(&mut self, num: &Num) -> Option<f64> {
        let last = num.axes.len().checked_sub(1)?;
        Some(self.constants(num.node, num.axes.get(last..)?)?.iter().sum())
    }

    /// The elements of a node over some axes, row-major, if every one is a number.
    fn constants(&mut self, node: NodeId, axes: &[VarId]) -> Option<Vec<f64>> {
        let Some((&var, inner)) = axes.split_first() else {
            let node = self.canonical.simplify(&mut self.graph, node);
            return self.graph.as_const(node).map(|value| vec![value]);
        };
        let size = self.graph.axis(self.graph.var(var).axis).size?;
        let mut values = Vec::new();
        for at in 0..size {
            let at = self.graph.constant(at as f64);
            let element = Substitution::new(var, Index::At(at)).apply(&mut self.graph, node);
            values.append(&mut self.constants(element, inner)?);
        }
        Some(values)
    }

    pub fn hole(&mut self, ctx: &Ctx, span: Span) -> Value {
        match ctx.tilde.as_ref().and_then(|(numbers, _)| numbers.first()) {
            Some(num) => Value::Num(num.clone()),
            None => {
                let message = "`_` stands for what is left of `~`, and there is no `~` here";
                self.fail(Diagnostic::new(codes::E0304, self.place(ctx, span), message))
            }
        }
    }
}

/// The distribution behind a value, observed or not.
pub(super) fn instance_of(value: &Value) -> Option<&Instance> {
    match value {
        Value::Density(density) => density.instance.as_ref().map(|instance| &instance.0),
        Value::Dist(instance) => Some(instance),
        _ => None,
    }
}

/// The same place where nothing is checked again: parameters are, where they are written.
pub(super) fn trusted(ctx: &Ctx) -> Ctx {
    let unit = Unit { source: ctx.unit.source.clone(), ast: Default::default(), trusted: true };
    Ctx { unit: Arc::new(unit), ..ctx.clone() }
}

fn named(key: &str) -> Name {
    Name { text: key.into(), key: key.into(), span: Span::default() }
}
