//! Calls of distributions: what is checked, the log density, its structure and measure.

use std::collections::HashMap;
use std::sync::Arc;

use super::calls::{Argument, Calling, plural};
use super::elaborate::{Ctx, Elaborator};
use super::forms::trusted;
use super::library::Unit;
use super::parameterisation::{formal_named, formula, own_formula, textbook_formula};
use super::value::{Density, Factor, Form, Instance, Measure, Num, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::Op;
use crate::source::Span;
use crate::syntax::ast::{Arg, ClauseKind, DistDef, ExprId, ExprKind, Formal, Name};

impl Elaborator<'_> {
    pub(super) fn distribution_call(
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
        let written = variates.filter(|ids| !ids.iter().any(hole));
        let observed = match written {
            Some(ids) => self.variates(ctx, ids),
            None => ctx.tilde.clone(),
        };
        let arguments = self.arguments(ctx, args);
        let wrong = |argument: &Argument| matches!(argument.value, Value::Error);
        if written.is_some() && observed.is_none() || arguments.iter().any(wrong) {
            return Value::Error;
        }
        let bar = observed.is_some();
        let Some(via) = self.parameterisation(ctx, &def, &arguments, callee, span, bar) else { return Value::Error };
        let params = self.name_arguments(&def, via, arguments);
        self.lint_names(ctx, &def, &params);
        let first = observed.as_ref().and_then(|(numbers, _)| numbers.first());
        self.check_parameter_units(ctx, &def, &params, first);
        let instance = Instance {
            unit: Arc::clone(unit),
            name: callee.key.clone(),
            via,
            params: params.iter().map(|(key, a)| (key.clone(), a.value.clone(), a.text.clone(), a.span)).collect(),
        };
        let observed = observed.or_else(|| inner_variates(&params));
        match observed {
            Some(observed) => self.density_of(ctx, instance, &params, observed, span),
            None if self.enter(ctx, &def, &instance, &params, span).is_some() => Value::Dist(Box::new(instance)),
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

    /// The inside of a distribution with its parameters, which are checked.
    pub(super) fn enter<'c>(
        &mut self,
        ctx: &'c Ctx,
        def: &'c DistDef,
        instance: &Instance,
        params: &[(String, Argument)],
        span: Span,
    ) -> Option<Calling<'c>> {
        let mut calling = self.calling(ctx, &instance.unit, &def.name.text, span);
        let mut ok = true;
        for (key, argument) in params {
            let formal = formal_named(def, instance.via, key)?;
            let called = if *key == formal.name.key { &formal.name.text } else { key };
            match self.pass(&mut calling, &formal, called, argument) {
                Some(value) => {
                    calling.inner.locals.insert(formal.name.key.clone(), value.clone());
                    calling.inner.locals.insert(key.clone(), value);
                }
                None => ok = false,
            }
        }
        ok.then_some(calling)
    }

    /// The density of a distribution at its variates, given as numbers with their text.
    pub fn density_of(
        &mut self,
        ctx: &Ctx,
        instance: Instance,
        params: &[(String, Argument)],
        (numbers, texts): (Vec<Num>, Vec<String>),
        span: Span,
    ) -> Value {
        let Some(def) = instance.unit.distribution(&instance.name).cloned() else { return Value::Error };
        if def.variates.len() != numbers.len() {
            let about = plural(def.variates.len(), "observation");
            let message = format!("`{}` is about {about}, and {} given", def.name.text, numbers.len());
            return self.fail(Diagnostic::new(codes::E0303, self.place(ctx, span), message));
        }
        let Some(mut calling) = self.enter(ctx, &def, &instance, params, span) else { return Value::Error };
        let Some(supported) = self.observe(&mut calling, &def, (&numbers, &texts), span) else { return Value::Error };
        let Some(mut log) = self.log_density(&mut calling.inner, &def, instance.via) else { return Value::Error };
        for condition in supported {
            let impossible = self.graph.constant(f64::NEG_INFINITY);
            log.node = self.graph.apply(Op::Select, &[condition, log.node, impossible]);
        }
        let textbook = self.textbook(&calling.inner, &def, instance.via).unwrap_or(log.node);
        let inside = self.forms_inside(ctx, params, &numbers, &texts);
        let measure = self.measure(&def, &instance);
        let factor = Factor {
            log: log.node,
            variates: numbers.iter().map(|number| number.node).zip(texts.iter().cloned()).collect(),
            measure,
            masses: self.has_masses(&def, &instance),
            landmarks: landmarks(params),
            obstacle: None,
        };
        Value::Density(Box::new(Density {
            log: log.node,
            axes: union_axes(&calling.outer, &log.axes),
            measure,
            factors: vec![factor],
            form: self.call_form(&instance, &texts, params, (textbook, inside)),
            variates: texts,
            instance: Some(Box::new((instance, numbers))),
        }))
    }

    /// Gives the variates their values, and what has to hold for these to be possible.
    fn observe(
        &mut self,
        calling: &mut Calling<'_>,
        def: &DistDef,
        (numbers, texts): (&[Num], &[String]),
        span: Span,
    ) -> Option<Vec<NodeId>> {
        let mut supported = Vec::new();
        for (formal, (number, text)) in def.variates.iter().zip(numbers.iter().zip(texts)) {
            let (value, text) = (Value::Num(number.clone()), text.clone());
            let argument = Argument { name: None, value, text, id: ExprId(u32::MAX), span };
            self.lint_variate(calling, def, formal, &argument);
            let value = self.pass_variate(calling, formal, &argument)?;
            calling.inner.locals.insert(formal.name.key.clone(), value);
            supported.extend(self.unproved_support(calling, formal, number));
        }
        Some(supported)
    }

    fn pass_variate(&mut self, calling: &mut Calling<'_>, formal: &Formal, argument: &Argument) -> Option<Value> {
        let Value::Num(num) = &argument.value else { return None };
        let ctx = calling.ctx;
        let (needed, vector) = self.formal_support(&calling.inner.unit, formal);
        let support = self.support_in(ctx, num.node);
        let disjoint = support.intersect(needed).is_empty();
        let wrong_kind = needed.integral && !support.integral;
        if !ctx.unit.trusted
            && vector == VectorKind::Plain
            && (disjoint || wrong_kind)
            && !self.proves(ctx, num.node, needed)
        {
            let (callee, text) = (calling.callee, &argument.text);
            let message = format!("`{callee}` is about {needed} values, but `{text}` is {support}");
            let diagnostic =
                Diagnostic::new(codes::E0201, self.place(ctx, argument.span), message).note(support.to_string());
            self.report(
                diagnostic.help(format!("declare it as `{needed}`, or choose a distribution for {support} values")),
            );
            return None;
        }
        if formal.axes.is_empty() {
            let fits = self.widen(calling, &num.axes, argument);
            return fits.then(|| Value::Num(Num { axes: Vec::new(), ..num.clone() }));
        }
        self.pass(calling, &Formal { support: None, ..formal.clone() }, &formal.name.text, argument)
    }

    /// The condition that a variate lies in the set that the distribution is about, where nothing proves that it does.
    fn unproved_support(&mut self, calling: &Calling<'_>, formal: &Formal, num: &Num) -> Option<NodeId> {
        let (needed, vector) = self.formal_support(&calling.inner.unit, formal);
        let proved = vector != VectorKind::Plain || self.proves(calling.ctx, num.node, needed);
        (!proved).then(|| super::inside::member(&mut self.graph, num.node, needed))
    }

    /// The log density: equations of the parameterisation first, then its own formula or the main one.
    pub(super) fn log_density(&mut self, inner: &mut Ctx, def: &DistDef, via: Option<usize>) -> Option<Num> {
        self.equations(inner, def, via);
        let Some(formula) = formula(def, via) else {
            let place = inner.call.unwrap_or_default();
            let message = format!("`{}` has no `log density`", def.name.text);
            self.report(Diagnostic::new(codes::E0604, place, message));
            return None;
        };
        self.number(inner, formula)
    }

    /// Evaluates the equations of a parameterisation.
    fn equations(&mut self, inner: &mut Ctx, def: &DistDef, via: Option<usize>) {
        let clause = via.and_then(|at| def.clauses.get(at)).map(|clause| &clause.kind);
        let Some(ClauseKind::Or { equations, .. }) = clause else { return };
        for (name, id) in equations {
            let value = self.eval(inner, *id);
            inner.locals.insert(name.key.clone(), value);
        }
    }

    /// The inside of a distribution with its parameters, for one of its clauses.
    pub(super) fn opened<'c>(
        &mut self,
        ctx: &'c Ctx,
        def: &'c DistDef,
        instance: &Instance,
        span: Span,
    ) -> Option<Calling<'c>> {
        let mut calling = self.enter(ctx, def, instance, &arguments_of(instance), span)?;
        self.equations(&mut calling.inner, def, instance.via);
        Some(calling)
    }

    /// The log density as a book writes it, at the same arguments: what `explain` shows. A wrapper's parameterisation has
    /// one of its own: `truncated(p, lower = a)` has no upper limit, rather than an infinite one.
    pub(super) fn textbook(&mut self, inner: &Ctx, def: &DistDef, via: Option<usize>) -> Option<NodeId> {
        let own = own_formula(def, via);
        let wrapper = def.params.iter().any(|formal| formal.is_density());
        if own.is_some() && !wrapper && def.params.iter().any(|formal| !inner.locals.contains_key(&formal.name.key)) {
            return None;
        }
        let ctx = Ctx { textbook: true, ..inner.clone() };
        match self.eval(&ctx, own.filter(|_| wrapper).or_else(|| textbook_formula(def))?) {
            Value::Num(num) if wrapper => Some(counted(&mut self.graph, num.node)),
            Value::Num(num) => Some(num.node),
            _ => None,
        }
    }

    /// The densities among a wrapper's parameters, at its variates.
    fn forms_inside(
        &mut self,
        ctx: &Ctx,
        params: &[(String, Argument)],
        numbers: &[Num],
        texts: &[String],
    ) -> Vec<Form> {
        let mut forms = Vec::new();
        for (_, argument) in params {
            let value = match &argument.value {
                Value::Dist(inner) => {
                    let observed = (numbers.to_vec(), texts.to_vec());
                    self.density_of(&trusted(ctx), (**inner).clone(), &arguments_of(inner), observed, argument.span)
                }
                other => other.clone(),
            };
            if let Value::Density(density) = value {
                forms.push(density.form);
            }
        }
        forms
    }

    pub(super) fn call_form(
        &self,
        instance: &Instance,
        texts: &[String],
        params: &[(String, Argument)],
        (log, inner): (NodeId, Vec<Form>),
    ) -> Form {
        let number = |value: &Value| match value {
            Value::Num(num) => Some(num.node),
            _ => None,
        };
        Form::Call {
            name: instance.name.clone(),
            variates: texts.to_vec(),
            params: params
                .iter()
                .filter_map(|(key, a)| number(&a.value).map(|node| (key.clone(), a.text.clone(), node)))
                .collect(),
            log,
            inner,
        }
    }

    /// Whether it, or a density inside, gives single values a probability of their own.
    fn has_masses(&self, def: &DistDef, instance: &Instance) -> bool {
        let inside: Vec<bool> = instance
            .params
            .iter()
            .filter_map(|(_, value, _, _)| match value {
                Value::Density(density) => Some(density.factors.iter().any(|factor| factor.masses)),
                Value::Dist(inner) => {
                    inner.unit.distribution(&inner.name).cloned().map(|def| self.has_masses(&def, inner))
                }
                _ => None,
            })
            .collect();
        let own = || self.masses(&instance.unit, def, instance.via, &|_| None).is_some();
        inside.contains(&true) || (!inside.is_empty() && own())
    }

    /// A wrapper's is that of what is inside, with the masses that its formula adds.
    pub(super) fn measure(&mut self, def: &DistDef, instance: &Instance) -> Measure {
        let inner = instance.params.iter().filter_map(|(_, value, _, _)| match value {
            Value::Density(density) => Some(density.measure),
            Value::Dist(inner) => inner.unit.distribution(&inner.name).cloned().map(|def| self.measure(&def, inner)),
            _ => None,
        });
        match inner.reduce(Measure::and) {
            Some(Measure::Continuous) if self.masses(&instance.unit, def, instance.via, &|_| None).is_some() => {
                Measure::Mixed
            }
            Some(inner) => inner,
            None => {
                let integral = |formal: &Formal| self.formal_support(&instance.unit, formal).0.integral;
                if def.variates.iter().any(integral) { Measure::Discrete } else { Measure::Continuous }
            }
        }
    }
}

/// The numbers among the parameters, those of densities inside too.
fn landmarks(params: &[(String, Argument)]) -> Vec<NodeId> {
    let of = |(_, argument): &(String, Argument)| match &argument.value {
        Value::Num(num) => vec![num.node],
        Value::Density(density) => density.factors.iter().flat_map(|factor| factor.landmarks.clone()).collect(),
        _ => Vec::new(),
    };
    params.iter().flat_map(of).collect()
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

/// The parameters of a distribution as arguments again.
pub(super) fn arguments_of(instance: &Instance) -> Vec<(String, Argument)> {
    let argument = |(key, value, text, span): &(String, Value, String, Span)| {
        let id = ExprId(u32::MAX);
        (key.clone(), Argument { name: None, value: value.clone(), text: text.clone(), id, span: *span })
    };
    instance.params.iter().map(argument).collect()
}

/// A formula with its sums of whole numbers carried out: the bound ⌊−⌊−1⌋ − 1⌋ + 1 of a wrapper is 1.
fn counted(graph: &mut Graph, root: NodeId) -> NodeId {
    let mut done: HashMap<NodeId, NodeId> = HashMap::new();
    let mut reached = graph.reachable(&[root]);
    reached.sort_unstable();
    for id in reached {
        let node = graph.node(id).clone();
        let children: Vec<NodeId> =
            graph.children(&node).iter().map(|child| done.get(child).copied().unwrap_or(*child)).collect();
        let new = graph.with_children(&node, &children);
        let sums = matches!(node, Node::Apply(Op::Neg | Op::Add | Op::Sub | Op::Floor, _));
        let known = sums && children.iter().all(|child| graph.as_const(*child).is_some());
        let whole = graph.support(new).as_point().filter(|value| known && value.fract() == 0.0);
        done.insert(id, whole.map_or(new, |value| graph.constant(value)));
    }
    done.get(&root).copied().unwrap_or(root)
}
