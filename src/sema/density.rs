//! The algebra of densities: products, quotients, powers, mixtures, choices. Logarithms throughout.

use super::elaborate::{Ctx, Elaborator};
use super::operators::Operator;
use super::value::{Density, Factor, Form, Instance, Kind, Num, Share, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{InputId, Node, NodeId};
use crate::ir::op::Op;
use crate::source::Span;
use crate::syntax::ast::BinaryOp;

/// Why nothing is drawn from `p ^ w`.
const WEIGHTED: &str = "a weighted density: `p ^ w` says how much an observation counts, not how often a value occurs";
/// Weights of a mixture that are learned.
const TWO_WEIGHTS: &str = "write `w * p + (1 - w) * q` with `w = sigmoid(v)`";
const MORE_WEIGHTS: &str =
    "take them from one simplex, `w = softmax(v)` with `v : real[3]`: `w[0] * p + w[1] * q + w[2] * r`";

impl Elaborator<'_> {
    /// An operator with a density on at least one side.
    pub(super) fn density_operator(&mut self, ctx: &Ctx, at: Operator, left: Value, right: Value) -> Value {
        let Operator { op, op_span, span, .. } = at;
        match (op, left, right) {
            (_, Value::Dist(dist), _) | (_, _, Value::Dist(dist)) => {
                let place = self.place(ctx, span);
                self.missing_variate(&dist, place);
                Value::Error
            }
            (BinaryOp::Mul, Value::Density(a), Value::Density(b)) => self.product(*a, *b),
            (BinaryOp::Div, Value::Density(a), Value::Density(b)) => self.quotient(*a, *b),
            (BinaryOp::Mul, Value::Num(w), Value::Density(p)) | (BinaryOp::Mul, Value::Density(p), Value::Num(w)) => {
                Value::Mixing(vec![(w, *p)])
            }
            (BinaryOp::Pow, Value::Density(p), Value::Num(w)) => self.weighted(*p, w),
            (BinaryOp::Add, a, b) => self.density_sum(ctx, at, a, b),
            (BinaryOp::Sub, a, b) if matches!((&a, &b), (Value::Num(_), _) | (_, Value::Num(_))) => {
                self.density_and_cost(ctx, at, &a, &b)
            }
            (_, Value::Mixing(parts), _) | (_, _, Value::Mixing(parts)) => {
                self.incomplete_mixture(&parts, self.place(ctx, span));
                Value::Error
            }
            _ => {
                let message = "this operator has no meaning for densities: they are multiplied, divided, raised to a weight, or mixed";
                self.fail(Diagnostic::new(codes::E0502, self.place(ctx, op_span), message))
            }
        }
    }

    fn product(&mut self, a: Density, b: Density) -> Value {
        let log = self.graph.apply(Op::Add, &[a.log, b.log]);
        let mut parts = Vec::new();
        for form in [a.form, b.form] {
            match form {
                Form::Product(inner) => parts.extend(inner),
                other => parts.push(other),
            }
        }
        let variates = a.variates.into_iter().chain(b.variates).collect();
        let axes = union_axes(&a.axes, &b.axes);
        Value::Density(Box::new(Density {
            log,
            axes,
            measure: a.measure.and(b.measure),
            variates,
            form: Form::Product(parts),
            factors: a.factors.into_iter().chain(b.factors).collect(),
            instance: None,
        }))
    }

    fn quotient(&mut self, a: Density, b: Density) -> Value {
        let log = self.graph.apply(Op::Sub, &[a.log, b.log]);
        let measure = a.measure.and(b.measure);
        let ratio = Factor { obstacle: Some("a ratio of densities"), ..Factor::of(log, measure, &[&a, &b]) };
        let form = Form::Quotient(Box::new(a.form), Box::new(b.form));
        let axes = union_axes(&a.axes, &b.axes);
        Value::Density(Box::new(Density {
            log,
            axes,
            measure,
            variates: a.variates,
            form,
            factors: vec![ratio],
            instance: None,
        }))
    }

    fn weighted(&mut self, p: Density, w: Num) -> Value {
        // p^0 is 1 even where p is 0: a weight of 0 leaves the observation out.
        let log = self.graph.apply(Op::MulZero, &[w.node, p.log]);
        // A share of the rows only makes up for the mean over them.
        let plain = self.graph.support(w.node).as_point() == Some(1.0) || self.counts_rows(w.node);
        let factors = p.factors.into_iter().map(|factor| {
            let obstacle = factor.obstacle.or((!plain).then_some(WEIGHTED));
            Factor { obstacle, ..factor }
        });
        let factors = factors.collect();
        let form = Form::Power(Box::new(p.form), w.node);
        Value::Density(Box::new(Density {
            log,
            axes: union_axes(&p.axes, &w.axes),
            form,
            factors,
            instance: None,
            ..p
        }))
    }

    /// Whether a number is made of the number of rows alone.
    fn counts_rows(&self, node: NodeId) -> bool {
        let rows = |input: InputId| self.names.iter().any(|info| info.input == input && info.is_row_count());
        let mut read = self.graph.reachable(&[node]).into_iter().filter_map(|id| match self.graph.node(id) {
            Node::Load(input, _) => Some(*input),
            _ => None,
        });
        read.next().is_some_and(rows) && read.all(rows)
    }

    fn density_sum(&mut self, ctx: &Ctx, at: Operator, a: Value, b: Value) -> Value {
        let span = at.span;
        match (a, b) {
            (Value::Mixing(mut parts), Value::Mixing(more)) => {
                parts.extend(more);
                self.try_mixture(ctx, parts, span)
            }
            (Value::Num(a), b) => self.density_and_cost(ctx, at, &Value::Num(a), &b),
            (a, Value::Num(b)) => self.density_and_cost(ctx, at, &a, &Value::Num(b)),
            _ => {
                let place = self.place(ctx, span);
                let message = "a sum of densities is a mixture, and needs weights that add to 1";
                self.fail(
                    Diagnostic::new(codes::E0502, place, message)
                        .help("weigh them, `0.3 * p + 0.7 * q`; or multiply them, `p * q`, if both are observed"),
                )
            }
        }
    }

    /// A mixture is complete when its weights add to 1.
    fn try_mixture(&mut self, ctx: &Ctx, parts: Vec<(Num, Density)>, span: Span) -> Value {
        let mut total = None;
        for (weight, _) in &parts {
            total = Some(match total {
                None => weight.node,
                Some(sum) => self.graph.apply(Op::Add, &[sum, weight.node]),
            });
        }
        let Some(total) = total else { return Value::Error };
        if !self.is_one(total) && !self.missing_shares(&parts).is_some_and(|missing| missing.is_empty()) {
            return Value::Mixing(parts);
        }
        let weights: Vec<NodeId> = parts.iter().map(|(weight, _)| weight.node).collect();
        if !self.weights_are_nonneg(&weights) {
            let message = "the weights of a mixture are zero or positive, and nothing shows that these are";
            let help = if parts.len() == 2 { TWO_WEIGHTS } else { MORE_WEIGHTS };
            let help = self.given(ctx, span).unwrap_or_else(|| help.to_string());
            return self.fail(Diagnostic::new(codes::E0503, self.place(ctx, span), message).help(help));
        }
        self.mix(ctx, parts, span)
    }

    /// Of weights that are elements of one simplex vector, each once: the elements that are not among them.
    fn missing_shares(&self, parts: &[(Num, Density)]) -> Option<Vec<usize>> {
        let shares: Vec<&Share> =
            parts.iter().map(|(weight, _)| self.shares.get(&weight.node)).collect::<Option<_>>()?;
        let (first, size) = (shares.first()?.vector, shares.first()?.size?);
        let times = |at: usize| shares.iter().filter(|share| share.at == at as f64).count();
        let once = shares.iter().all(|share| share.vector == first) && (0..size).all(|at| times(at) <= 1);
        once.then(|| (0..size).filter(|&at| times(at) == 0).collect())
    }

    /// log Σ wᵢpᵢ by logaddexp.
    pub fn mix(&mut self, ctx: &Ctx, parts: Vec<(Num, Density)>, span: Span) -> Value {
        if let [(w, p), (v, q)] = parts.as_slice() {
            let (w, p, v, q) = (w.clone(), p.clone(), v.clone(), q.clone());
            return self.mix_two(ctx, (w, p), (v, q), span);
        }
        let mut result: Option<Density> = None;
        let mut forms = Vec::new();
        let densities: Vec<Density> = parts.iter().map(|(_, density)| density.clone()).collect();
        for (weight, density) in parts {
            let log_weight = self.graph.apply(Op::Log, &[weight.node]);
            let log = self.graph.apply(Op::Add, &[log_weight, density.log]);
            let axes = union_axes(&density.axes, &weight.axes);
            forms.push((weight.node, density.form.clone()));
            result = Some(match result {
                None => Density { log, axes, instance: None, ..density },
                Some(sum) => {
                    if !self.same_measure(ctx, sum.measure, density.measure, span)
                        || !self.same_variates(ctx, &sum, &density, span)
                    {
                        return Value::Error;
                    }
                    let log = self.graph.apply(Op::LogAddExp, &[sum.log, log]);
                    Density { log, axes: union_axes(&sum.axes, &axes), ..sum }
                }
            });
        }
        match result {
            Some(density) => {
                let factor = Factor::of(density.log, density.measure, &densities.iter().collect::<Vec<_>>());
                Value::Density(Box::new(Density { form: Form::Mixture(forms), factors: vec![factor], ..density }))
            }
            None => Value::Error,
        }
    }

    fn mix_two(&mut self, ctx: &Ctx, (w, p): (Num, Density), (v, q): (Num, Density), span: Span) -> Value {
        if !self.same_measure(ctx, p.measure, q.measure, span) || !self.same_variates(ctx, &p, &q, span) {
            return Value::Error;
        }
        let log = self.graph.apply(Op::LogMix2, &[w.node, v.node, p.log, q.log]);
        let axes = union_axes(&union_axes(&p.axes, &w.axes), &union_axes(&q.axes, &v.axes));
        let (measure, factors) = (p.measure, vec![Factor::of(log, p.measure, &[&p, &q])]);
        let form = Form::Mixture(vec![(w.node, p.form), (v.node, q.form)]);
        Value::Density(Box::new(Density { log, axes, measure, variates: p.variates, form, factors, instance: None }))
    }

    fn same_variates(&mut self, ctx: &Ctx, a: &Density, b: &Density, span: Span) -> bool {
        if a.variates == b.variates {
            return true;
        }
        let (left, right) = (a.variates.join(", "), b.variates.join(", "));
        let message = format!("a mixture is about one observation, but its parts observe `{left}` and `{right}`");
        self.report(Diagnostic::new(codes::E0502, self.place(ctx, span), message));
        false
    }

    pub fn incomplete_mixture(&mut self, parts: &[(Num, Density)], place: Span) {
        let message = if parts.len() == 1 {
            "a density times a number is part of a mixture, and its weights have to add to 1"
        } else {
            "the weights of this mixture are not known to add to 1"
        };
        let simplex = parts.iter().any(|(weight, _)| self.shares.contains_key(&weight.node));
        let help = match self.missing_shares(parts) {
            Some(missing) => {
                let missing: Vec<String> = missing.iter().map(usize::to_string).collect();
                format!("the elements of the simplex add to 1 only together: use element {} too", missing.join(", "))
            }
            None if simplex => {
                "use all elements of one simplex vector of known size, each once: `w[0] * p + w[1] * q` \
                                for `w : simplex[2]`; or `∑[k] w[k] * p[k]`"
                    .into()
            }
            None if parts.len() > 2 => format!("{MORE_WEIGHTS}, or decimals that add to 1"),
            None => format!("{TWO_WEIGHTS}, or decimals that add to 1; to weight an observation, write `p ^ w`"),
        };
        self.report(Diagnostic::new(codes::E0503, place, message).help(help));
    }

    pub fn missing_variate(&mut self, dist: &Instance, place: Span) {
        let name = &dist.name;
        let message = format!("`{name}` has no variate here: nothing says what is observed");
        let diagnostic =
            Diagnostic::new(codes::E0304, place, message).help(format!("write `{name}(k | …)` or `k ~ {name}(…)`"));
        self.report(diagnostic);
    }

    fn density_and_cost(&mut self, ctx: &Ctx, at: Operator, a: &Value, b: &Value) -> Value {
        let id = if matches!(a, Value::Num(_)) { at.rhs } else { at.lhs };
        if let (Value::Mixing(parts), _) | (_, Value::Mixing(parts)) = (a, b) {
            self.incomplete_mixture(parts, self.place(ctx, at.span));
            return Value::Error;
        }
        let place = ctx.unit.ast.expr(id).span;
        let text = ctx.unit.source.slice(place).to_string();
        let message = "a density and a cost cannot be added: one is a probability, the other is minimised";
        let mut diagnostic = Diagnostic::new(codes::E0501, self.place(ctx, place), message).note("density");
        if ctx.call.is_none() {
            diagnostic =
                diagnostic.fix(format!("nll({text}) is its negative log, a cost"), place, format!("nll({text})"));
        }
        self.fail(diagnostic)
    }

    /// `if c then p else q`
    pub fn select_density(&mut self, ctx: &Ctx, test: Num, a: Density, b: Density, span: Span) -> Value {
        let as_num = |density: &Density| Num {
            node: density.log,
            axes: density.axes.clone(),
            kind: Kind::Real,
            vector: VectorKind::Plain,
        };
        let Value::Num(chosen) = self.select(ctx, test, as_num(&a), as_num(&b), span) else { return Value::Error };
        let measure = a.measure.and(b.measure);
        let factors = vec![Factor::of(chosen.node, measure, &[&a, &b])];
        let mut variates = a.variates;
        variates.extend(b.variates.into_iter().filter(|name| !variates.contains(name)).collect::<Vec<_>>());
        let form = Form::If(Box::new(a.form), Box::new(b.form));
        Value::Density(Box::new(Density {
            log: chosen.node,
            axes: chosen.axes,
            measure,
            variates,
            form,
            factors,
            instance: None,
        }))
    }
}
