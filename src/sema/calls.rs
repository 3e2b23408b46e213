//! Calls: functions are inlined, distributions become log densities.

use std::collections::HashMap;
use std::sync::Arc;

use super::builtins::{self, VectorFunction};
use super::elaborate::{Ctx, Elaborator};
use super::library::{self, Unit};
use super::value::{Density, Form, Instance, Kind, Measure, Num, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{AxisId, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{Arg, Axis, ClauseKind, DistDef, ExprId, ExprKind, Formal, Name, Reducer};

/// An argument of a call, evaluated.
#[derive(Clone)]
pub(super) struct Argument {
    pub name: Option<Name>,
    pub value: Value,
    pub text: String,
    pub id: ExprId,
    pub span: Span,
}

/// Library functions whose result has structure along its last axis.
const STRUCTURED: &[(&str, VectorKind)] = &[("softmax", VectorKind::Simplex), ("l2_normalize", VectorKind::UnitVector)];

impl Elaborator<'_> {
    /// The unit that defines a distribution or function: the program, what it uses, the library.
    pub fn unit_of(&self, key: &str, distribution: bool) -> Option<Arc<Unit>> {
        let defines =
            |unit: &Unit| if distribution { unit.distribution(key).is_some() } else { unit.function(key).is_some() };
        let own = std::iter::once(&self.program).chain(&self.used).find(|unit| defines(unit)).cloned();
        own.or_else(|| library::unit(key).filter(|unit| defines(unit)))
    }

    pub fn call(&mut self, ctx: &Ctx, callee: &Name, variates: Option<&[ExprId]>, args: &[Arg], span: Span) -> Value {
        if !self.guard_size(ctx, span) {
            return Value::Error;
        }
        if let Some(unit) = self.unit_of(&callee.key, true) {
            return self.distribution_call(ctx, &unit, callee, variates, args, span);
        }
        if variates.is_some() && !self.is_function(&callee.key, ctx) {
            return self.unknown(ctx, callee, "distribution");
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
        match callee.key.as_str() {
            "nll" => self.nll(ctx, arguments, span),
            "log_prob" => self.log_prob(ctx, arguments, span),
            "mixture" => self.mixture_call(ctx, arguments, span),
            "discrete" => self.discrete(ctx, arguments, span),
            _ => self.builtin_call(ctx, callee, arguments, span),
        }
    }

    fn is_function(&self, key: &str, ctx: &Ctx) -> bool {
        self.unit_of(key, false).is_some()
            || builtins::primitive(key, ctx.unit.trusted).is_some()
            || builtins::vector_function(key).is_some()
            || builtins::SPECIAL.contains(&key)
    }

    fn arguments(&mut self, ctx: &Ctx, args: &[Arg]) -> Vec<Argument> {
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

    fn unknown(&mut self, ctx: &Ctx, callee: &Name, what: &str) -> Value {
        let mut candidates: Vec<String> = library::entries().map(|(name, _)| name.to_string()).collect();
        candidates.extend(builtins::names().map(String::from));
        for stmt in &self.program.ast.stmts {
            match &stmt.kind {
                crate::syntax::ast::StmtKind::Function(def) => candidates.push(def.name.key.clone()),
                crate::syntax::ast::StmtKind::Distribution(def) => candidates.push(def.name.key.clone()),
                _ => {}
            }
        }
        let message = format!("no {what} is called `{}`", callee.text);
        let mut diagnostic = Diagnostic::new(codes::E0301, self.place(ctx, callee.span), message);
        if ctx.call.is_some() {
            return self.fail(diagnostic);
        }
        if let Some(near) = crate::diag::nearest(&callee.key, candidates.iter().map(String::as_str)) {
            diagnostic = diagnostic.fix(format!("did you mean `{near}`?"), callee.span, near);
        } else if self.by_key.contains_key(&callee.key) || self.definitions.contains_key(&callee.key) {
            let times = format!("{} * (", callee.text);
            diagnostic = diagnostic.help(format!("`{}` is a value: to multiply, write `{times}…)`", callee.text));
        }
        self.fail(diagnostic)
    }

    // ---- functions --------------------------------------------------------------------------------------------------

    fn function_call(
        &mut self,
        ctx: &Ctx,
        unit: &Arc<Unit>,
        callee: &Name,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Value {
        let Some(def) = unit.function(&callee.key).cloned() else { return Value::Error };
        let Some(bound) = self.bind_formals(ctx, &def.formals, &arguments, callee, span) else { return Value::Error };
        let mut inner = self.inner_ctx(ctx, unit, span);
        let mut outer = Vec::new();
        for (formal, argument) in def.formals.iter().zip(&bound) {
            let value = match argument {
                Some(argument) => {
                    self.pass_argument(ctx, unit, formal, argument, &mut inner.axes, &mut outer, &callee.text)
                }
                None => formal.default.map(|id| self.eval(&inner, id)),
            };
            let Some(value) = value else { return Value::Error };
            inner.locals.insert(formal.name.key.clone(), value);
        }
        let value = self.eval(&inner, def.body);
        self.finish_call(value, &outer, &callee.key)
    }

    fn finish_call(&mut self, value: Value, outer: &[VarId], key: &str) -> Value {
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

    pub fn inner_ctx(&self, ctx: &Ctx, unit: &Arc<Unit>, span: Span) -> Ctx {
        Ctx {
            unit: Arc::clone(unit),
            locals: HashMap::new(),
            axes: HashMap::new(),
            refined: ctx.refined.clone(),
            tilde: None,
            call: Some(ctx.call.unwrap_or(span)),
            depth: ctx.depth + 1,
        }
    }

    /// Arguments in the order of the formals; `None` where a default stands in.
    fn bind_formals(
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
                Some(name) => match formals.iter().position(|formal| formal.name.key == name.key) {
                    Some(at) => at,
                    None => {
                        self.unknown_parameter(
                            ctx,
                            callee,
                            name,
                            formals.iter().map(|formal| formal.name.text.as_str()).collect(),
                        );
                        return None;
                    }
                },
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

    fn unknown_parameter(&mut self, ctx: &Ctx, callee: &Name, name: &Name, known: Vec<&str>) {
        let message = format!("`{}` has no parameter `{}`", callee.text, name.text);
        let mut diagnostic = Diagnostic::new(codes::E0302, self.place(ctx, name.span), message);
        match crate::diag::nearest(&name.text, known.iter().copied()) {
            Some(near) => diagnostic = diagnostic.fix(format!("did you mean `{near}`?"), name.span, near),
            None => diagnostic = diagnostic.help(format!("its parameters are {}", known.join(", "))),
        }
        self.report(diagnostic);
    }

    fn wrong_count(&mut self, ctx: &Ctx, callee: &Name, formals: &[Formal], given: usize, span: Span) {
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

    /// Checks an argument against its formal and hides the axes the callee maps over.
    #[allow(clippy::too_many_arguments)] // One argument in its call.
    fn pass_argument(
        &mut self,
        ctx: &Ctx,
        unit: &Arc<Unit>,
        formal: &Formal,
        argument: &Argument,
        axes: &mut HashMap<String, AxisId>,
        outer: &mut Vec<VarId>,
        callee: &str,
    ) -> Option<Value> {
        if formal.support.as_ref().is_some_and(|support| support.name.key == "density") {
            return match &argument.value {
                Value::Density(_) | Value::Dist(_) => Some(argument.value.clone()),
                _ => {
                    let message =
                        format!("`{}` of `{callee}` is a distribution, such as `poisson(λ)`", formal.name.text);
                    self.report(Diagnostic::new(codes::E0305, self.place(ctx, argument.span), message));
                    None
                }
            };
        }
        if formal.support.is_none() && formal.axes.is_empty() {
            return Some(argument.value.clone());
        }
        let mut num = self.as_number(ctx, argument.value.clone(), argument.span)?;
        let (needed, vector) = self.formal_support(unit, formal);
        let what = format!("the {} of `{callee}`", formal.name.text);
        if vector == VectorKind::Plain {
            if !self.check_parameter(ctx, &num, needed, argument.id, &what) {
                return None;
            }
        } else if !self.check_vector(ctx, &num, vector, argument.id, &what) {
            return None;
        }
        let own = formal.axes.len().max(usize::from(vector != VectorKind::Plain));
        if num.axes.len() < own {
            let text = &argument.text;
            let message = format!("{what} is a vector, but `{text}` is a scalar");
            self.report(
                Diagnostic::new(codes::E0401, self.place(ctx, argument.span), message)
                    .help(format!("declare its axis: `{text} : real[m]`")),
            );
            return None;
        }
        let split = num.axes.len() - own;
        let inner = num.axes.split_off(split);
        *outer = union_axes(outer, &num.axes);
        for (axis, &var) in formal.axes.iter().zip(&inner) {
            self.bind_axis(ctx, axis, var, axes, argument)?;
        }
        Some(Value::Num(Num { axes: inner, ..num }))
    }

    fn bind_axis(
        &mut self,
        ctx: &Ctx,
        axis: &Axis,
        var: VarId,
        axes: &mut HashMap<String, AxisId>,
        argument: &Argument,
    ) -> Option<()> {
        let actual = self.graph.var(var).axis;
        match axis {
            Axis::Sized(size, _) => {
                if self.graph.axis(actual).size.is_some_and(|known| known as u64 != *size) {
                    let message =
                        format!("`{}` has {} elements, and {size} are needed", argument.text, self.axis_text(actual));
                    self.report(Diagnostic::new(codes::E0402, self.place(ctx, argument.span), message));
                    return None;
                }
            }
            Axis::Named(name) => {
                let known = *axes.entry(name.key.clone()).or_insert(actual);
                if known != actual {
                    let (a, b) = (self.axis_text(known), self.axis_text(actual));
                    let message = format!(
                        "`{}` runs over {b}, but the argument before it over {a}: both must have one axis",
                        argument.text
                    );
                    self.report(Diagnostic::new(codes::E0402, self.place(ctx, argument.span), message));
                    return None;
                }
            }
        }
        Some(())
    }

    // ---- distributions ----------------------------------------------------------------------------------------------

    fn distribution_call(
        &mut self,
        ctx: &Ctx,
        unit: &Arc<Unit>,
        callee: &Name,
        variates: Option<&[ExprId]>,
        args: &[Arg],
        span: Span,
    ) -> Value {
        let Some(def) = unit.distribution(&callee.key).cloned() else { return Value::Error };
        let hole = |id: &ExprId| matches!(ctx.unit.ast.expr(*id).kind, ExprKind::Hole);
        let observed = match variates {
            Some(ids) if !ids.iter().any(hole) => match self.variates(ctx, ids) {
                Some(observed) => Some(observed),
                None => {
                    self.arguments(ctx, args);
                    return Value::Error;
                }
            },
            _ => ctx.tilde.clone(),
        };
        let arguments = self.arguments(ctx, args);
        if arguments.iter().any(|argument| matches!(argument.value, Value::Error)) {
            return Value::Error;
        }
        let Some(via) = self.parameterisation(ctx, &def, &arguments, callee, span) else { return Value::Error };
        let params = self.name_arguments(&def, via, arguments);
        let instance = Instance {
            unit: Arc::clone(unit),
            name: callee.key.clone(),
            via,
            params: params.iter().map(|(key, a)| (key.clone(), a.value.clone(), a.text.clone(), a.span)).collect(),
        };
        let observed = observed.or_else(|| inner_variates(&params));
        let place = (span, callee);
        match observed {
            Some((numbers, texts)) => self.density_of(ctx, &def, instance, Some(&params), numbers, texts, place),
            None if self.check_instance(ctx, &def, &instance, &params, callee) => Value::Dist(Box::new(instance)),
            None => Value::Error,
        }
    }

    /// The numbers left of a bar or of `~`, with their text.
    pub fn variates(&mut self, ctx: &Ctx, ids: &[ExprId]) -> Option<(Vec<Num>, Vec<String>)> {
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for &id in ids {
            texts.push(self.text(ctx, id));
            numbers.push(self.number(ctx, id)?);
        }
        Some((numbers, texts))
    }

    /// Which parameterisation the names choose: `None` the main one, else an `or` clause.
    fn parameterisation(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        arguments: &[Argument],
        callee: &Name,
        span: Span,
    ) -> Option<Option<usize>> {
        let given: Vec<&str> = arguments.iter().filter_map(|a| a.name.as_ref().map(|name| name.key.as_str())).collect();
        let positional = arguments.len() - given.len();
        let forms = forms_of(def);
        let fits = |names: &Vec<String>| {
            let named = given.iter().all(|name| names.iter().any(|known| known == name));
            named
                && names.len() == arguments.len()
                && names.iter().take(positional).all(|name| !given.contains(&name.as_str()))
        };
        if let Some((via, _)) = forms.iter().find(|(_, names)| fits(names)) {
            return Some(*via);
        }
        let known: Vec<String> = forms.iter().flat_map(|(_, names)| names.clone()).collect();
        if let Some(wrong) = arguments.iter().filter_map(|a| a.name.as_ref()).find(|name| !known.contains(&name.key)) {
            let texts: Vec<String> = forms
                .iter()
                .flat_map(|(_, names)| names.clone())
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect();
            self.unknown_parameter(ctx, callee, wrong, texts.iter().map(String::as_str).collect());
            return None;
        }
        let ways: Vec<String> = forms.iter().map(|(_, names)| format!("({})", names.join(", "))).collect();
        let message = format!(
            "these are not the parameters of `{}`: {} given",
            callee.text,
            plural(arguments.len(), "parameter")
        );
        let diagnostic = Diagnostic::new(codes::E0303, self.place(ctx, span), message)
            .help(format!("it takes {}", ways.join(" or ")));
        self.report(diagnostic);
        None
    }

    fn name_arguments(&self, def: &DistDef, via: Option<usize>, arguments: Vec<Argument>) -> Vec<(String, Argument)> {
        let names = forms_of(def).into_iter().find(|(form, _)| *form == via).map_or_else(Vec::new, |(_, names)| names);
        let mut rest = names.iter();
        let named = arguments.into_iter().map(|argument| {
            let key = match &argument.name {
                Some(name) => name.key.clone(),
                None => rest.next().cloned().unwrap_or_default(),
            };
            (key, argument)
        });
        named.collect()
    }

    fn check_instance(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        instance: &Instance,
        params: &[(String, Argument)],
        callee: &Name,
    ) -> bool {
        let (mut axes, mut outer) = (HashMap::new(), Vec::new());
        self.pass_params(ctx, def, instance, params, &mut axes, &mut outer, &callee.text).is_some()
    }

    /// Parameters checked, as locals of the definition.
    #[allow(clippy::too_many_arguments)] // One call.
    fn pass_params(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        instance: &Instance,
        params: &[(String, Argument)],
        axes: &mut HashMap<String, AxisId>,
        outer: &mut Vec<VarId>,
        callee: &str,
    ) -> Option<HashMap<String, Value>> {
        let mut locals = HashMap::new();
        let mut ok = true;
        for (key, argument) in params {
            let formal = formal_named(def, instance.via, key)?;
            match self.pass_argument(ctx, &instance.unit, &formal, argument, axes, outer, callee) {
                Some(value) => {
                    locals.insert(formal.name.key.clone(), value.clone());
                    locals.insert(key.clone(), value);
                }
                None => ok = false,
            }
        }
        ok.then_some(locals)
    }

    /// The density of a distribution at its variates.
    #[allow(clippy::too_many_arguments)] // One call.
    pub fn density_of(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        instance: Instance,
        params: Option<&[(String, Argument)]>,
        numbers: Vec<Num>,
        texts: Vec<String>,
        place: (Span, &Name),
    ) -> Value {
        let (span, callee) = place;
        if numbers.len() != def.variates.len() {
            let message = format!(
                "`{}` is about {}, and {} given",
                callee.text,
                plural(def.variates.len(), "observation"),
                numbers.len()
            );
            return self.fail(Diagnostic::new(codes::E0303, self.place(ctx, span), message));
        }
        let mut inner = self.inner_ctx(ctx, &instance.unit, span);
        let mut outer = Vec::new();
        let rebuilt: Vec<(String, Argument)>;
        let params = match params {
            Some(params) => params,
            None => {
                rebuilt = instance
                    .params
                    .iter()
                    .map(|(key, value, text, span)| {
                        (
                            key.clone(),
                            Argument {
                                name: None,
                                value: value.clone(),
                                text: text.clone(),
                                id: ExprId(u32::MAX),
                                span: *span,
                            },
                        )
                    })
                    .collect();
                &rebuilt
            }
        };
        let mut axes = HashMap::new();
        let Some(locals) = self.pass_params(ctx, def, &instance, params, &mut axes, &mut outer, &callee.text) else {
            return Value::Error;
        };
        inner.locals = locals;
        inner.axes = axes;
        for ((formal, number), text) in def.variates.iter().zip(&numbers).zip(&texts) {
            let argument = Argument {
                name: None,
                value: Value::Num(number.clone()),
                text: text.clone(),
                id: ExprId(u32::MAX),
                span,
            };
            let Some(value) =
                self.pass_variate(ctx, &instance.unit, formal, &argument, &mut inner.axes, &mut outer, &callee.text)
            else {
                return Value::Error;
            };
            inner.locals.insert(formal.name.key.clone(), value);
        }
        let Some(log) = self.log_density(&mut inner, def, instance.via) else { return Value::Error };
        let axes = union_axes(&outer, &log.axes);
        let textbook = self.textbook(&inner, def, instance.via).unwrap_or(log.node);
        let form = self.call_form(&instance, &texts, params, textbook);
        let measure = self.measure(def, &instance);
        Value::Density(Box::new(Density {
            log: log.node,
            axes,
            measure,
            variates: texts,
            form,
            instance: Some(Box::new((instance, numbers))),
        }))
    }

    #[allow(clippy::too_many_arguments)] // One variate in its call.
    fn pass_variate(
        &mut self,
        ctx: &Ctx,
        unit: &Arc<Unit>,
        formal: &Formal,
        argument: &Argument,
        axes: &mut HashMap<String, AxisId>,
        outer: &mut Vec<VarId>,
        callee: &str,
    ) -> Option<Value> {
        let Value::Num(num) = &argument.value else { return None };
        let (needed, vector) = self.formal_support(unit, formal);
        let support = self.support_in(ctx, num.node);
        let disjoint = support.intersect(needed).is_empty();
        let wrong_kind = needed.integral && !support.integral;
        if !ctx.unit.trusted
            && vector == VectorKind::Plain
            && (disjoint || wrong_kind)
            && !self.proves(ctx, num.node, needed)
        {
            let message = format!("`{callee}` is about {needed} values, but `{}` is {support}", argument.text);
            let diagnostic =
                Diagnostic::new(codes::E0201, self.place(ctx, argument.span), message).note(support.to_string());
            self.report(
                diagnostic.help(format!("declare it as `{needed}`, or choose a distribution for {support} values")),
            );
            return None;
        }
        let formal = Formal { support: None, axes: formal.axes.clone(), ..formal.clone() };
        let own = formal.axes.len();
        if own == 0 {
            *outer = union_axes(outer, &num.axes);
            return Some(Value::Num(Num { axes: Vec::new(), ..num.clone() }));
        }
        self.pass_argument(ctx, unit, &formal, argument, axes, outer, callee)
    }

    /// The log density: equations of the parameterisation first, then its own formula or the main one.
    fn log_density(&mut self, inner: &mut Ctx, def: &DistDef, via: Option<usize>) -> Option<Num> {
        // The textbook formula, or the one that keeps its digits, where the two differ.
        let textbook = def.clauses.iter().find_map(|clause| match clause.kind {
            ClauseKind::LogDensity(id) => Some(id),
            _ => None,
        });
        let stable = def.clauses.iter().find_map(|clause| match &clause.kind {
            ClauseKind::Property(name, id) if name.key == "stable" => Some(*id),
            _ => None,
        });
        let mut formula = stable.or(textbook);
        if let Some(at) = via
            && let Some(ClauseKind::Or { equations, log_density, .. }) = def.clauses.get(at).map(|clause| &clause.kind)
        {
            for (name, id) in equations {
                let value = self.eval(inner, *id);
                inner.locals.insert(name.key.clone(), value);
            }
            formula = log_density.or(formula);
        }
        let Some(formula) = formula else {
            let place = inner.call.unwrap_or_default();
            let message = format!("`{}` has no `log density`", def.name.text);
            self.report(Diagnostic::new(codes::E0604, place, message));
            return None;
        };
        self.number(inner, formula)
    }

    /// The log density as a book writes it, at the same arguments: what `explain` shows.
    fn textbook(&mut self, inner: &Ctx, def: &DistDef, via: Option<usize>) -> Option<NodeId> {
        let own = via
            .and_then(|at| def.clauses.get(at))
            .is_some_and(|clause| matches!(&clause.kind, ClauseKind::Or { log_density: Some(_), .. }));
        let formula = def.clauses.iter().find_map(|clause| match clause.kind {
            ClauseKind::LogDensity(id) => Some(id),
            _ => None,
        });
        if own && def.params.iter().any(|formal| !inner.locals.contains_key(&formal.name.key)) {
            return None;
        }
        match self.eval(inner, formula?) {
            Value::Num(num) => Some(num.node),
            _ => None,
        }
    }

    fn call_form(&self, instance: &Instance, texts: &[String], params: &[(String, Argument)], log: NodeId) -> Form {
        let number = |value: &Value| match value {
            Value::Num(num) => Some(num.node),
            _ => None,
        };
        let inner = params.iter().filter_map(|(_, argument)| match &argument.value {
            Value::Density(density) => Some(density.form.clone()),
            _ => None,
        });
        Form::Call {
            name: instance.name.clone(),
            variates: texts.to_vec(),
            params: params
                .iter()
                .filter_map(|(key, a)| number(&a.value).map(|node| (key.clone(), a.text.clone(), node)))
                .collect(),
            log,
            inner: inner.collect(),
        }
    }

    fn measure(&mut self, def: &DistDef, instance: &Instance) -> Measure {
        let inner = instance.params.iter().find_map(|(_, value, _, _)| match value {
            Value::Density(density) => Some(density.measure),
            Value::Dist(inner) => inner.unit.distribution(&inner.name).cloned().map(|def| self.measure(&def, inner)),
            _ => None,
        });
        if let Some(inner) = inner {
            return if inner == Measure::Discrete { Measure::Discrete } else { Measure::Mixed };
        }
        let integral = def.variates.iter().any(|formal| self.formal_support(&instance.unit, formal).0.integral);
        if integral { Measure::Discrete } else { Measure::Continuous }
    }

    // ---- forms of their own -----------------------------------------------------------------------------------------

    fn nll(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
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
    fn log_prob(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let mut arguments = arguments.into_iter();
        let instance = match arguments.next().map(|argument| argument.value) {
            Some(Value::Density(density)) => density.instance.map(|instance| instance.0),
            Some(Value::Dist(instance)) => Some(*instance),
            _ => None,
        };
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
        let Some(def) = instance.unit.clone().distribution(&instance.name).cloned() else { return Value::Error };
        let name = def.name.clone();
        // Its parameters were checked where it was written.
        let trusted = Ctx {
            unit: Arc::new(Unit { source: ctx.unit.source.clone(), ast: Default::default(), trusted: true }),
            ..ctx.clone()
        };
        match self.density_of(&trusted, &def, instance, None, numbers, texts, (span, &name)) {
            Value::Density(density) => Value::Num(Num { axes: density.axes, ..Num::scalar(density.log) }),
            other => other,
        }
    }

    /// `discrete(p)`: whether a distribution gives probabilities rather than densities.
    fn discrete(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
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
        let node = self.graph.constant(f64::from(u8::from(measure == Measure::Discrete)));
        Value::Num(Num { kind: Kind::Bool, ..Num::scalar(node) })
    }

    /// `mixture(w, p, q, …)` with w a simplex.
    fn mixture_call(&mut self, ctx: &Ctx, arguments: Vec<Argument>, span: Span) -> Value {
        let mut arguments = arguments.into_iter();
        let Some(first) = arguments.next() else {
            return self.fail(Diagnostic::new(
                codes::E0303,
                self.place(ctx, span),
                "`mixture(w, p, q, …)` takes weights and densities",
            ));
        };
        let Some(weights) = self.as_number(ctx, first.value.clone(), first.span) else { return Value::Error };
        let densities: Vec<Density> =
            arguments.filter_map(|a| if let Value::Density(p) = a.value { Some(*p) } else { None }).collect();
        let Some((&var, outer)) = weights.axes.split_last() else {
            let message = "the weights of a mixture are a vector, one for each density";
            return self.fail(
                Diagnostic::new(codes::E0401, self.place(ctx, first.span), message)
                    .help("for two densities write `w * p + (1 - w) * q`"),
            );
        };
        let total = self.graph.reduce(ReduceOp::Sum, var, weights.node, None);
        if !self.is_one(total)
            && !self.literal_weights(&weights, var)
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

    fn literal_weights(&mut self, weights: &Num, var: VarId) -> bool {
        let Some(size) = self.graph.axis(self.graph.var(var).axis).size else { return false };
        let mut sum = 0.0;
        for at in 0..size {
            let at = self.graph.constant(at as f64);
            let node = Substitution::new(var, Index::At(at)).apply(&mut self.graph, weights.node);
            let node = self.canonical.simplify(&mut self.graph, node);
            match self.graph.as_const(node) {
                Some(value) if value >= 0.0 => sum += value,
                _ => return false,
            }
        }
        (sum - 1.0f64).abs() <= 4.0 * f64::EPSILON
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

    // ---- primitives -------------------------------------------------------------------------------------------------

    fn builtin_call(&mut self, ctx: &Ctx, callee: &Name, arguments: Vec<Argument>, span: Span) -> Value {
        if let Some(named) = arguments.iter().find_map(|argument| argument.name.as_ref()) {
            let message = format!("the arguments of `{}` have no names", callee.text);
            return self.fail(Diagnostic::new(codes::E0302, self.place(ctx, named.span), message));
        }
        if callee.key == "log"
            && let Some(Argument { value: Value::Density(density), .. }) = arguments.first()
        {
            return Value::Num(Num { axes: density.axes.clone(), ..Num::scalar(density.log) });
        }
        if arguments.len() == 1
            && let Some(function) = builtins::vector_function(&callee.key)
        {
            return self.vector_call(ctx, callee, function, arguments, span);
        }
        let extreme = match callee.key.as_str() {
            "max" => Some(Op::Max),
            "min" => Some(Op::Min),
            _ => None,
        };
        let Some(op) = builtins::primitive(&callee.key, ctx.unit.trusted).or(extreme) else {
            return self.unknown(ctx, callee, "function");
        };
        if extreme.is_none() && arguments.len() != op.info().arity || arguments.is_empty() {
            let message = format!(
                "`{}` takes {}, and {} given",
                callee.text,
                plural(op.info().arity, "argument"),
                arguments.len()
            );
            return self.fail(Diagnostic::new(codes::E0303, self.place(ctx, span), message));
        }
        self.primitive(ctx, callee, op, arguments, span)
    }

    fn primitive(&mut self, ctx: &Ctx, callee: &Name, op: Op, arguments: Vec<Argument>, span: Span) -> Value {
        let mut numbers: Vec<Num> = Vec::new();
        for (argument, domain) in arguments.iter().zip(op.info().domain.iter().cycle()) {
            let Some(num) = self.as_number(ctx, argument.value.clone(), argument.span) else { return Value::Error };
            let what = format!("the argument of `{}`", callee.text);
            if !self.check_domain(ctx, num.node, *domain, argument.id, &what) {
                return Value::Error;
            }
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

    fn vector_call(
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
            return self.fail(diagnostic.help(format!(
                "declare its axis, such as `{} : real[m]`; the rows of the data are put together by lossc",
                argument.text
            )));
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

    fn cumsum(&mut self, num: Num, var: VarId) -> Value {
        let axis = self.graph.var(var).axis;
        let inner = self.graph.fresh_var(axis);
        let body = Substitution::new(var, Index::Var(inner)).apply(&mut self.graph, num.node);
        let (upto, at) = (self.graph.intern(Node::Var(inner)), self.graph.intern(Node::Var(var)));
        let cond = self.graph.apply(Op::Le, &[upto, at]);
        let node = self.graph.reduce(ReduceOp::Sum, inner, body, Some(cond));
        let increasing = self.graph.support(num.node).is_positive();
        let vector = if increasing { VectorKind::Ordered } else { VectorKind::Plain };
        Value::Num(Num { node, axes: num.axes, kind: Kind::Real, vector })
    }

    /// The set and structure a formal states (`real` when it states none).
    pub fn formal_support(&mut self, unit: &Arc<Unit>, formal: &Formal) -> (Interval, VectorKind) {
        match &formal.support {
            Some(support) => self.support_expr(unit, support, None),
            None => (Interval::REAL, VectorKind::Plain),
        }
    }
}

/// The parameterisations: which clause, and the names of its parameters in order.
fn forms_of(def: &DistDef) -> Vec<(Option<usize>, Vec<String>)> {
    let main: Vec<String> = def.params.iter().map(|formal| formal.name.key.clone()).collect();
    let mut forms = vec![(None, main.clone())];
    for (at, clause) in def.clauses.iter().enumerate() {
        if let ClauseKind::Or { params, equations, .. } = &clause.kind {
            let own = params.iter().map(|param| param.name.key.clone());
            let kept = main.iter().filter(|name| !equations.iter().any(|(equation, _)| equation.key == **name));
            // A parameter named again keeps its place among the clause's own.
            let own: Vec<String> = own.collect();
            let kept: Vec<String> = kept.filter(|name| !own.contains(name)).cloned().collect();
            // What is kept comes in the main order around what replaces the rest.
            let first_replaced = main.iter().position(|name| !kept.contains(name)).unwrap_or(main.len());
            let (before, after) = kept.split_at(first_replaced.min(kept.len()));
            forms.push((Some(at), before.iter().chain(&own).chain(after).cloned().collect()));
        }
    }
    forms
}

/// The formal behind a parameter's name in a parameterisation, under the symbol its equations use.
pub(super) fn formal_named(def: &DistDef, via: Option<usize>, key: &str) -> Option<Formal> {
    if let Some(ClauseKind::Or { params, .. }) = via.and_then(|at| def.clauses.get(at)).map(|clause| &clause.kind)
        && let Some(param) = params.iter().find(|param| param.name.key == key)
    {
        return Some(Formal {
            name: param.symbol.clone(),
            support: param.support.clone(),
            axes: param.axes.clone(),
            default: None,
        });
    }
    def.params.iter().find(|formal| formal.name.key == key).cloned()
}

/// The variates of a density among the parameters of a wrapper.
fn inner_variates(params: &[(String, Argument)]) -> Option<(Vec<Num>, Vec<String>)> {
    params.iter().find_map(|(_, argument)| match &argument.value {
        Value::Density(density) => {
            density.instance.as_ref().map(|instance| (instance.1.clone(), density.variates.clone()))
        }
        _ => None,
    })
}

fn plural(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "density") => format!("{count} densities"),
        _ => format!("{count} {noun}s"),
    }
}
