//! Supports are checked where something needs them, and what does not fit is reported with its repair.

use std::collections::{BTreeMap, HashMap};

use super::elaborate::{Ctx, Elaborator};
use super::value::{Num, VectorKind};
use crate::diag::{Diagnostic, codes, number};
use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::Op;
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{ExprId, ExprKind};

/// Inverse links by the set they map into: the repairs a support error offers. The first fitting rows are offered.
const LINKS: &[(Interval, &str, &str)] = &[
    (Interval::POSITIVE, "softplus", "keeps it positive and grows linearly"),
    (Interval::POSITIVE, "exp", "makes it a logarithm: positive, and changes act as factors"),
    (Interval::UNIT, "sigmoid", "keeps it between 0 and 1"),
];

/// Canonical forms, for proofs.
#[derive(Debug)]
pub(super) struct Canonical(crate::passes::simplify::Simplifier);

impl Default for Canonical {
    fn default() -> Self {
        Canonical(crate::passes::simplify::Simplifier::new(crate::passes::simplify::Phase::Canonical))
    }
}

impl Canonical {
    /// The canonical form.
    pub fn simplify(&mut self, graph: &mut Graph, node: NodeId) -> NodeId {
        let canonical = self.0.run(graph, node);
        debug_assert_eq!(self.0.fault(), None);
        canonical
    }
}

impl Elaborator<'_> {
    /// The values a node can take, knowing what conditions around it have shown.
    pub fn support_in(&mut self, ctx: &Ctx, node: NodeId) -> Interval {
        if ctx.refined.is_empty() { self.graph.support(node) } else { refined_support(&self.graph, node, &ctx.refined) }
    }

    /// Whether a node provably lies in a set: as it stands, or in its canonical form.
    pub fn proves(&mut self, ctx: &Ctx, node: NodeId, needed: Interval) -> bool {
        if self.support_in(ctx, node).is_subset(needed) {
            return true;
        }
        let canonical = self.canonical.simplify(&mut self.graph, node);
        self.support_in(ctx, canonical).is_subset(needed)
    }

    /// Checks the argument of a function of the language. Inside the library nothing is checked: its parameters were.
    pub fn check_domain(&mut self, ctx: &Ctx, node: NodeId, needed: Interval, id: ExprId, what: &str) -> bool {
        if ctx.unit.trusted
            || needed == Interval::REAL
            || self.proves(ctx, node, needed)
            || self.bare_need(ctx, id, needed)
        {
            return true;
        }
        self.report_support(ctx, node, needed, id, what, codes::E0202);
        false
    }

    /// Checks a parameter of a distribution or function against the set its definition states.
    pub fn check_parameter(&mut self, ctx: &Ctx, num: &Num, needed: Interval, id: ExprId, what: &str) -> bool {
        if ctx.unit.trusted || self.proves(ctx, num.node, needed) || self.bare_need(ctx, id, needed) {
            return true;
        }
        self.report_support(ctx, num.node, needed, id, what, codes::E0203);
        false
    }

    /// A parameter that must be a simplex, or ordered, or a unit vector.
    pub fn check_vector(&mut self, ctx: &Ctx, num: &Num, needed: VectorKind, id: ExprId, what: &str) -> bool {
        if ctx.unit.trusted || needed == VectorKind::Plain || num.vector == needed || self.literal_is(num, needed) {
            return true;
        }
        let span = ctx.unit.ast.expr(id).span;
        let text = ctx.unit.source.slice(span).to_string();
        let sum = self.literal_sum(num).filter(|sum| needed == VectorKind::Simplex && (sum - 1.0).abs() > 1e-9);
        let why = match sum {
            Some(sum) => format!("the elements of `{text}` add up to {}", number(sum)),
            None => format!("nothing shows that `{text}` is one"),
        };
        let message = format!("{what} must be {} vector, but {why}", article(needed));
        let diagnostic = Diagnostic::new(codes::E0203, self.place(ctx, span), message).note(num.vector.name());
        let diagnostic = match needed {
            VectorKind::Simplex => {
                diagnostic.fix("softmax makes positive numbers that sum to 1", span, format!("softmax({text})"))
            }
            VectorKind::UnitVector => {
                diagnostic.fix("l2_normalize makes it unit length", span, format!("l2_normalize({text})"))
            }
            _ => diagnostic.help(format!("declare it: `predict {text} : {}`", needed.name())),
        };
        self.report(diagnostic);
        false
    }

    /// A bare free name bound to a column takes the support its uses need; every row is checked when it is bound.
    fn bare_need(&mut self, ctx: &Ctx, id: ExprId, needed: Interval) -> bool {
        if ctx.call.is_some() {
            return false;
        }
        let ExprKind::Name(name) = &ctx.unit.ast.expr(id).kind else { return false };
        self.need(&name.key, needed)
    }

    /// Whether the weights of a mixture, which add to 1, are zero or positive; a weight that is a bare free name bound
    /// to a column needs to be a probability, and what that shows of the others is seen with the needs known.
    pub fn weights_are_nonneg(&mut self, weights: &[NodeId]) -> bool {
        if weights.iter().all(|&weight| self.graph.support(weight).is_nonneg()) {
            return true;
        }
        let inputs = weights.iter().filter_map(|&weight| match self.graph.node(weight) {
            Node::Load(input, _) => Some(*input),
            _ => None,
        });
        let bare: Vec<String> =
            inputs.filter_map(|input| Some(self.names.iter().find(|info| info.input == input)?.key.clone())).collect();
        bare.iter().fold(false, |found, key| {
            let new = !self.known_needs.contains_key(key) && self.need(key, Interval::PROB);
            found || new
        })
    }

    /// Asks for a free name to be bound to values of a set only.
    fn need(&mut self, key: &str, needed: Interval) -> bool {
        let free = self.by_key.get(key).and_then(|&at| self.names.get(at)).is_some_and(|info| !info.declared);
        // A value given by hand is checked here, and one that does not fit is reported where it is used.
        let fits = self.options.set.get(key).is_none_or(|&value| needed.contains(value));
        if !free || !fits || !self.options.bound.contains(key) {
            return false;
        }
        let known = self.needs.entry(key.to_string()).or_insert(needed);
        *known = known.intersect(needed);
        true
    }

    fn report_support(
        &mut self,
        ctx: &Ctx,
        node: NodeId,
        needed: Interval,
        id: ExprId,
        what: &str,
        code: crate::diag::Code,
    ) {
        let span = ctx.unit.ast.expr(id).span;
        let support = self.support_in(ctx, node);
        let text = ctx.unit.source.slice(span).to_string();
        let found = self.describe(support);
        let constant = support.as_point();
        let number = constant.is_some() && text.replace(' ', "").replace('−', "-").parse().ok() == constant;
        let subject = if number { "it".to_string() } else { format!("`{}`", shorten(&text)) };
        let message = format!("{what} must be {}, but {subject} {found}", requirement(needed));
        let place = self.place(ctx, span);
        let note = constant.map_or_else(|| support.to_string(), crate::diag::number);
        let mut diagnostic = Diagnostic::new(code, place, message).note(note);
        if ctx.call.is_some() {
            let at = ctx.unit.source.line_column(span.start).0;
            diagnostic = diagnostic.help(format!("it happens in line {at} of {}", ctx.unit.source.name));
        } else if let Some(blame) = self.given(ctx, span) {
            diagnostic = diagnostic.help(blame);
        } else if let Some(near) = self.mistyped(ctx, id) {
            diagnostic = diagnostic.fix(format!("did you mean `{near}`?"), span, near);
        } else if constant.is_none() {
            diagnostic = with_repairs(diagnostic, needed, span, &text);
        }
        self.report(diagnostic);
    }

    /// The names in a place whose values were given with the program, as `--set` does, and what to do about them.
    pub fn given(&self, ctx: &Ctx, whole: Span) -> Option<String> {
        if self.options.set.is_empty() {
            return None;
        }
        let inside =
            ctx.unit.ast.exprs.iter().filter(|expr| whole.start <= expr.span.start && expr.span.end <= whole.end);
        let values: BTreeMap<&str, f64> = inside
            .filter_map(|expr| match &expr.kind {
                ExprKind::Name(name) => Some((name.text.as_str(), *self.options.set.get(&name.key)?)),
                _ => None,
            })
            .collect();
        let by = self.options.set_by;
        let values = values.iter().map(|(name, value)| format!("`{name}` has its value {} from {by}", number(*value)));
        let values = values.collect::<Vec<_>>().join(", ");
        (!values.is_empty()).then(|| format!("{values}: give it another"))
    }

    /// The declared or defined name that an undeclared one is nearly spelled like.
    fn mistyped(&self, ctx: &Ctx, id: ExprId) -> Option<String> {
        let ExprKind::Name(name) = &ctx.unit.ast.expr(id).kind else { return None };
        let free = self.by_key.get(&name.key).and_then(|&at| self.names.get(at)).is_some_and(|info| !info.declared);
        if !free {
            return None;
        }
        let declared = self.names.iter().filter(|info| info.declared).map(|info| (info.key.as_str(), &info.name));
        let known: Vec<(&str, &String)> =
            declared.chain(self.defined.iter().map(|(text, key)| (key.as_str(), text))).collect();
        let near = crate::diag::nearest(&name.key, known.iter().map(|(key, _)| *key))?;
        known.iter().find(|(key, _)| *key == near).map(|(_, text)| (*text).clone())
    }

    fn describe(&self, support: Interval) -> String {
        match support.as_point() {
            Some(value) => format!("is {}", number(value)),
            None if support == Interval::REAL => "can be any real number".into(),
            None if support.is_nonneg() && !support.is_positive() && support.hi.is_infinite() => "can be 0".into(),
            None => format!("can be anything in {support}"),
        }
    }
}

/// An expression as it is quoted in a sentence.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().nth(SHOWN).is_none() {
        text.to_string()
    } else {
        text.chars().take(SHOWN).chain("…".chars()).collect()
    }
}

fn article(kind: VectorKind) -> &'static str {
    match kind {
        VectorKind::Plain => "a real",
        VectorKind::Simplex => "a simplex",
        VectorKind::Ordered => "an ordered",
        VectorKind::UnitVector => "a unit",
        VectorKind::Cholesky => "a Cholesky factor's",
    }
}

/// A set in words.
fn requirement(needed: Interval) -> String {
    let words = [
        (Interval::POSITIVE, "positive"),
        (Interval::NONNEG, "zero or positive"),
        (Interval::UNIT, "strictly between 0 and 1"),
        (Interval::PROB, "a probability, between 0 and 1"),
        (Interval::COUNT, "a count: 0, 1, 2, …"),
        (Interval::INT, "a whole number"),
        (Interval::BOOL, "0 or 1"),
        (Interval::REAL.without_zero(), "different from 0"),
        (Interval::REAL, "a finite number"),
    ];
    match words.iter().find(|(interval, _)| *interval == needed) {
        Some((_, words)) => (*words).to_string(),
        None => format!("in {needed}"),
    }
}

fn with_repairs(mut diagnostic: Diagnostic, needed: Interval, span: Span, text: &str) -> Diagnostic {
    if needed == Interval::REAL.without_zero() {
        return diagnostic.help(
            "make it positive: `softplus(…)`, `exp(…)`, or add a positive constant to something that is not negative",
        );
    }
    let fitting: Vec<_> = LINKS.iter().filter(|(image, _, _)| image.is_subset(needed)).collect();
    let best = fitting.first().map(|(image, _, _)| *image);
    for (_, link, why) in fitting.into_iter().filter(|(image, _, _)| Some(*image) == best) {
        let message = format!("{link}({}) {why}", shorten(text));
        diagnostic = diagnostic.fix(message, span, format!("{link}({text})"));
    }
    diagnostic
}

/// What a true (or false) condition says about the nodes it compares.
pub(super) fn refine(graph: &Graph, condition: NodeId, holds: bool, facts: &mut Vec<(NodeId, Interval)>) {
    let mut stack = vec![(condition, holds)];
    while let Some((node, holds)) = stack.pop() {
        let Node::Apply(op, args) = graph.node(node) else { continue };
        match (op, args.as_ref(), holds) {
            (Op::Not, [a], _) => stack.push((*a, !holds)),
            (Op::And, [a, b], true) | (Op::Or, [a, b], false) => stack.extend([(*a, holds), (*b, holds)]),
            (Op::Lt, [a, b], true) => less(graph, *a, *b, true, facts),
            (Op::Le, [a, b], true) => less(graph, *a, *b, false, facts),
            (Op::Lt, [a, b], false) => less(graph, *b, *a, false, facts),
            (Op::Le, [a, b], false) => less(graph, *b, *a, true, facts),
            (Op::Eq, [a, b], true) => {
                facts.push((*a, graph.support(*b)));
                facts.push((*b, graph.support(*a)));
            }
            (Op::Eq, [a, b], false) => {
                let zero = |id: NodeId| graph.as_const(id) == Some(0.0);
                if zero(*b) {
                    facts.push((*a, Interval::REAL.without_zero()));
                } else if zero(*a) {
                    facts.push((*b, Interval::REAL.without_zero()));
                }
            }
            _ => {}
        }
    }
}

/// a < b (or ≤): each is bounded by the other's support. `a − b` is known as a whole too when it stands in the program.
fn less(graph: &Graph, a: NodeId, b: NodeId, strict: bool, facts: &mut Vec<(NodeId, Interval)>) {
    let (left, right) = (graph.support(a), graph.support(b));
    let below = Interval::new(f64::NEG_INFINITY, true, right.hi, strict || right.hi_open, false);
    let above = Interval::new(left.lo, strict || left.lo_open, f64::INFINITY, true, false);
    facts.push((a, below));
    facts.push((b, above));
}

/// The values of `if c then a else b`: of a where c holds, and of b where it does not.
pub(super) fn chosen_support(graph: &Graph, condition: NodeId, a: NodeId, b: NodeId) -> Interval {
    let branch = |node: NodeId, holds: bool| {
        let mut facts = Vec::new();
        refine(graph, condition, holds, &mut facts);
        refined_support(graph, node, &facts)
    };
    branch(a, true).union(branch(b, false))
}

/// The support of a node when some nodes inside it are known better.
fn refined_support(graph: &Graph, root: NodeId, facts: &[(NodeId, Interval)]) -> Interval {
    let mut known: HashMap<NodeId, Interval> = HashMap::new();
    for id in graph.reachable(&[root]) {
        let lookup = |id: &NodeId| known.get(id).copied().unwrap_or_else(|| graph.support(*id));
        let mut support = graph.support(id);
        if let Node::Apply(op, args) = graph.node(id) {
            let supports: Vec<Interval> = args.iter().map(lookup).collect();
            support = support.intersect((op.info().support)(&supports));
        }
        for (_, fact) in facts.iter().filter(|(node, _)| *node == id) {
            support = support.intersect(*fact);
        }
        known.insert(id, support);
    }
    known.get(&root).copied().unwrap_or(Interval::REAL)
}
