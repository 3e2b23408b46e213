//! Calls: functions are inlined, distributions become log densities.

use std::collections::HashMap;
use std::sync::Arc;

use super::builtins;
use super::elaborate::{Ctx, Elaborator};
use super::forms::instance_of;
use super::library::{self, Unit};
use super::synonyms;
use super::value::{Num, Value, VectorKind, anonymous_fit, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::VarId;
use crate::source::Span;
use crate::syntax::ast::{Arg, Axis, ExprId, Formal, Name};
use crate::syntax::names::reducer_meant;

/// An argument of a call, evaluated.
#[derive(Clone)]
pub(super) struct Argument {
    pub name: Option<Name>,
    pub value: Value,
    pub text: String,
    pub id: ExprId,
    pub span: Span,
}

/// A call being expanded.
pub(super) struct Calling<'c> {
    /// Where it stands.
    pub ctx: &'c Ctx,
    /// What is called, for messages.
    pub callee: &'c str,
    /// Inside the callee: its file, its names and its axes.
    pub inner: Ctx,
    /// The axes that the callee maps over: those of the arguments that it does not name.
    pub outer: Vec<VarId>,
}

/// Library functions whose result has structure along its last axis.
const STRUCTURED: &[(&str, VectorKind)] = &[("softmax", VectorKind::Simplex), ("l2_normalize", VectorKind::UnitVector)];

impl Elaborator<'_> {
    /// The unit that defines a distribution or function: the program, what it uses, the library.
    pub fn unit_of(&self, key: &str, distribution: bool) -> Option<Arc<Unit>> {
        let defines =
            |unit: &Unit| if distribution { unit.distribution(key).is_some() } else { unit.function(key).is_some() };
        let used = self.used.iter().map(|(unit, _)| unit);
        let own = std::iter::once(&self.program).chain(used).find(|unit| defines(unit)).cloned();
        own.or_else(|| library::unit(key).filter(|unit| defines(unit)))
    }

    pub fn call(&mut self, ctx: &Ctx, callee: &Name, variates: Option<&[ExprId]>, args: &[Arg], span: Span) -> Value {
        if !self.guard_size(ctx, span) {
            return Value::Error;
        }
        // The file of something with a meaning of its own only describes it.
        let own = builtins::callable(&callee.key, ctx.unit.trusted);
        let written = self.unit_of(&callee.key, true).filter(|unit| !(unit.trusted && own.is_some()));
        if let Some(unit) = written {
            return self.distribution_call(ctx, &unit, callee, variates, args, span);
        }
        if variates.is_some() && own.is_none() && self.unit_of(&callee.key, false).is_none() {
            return self.unknown(ctx, callee, "distribution");
        }
        if let (Some(observed), "mixture") = (variates, callee.key.as_str()) {
            let Some(observed) = self.variates(ctx, observed) else { return Value::Error };
            let inside = Ctx { tilde: Some(observed), ..ctx.clone() };
            return self.call(&inside, callee, None, args, span);
        }
        // What is below a reducer is its index, which the argument would be blamed for.
        let defined = own.is_some() || self.unit_of(&callee.key, false).is_some();
        if !defined && reducer_meant(&callee.key).is_some() {
            return self.unknown(ctx, callee, "function");
        }
        // `huber(x | δ)`: what stands right of the bar are further arguments.
        let left = variates.unwrap_or_default().iter().map(|&value| Arg { name: None, value });
        let args: Vec<Arg> = left.chain(args.iter().cloned()).collect();
        let arguments = self.arguments(ctx, &args);
        if arguments.iter().any(|argument| matches!(argument.value, Value::Error)) {
            return Value::Error;
        }
        if let Some(unit) = self.unit_of(&callee.key, false) {
            return self.function_call(ctx, &unit, callee, arguments, span);
        }
        let Some(own) = own else { return self.unknown(ctx, callee, "function") };
        self.own_call(ctx, callee, own, arguments, span)
    }

    /// A call of something that the language itself gives a meaning.
    fn own_call(
        &mut self,
        ctx: &Ctx,
        callee: &Name,
        own: builtins::Callable,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        if let Some(form) = own.form {
            return form(self, ctx, arguments, span);
        }
        if own.property && arguments.iter().any(|argument| instance_of(&argument.value).is_some()) {
            return self.property(ctx, callee, arguments, span);
        }
        if own.op.is_none() && own.vector.is_none() {
            return self.no_distribution(ctx, callee, span);
        }
        self.builtin_call(ctx, callee, own, arguments, span)
    }

    /// `crps(x)`: something that only distributions have, asked of numbers.
    fn no_distribution(&mut self, ctx: &Ctx, callee: &Name, span: Span) -> Value {
        let message = format!("`{}` asks about a distribution, and none is among its arguments", callee.text);
        let example = format!("such as `{}(normal(_ | μ, σ), x)`", callee.text);
        let cross = "for classes write `categorical(y | logits = z)`, for yes and no `bernoulli(y | logit = z)`";
        let help = if callee.key == "cross_entropy" { cross } else { example.as_str() };
        self.fail(Diagnostic::new(codes::E0305, self.place(ctx, span), message).help(help))
    }

    pub(super) fn arguments(&mut self, ctx: &Ctx, args: &[Arg]) -> Vec<Argument> {
        args.iter()
            .map(|arg| Argument {
                name: arg.name.clone(),
                value: self.eval(ctx, arg.value),
                text: self.text(ctx, arg.value),
                id: arg.value,
                span: ctx.unit.ast.expr(arg.value).span,
            })
            .collect()
    }

    pub(super) fn unknown(&mut self, ctx: &Ctx, callee: &Name, what: &str) -> Value {
        let mut candidates: Vec<String> = library::entries().map(|(name, _)| name.to_string()).collect();
        candidates.extend(builtins::names().map(String::from));
        candidates.push("minimize".into());
        for stmt in &self.program.ast.stmts {
            match &stmt.kind {
                crate::syntax::ast::StmtKind::Function(def) => candidates.push(def.name.key.clone()),
                crate::syntax::ast::StmtKind::Distribution(def) => candidates.push(def.name.key.clone()),
                _ => {}
            }
        }
        if !self.unknown_calls.insert(callee.key.clone()) {
            return Value::Error;
        }
        let message = format!("no {what} is called `{}`", callee.text);
        let mut diagnostic = Diagnostic::new(codes::E0301, self.place(ctx, callee.span), message);
        if ctx.call.is_some() {
            return self.fail(diagnostic);
        }
        if let Some(reducer) = reducer_meant(&callee.key) {
            diagnostic = diagnostic.fix("a reducer has its index in square brackets", callee.span, reducer);
        } else if let Some(near) = synonyms::call(&callee.key, candidates.iter().map(String::as_str)) {
            diagnostic = diagnostic.fix(format!("did you mean `{near}`?"), callee.span, near);
        } else if self.by_key.contains_key(&callee.key) || self.definitions.contains_key(&callee.key) {
            let times = format!("{} * (", callee.text);
            diagnostic = diagnostic.help(format!("`{}` is a value: to multiply, write `{times}…)`", callee.text));
        } else if !ctx
            .unit
            .source
            .text
            .get(callee.span.end as usize..)
            .is_some_and(|rest| rest.trim_start().starts_with('('))
        {
            let end = Span::new(callee.span.end as usize, callee.span.end as usize);
            diagnostic = diagnostic.fix("two values are multiplied with a sign between them", end, " *");
        }
        self.fail(diagnostic)
    }

    // ---- functions --------------------------------------------------------------------------------------------------

    pub(super) fn function_call(
        &mut self,
        ctx: &Ctx,
        unit: &Arc<Unit>,
        callee: &Name,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        let Some(def) = unit.function(&callee.key).cloned() else { return Value::Error };
        let Some(bound) = self.bind_formals(ctx, &def.formals, &arguments, callee, span) else { return Value::Error };
        let mut calling = self.calling(ctx, unit, &callee.text, span);
        for (formal, argument) in def.formals.iter().zip(&bound) {
            let value = match argument {
                Some(argument) => self.pass(&mut calling, formal, &formal.name.text, argument),
                None => formal.default.map(|id| self.eval(&calling.inner, id)),
            };
            let Some(value) = value else { return Value::Error };
            calling.inner.locals.insert(formal.name.key.clone(), value);
        }
        let value = self.eval(&calling.inner, def.body);
        self.finish_call(value, &calling.outer, &callee.key)
    }

    pub(super) fn finish_call(&mut self, value: Value, outer: &[VarId], key: &str) -> Value {
        match value {
            Value::Num(mut num) => {
                let own: Vec<VarId> = num.axes.iter().copied().filter(|var| !outer.contains(var)).collect();
                num.axes = outer.iter().copied().chain(own).collect();
                if let Some((_, kind)) = STRUCTURED.iter().find(|(name, _)| *name == key) {
                    num.vector = *kind;
                }
                Value::Num(num)
            }
            Value::Density(mut density) => {
                density.axes = union_axes(outer, &density.axes);
                Value::Density(density)
            }
            other => other,
        }
    }

    pub(super) fn calling<'c>(&self, ctx: &'c Ctx, unit: &Arc<Unit>, callee: &'c str, span: Span) -> Calling<'c> {
        let inner = Ctx {
            unit: Arc::clone(unit),
            locals: HashMap::new(),
            axes: HashMap::new(),
            refined: ctx.refined.clone(),
            tilde: None,
            call: Some(ctx.call.unwrap_or(span)),
            textbook: ctx.textbook,
            depth: ctx.depth + 1,
        };
        Calling { ctx, callee, inner, outer: Vec::new() }
    }

    /// Arguments in the order of the formals; `None` where a default stands in.
    pub(super) fn bind_formals(
        &mut self,
        ctx: &Ctx,
        formals: &[Formal],
        arguments: &[Argument],
        callee: &Name,
        span: Span,
    ) -> Option<Vec<Option<Argument>>> {
        let mut bound: Vec<Option<Argument>> = vec![None; formals.len()];
        let mut position = 0;
        for argument in arguments {
            let at = match &argument.name {
                Some(name) => self.formal_named(ctx, formals, callee, name)?,
                None => {
                    position += 1;
                    position - 1
                }
            };
            match bound.get_mut(at) {
                Some(slot @ None) => *slot = Some(argument.clone()),
                Some(Some(_)) => {
                    let name = formals.get(at).map_or("", |formal| formal.name.text.as_str());
                    let message = format!("`{name}` is given twice");
                    self.report(Diagnostic::new(codes::E0303, self.place(ctx, argument.span), message));
                    return None;
                }
                None => {
                    self.wrong_count(ctx, callee, formals, arguments.len(), span);
                    return None;
                }
            }
        }
        if formals.iter().zip(&bound).any(|(formal, slot)| slot.is_none() && formal.default.is_none()) {
            self.wrong_count(ctx, callee, formals, arguments.len(), span);
            return None;
        }
        Some(bound)
    }

    fn formal_named(&mut self, ctx: &Ctx, formals: &[Formal], callee: &Name, name: &Name) -> Option<usize> {
        let found = formals.iter().position(|formal| formal.name.key == name.key);
        if found.is_none() {
            let known: Vec<(&str, &str)> =
                formals.iter().map(|f| (f.name.key.as_str(), f.name.text.as_str())).collect();
            self.unknown_parameter(ctx, callee, name, &known);
        }
        found
    }

    pub(super) fn unknown_parameter(&mut self, ctx: &Ctx, callee: &Name, name: &Name, known: &[(&str, &str)]) {
        let message = format!("`{}` has no parameter `{}`", callee.text, name.text);
        let mut diagnostic = Diagnostic::new(codes::E0302, self.place(ctx, name.span), message);
        let near = synonyms::parameter(&name.key, known.iter().map(|(key, _)| *key));
        match near.and_then(|near| known.iter().find(|(key, _)| *key == near)) {
            Some((_, shown)) => diagnostic = diagnostic.fix(format!("did you mean `{shown}`?"), name.span, *shown),
            None => {
                let shown: Vec<&str> = known.iter().map(|(_, shown)| *shown).collect();
                diagnostic = diagnostic.help(format!("its parameters are {}", shown.join(", ")));
            }
        }
        self.report(diagnostic);
    }

    pub(super) fn wrong_count(&mut self, ctx: &Ctx, callee: &Name, formals: &[Formal], given: usize, span: Span) {
        let names: Vec<&str> = formals.iter().map(|formal| formal.name.text.as_str()).collect();
        let message = format!(
            "`{}` takes {} ({}), and {given} {} given",
            callee.text,
            plural(formals.len(), "argument"),
            names.join(", "),
            if given == 1 { "is" } else { "are" }
        );
        self.report(Diagnostic::new(codes::E0303, self.place(ctx, span), message));
    }

    /// Checks an argument against its formal, which the caller knows as `called`, and hides the axes the callee maps over.
    pub(super) fn pass(
        &mut self,
        calling: &mut Calling<'_>,
        formal: &Formal,
        called: &str,
        argument: &Argument,
    ) -> Option<Value> {
        let ctx = calling.ctx;
        let what = format!("the {called} of `{}`", calling.callee);
        if formal.is_density() {
            return self.pass_density(ctx, formal, argument, calling.callee);
        }
        if formal.support.is_none() && formal.axes.is_empty() {
            return Some(argument.value.clone());
        }
        let num = self.as_number(ctx, argument.value.clone(), argument.span)?;
        let (needed, vector) = self.formal_support(&calling.inner.unit, formal);
        let fits = match vector {
            VectorKind::Plain => self.check_parameter(ctx, &num, needed, argument.id, &what),
            _ => self.check_vector(ctx, &num, vector, argument.id, &what),
        };
        let own = formal.axes.len().max(vector.rank());
        if fits && num.axes.len() < own {
            let text = &argument.text;
            let message = format!("{what} is a vector, but `{text}` is a scalar");
            self.report(
                Diagnostic::new(codes::E0401, self.place(ctx, argument.span), message)
                    .help(format!("declare its axis: `{text} : real[m]`")),
            );
            return None;
        }
        if fits { self.pass_axes(calling, formal, own, num, argument) } else { None }
    }

    fn pass_density(&mut self, ctx: &Ctx, formal: &Formal, argument: &Argument, callee: &str) -> Option<Value> {
        if let Value::Density(_) | Value::Dist(_) = &argument.value {
            return Some(argument.value.clone());
        }
        let message = format!("`{}` of `{callee}` is a distribution, such as `poisson(λ)`", formal.name.text);
        self.report(Diagnostic::new(codes::E0305, self.place(ctx, argument.span), message));
        None
    }

    /// The last `own` axes of an argument are those that its formal names; the call maps over the others.
    fn pass_axes(
        &mut self,
        calling: &mut Calling<'_>,
        formal: &Formal,
        own: usize,
        mut num: Num,
        argument: &Argument,
    ) -> Option<Value> {
        let inner = num.axes.split_off(num.axes.len().saturating_sub(own));
        if !self.widen(calling, &num.axes, argument) {
            return None;
        }
        for (axis, &var) in formal.axes.iter().zip(&inner) {
            self.bind_axis(calling, axis, var, argument)?;
        }
        Some(Value::Num(Num { axes: inner, ..num }))
    }

    /// Adds the axes of one argument to those that the call maps over; sized ones must align.
    pub(super) fn widen(&mut self, calling: &mut Calling<'_>, axes: &[VarId], argument: &Argument) -> bool {
        if !anonymous_fit(&self.graph, &calling.outer, axes) {
            let (before, own) = (self.axes_text(&calling.outer), self.axes_text(axes));
            let message = format!(
                "the shapes do not fit: `{}` runs over {own}, the other arguments over {before}",
                argument.text
            );
            let diagnostic = Diagnostic::new(codes::E0402, self.place(calling.ctx, argument.span), message);
            self.report(diagnostic.help("sized axes align from the right and must be equal"));
            return false;
        }
        calling.outer = union_axes(&calling.outer, axes);
        true
    }

    fn bind_axis(&mut self, calling: &mut Calling<'_>, axis: &Axis, var: VarId, argument: &Argument) -> Option<()> {
        let actual = self.graph.var(var).axis;
        let text = &argument.text;
        let message = match axis {
            Axis::Sized(size, _) => {
                let other = self.graph.axis(actual).size.is_some_and(|known| known as u64 != *size);
                other.then(|| format!("`{text}` has {} elements, and {size} are needed", self.axis_text(actual)))
            }
            Axis::Named(name) => {
                let known = *calling.inner.axes.entry(name.key.clone()).or_insert(actual);
                let (a, b) = (self.axis_text(known), self.axis_text(actual));
                (known != actual).then(|| {
                    format!("`{text}` runs over {b}, but the argument before it over {a}: both must have one axis")
                })
            }
        };
        let Some(message) = message else { return Some(()) };
        self.report(Diagnostic::new(codes::E0402, self.place(calling.ctx, argument.span), message));
        None
    }
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "density") => format!("{count} densities"),
        _ => format!("{count} {noun}s"),
    }
}
