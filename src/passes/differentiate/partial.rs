//! Products of an adjoint with the partial derivatives of primitives and reductions.

use super::{Adjoint, Care, Reverse};
use crate::ir::graph::{Graph, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

impl Reverse<'_> {
    /// For each active argument: its share of the adjoint, and the care that takes.
    pub(super) fn apply_partials(
        &mut self,
        id: NodeId,
        op: Op,
        args: &[NodeId],
        adjoint: Adjoint,
    ) -> Vec<(NodeId, NodeId, Care)> {
        if let Some(cuts) = self.kinks(op, args) {
            let shares = cuts.into_iter().filter(|&(arg, ..)| self.is_active(arg)).collect::<Vec<_>>();
            let zero = self.graph.constant(0.0);
            return shares
                .into_iter()
                .map(|(arg, cond, when)| {
                    let branches = if when { [adjoint.value, zero] } else { [zero, adjoint.value] };
                    (arg, self.graph.apply(Op::Select, &[cond, branches[0], branches[1]]), adjoint.care.and_cut(true))
                })
                .collect();
        }
        if let (Op::Log, &[x]) = (op, args) {
            // One division of the adjoint: k/λ is exactly 1 at k = λ, and 0 where the adjoint is 0, also at x = 0.
            return vec![(x, self.graph.apply(Op::ZeroDiv, &[adjoint.value, x]), adjoint.care)];
        }
        let partials = match (op, args) {
            (Op::LogAddExp, &[a, b]) => log_add_exp(self.graph, id, a, b),
            (Op::LogMix2, &[v, w, a, b]) => log_mix2(self.graph, id, (v, w), (a, b)),
            _ => (op.info().derivative)(self.graph, id, args),
        };
        let mut shares = Vec::new();
        for (&arg, partial) in args.iter().zip(partials) {
            if let Some(partial) = partial
                && self.is_active(arg)
            {
                let value = self.times(adjoint, partial);
                let cut = matches!(op, Op::Abs | Op::MulZero | Op::LogAddExp | Op::LogMix2 | Op::LogMix2Logit);
                let steep = adjoint.care.steep || self.is_steep(op, args, arg);
                shares.push((arg, value, Care { steep, ..adjoint.care.and_cut(cut) }));
            }
        }
        shares
    }

    /// Whether the derivative may be infinite at a place where the value is finite: √0, and 0·log 0 as the first 0 moves.
    fn is_steep(&self, op: Op, args: &[NodeId], arg: NodeId) -> bool {
        let can_be = |id: NodeId, value: f64| self.graph.support(id).contains(value);
        match (op, args) {
            (Op::Sqrt | Op::Pow, _) => can_be(arg, 0.0),
            (Op::XLogY, &[a, b]) => arg == a && can_be(b, 0.0),
            (Op::XLog1pY, &[a, b]) => arg == a && can_be(b, -1.0),
            _ => false,
        }
    }

    /// Primitives that choose: each argument with the condition under which (`true`) or without which it is taken.
    fn kinks(&mut self, op: Op, args: &[NodeId]) -> Option<Vec<(NodeId, NodeId, bool)>> {
        match (op, args) {
            (Op::Select, &[cond, then, other]) => Some(vec![(then, cond, true), (other, cond, false)]),
            (Op::Relu, &[x]) => {
                let zero = self.graph.constant(0.0);
                Some(vec![(x, self.graph.apply(Op::Lt, &[zero, x]), true)])
            }
            (Op::Min, &[a, b]) => {
                let first = self.graph.apply(Op::Le, &[a, b]);
                Some(vec![(a, first, true), (b, first, false)])
            }
            (Op::Max, &[a, b]) => {
                let first = self.graph.apply(Op::Le, &[b, a]);
                Some(vec![(a, first, true), (b, first, false)])
            }
            _ => None,
        }
    }

    /// adjoint·factor, which stays 0 where the adjoint was cut off, and is 0 where the factor is 0 beneath a steep root.
    fn times(&mut self, adjoint: Adjoint, factor: NodeId) -> NodeId {
        match (self.graph.as_const(adjoint.value), self.graph.as_const(factor)) {
            (_, Some(1.0)) => adjoint.value,
            (Some(1.0), _) => factor,
            (_, Some(-1.0)) => self.graph.apply(Op::Neg, &[adjoint.value]),
            _ => self.guarded(adjoint, factor),
        }
    }

    fn guarded(&mut self, adjoint: Adjoint, factor: NodeId) -> NodeId {
        let support = self.graph.support(factor);
        let (cut, steep) = (adjoint.care.cut && !support.is_bounded(), adjoint.care.steep && support.zero);
        match (cut, steep) {
            (true, false) => self.graph.apply(Op::MulZero, &[adjoint.value, factor]),
            (false, true) => self.graph.apply(Op::MulZero, &[factor, adjoint.value]),
            (true, true) => {
                let product = self.graph.apply(Op::MulZero, &[adjoint.value, factor]);
                self.keep_where(factor, product)
            }
            (false, false) => self.graph.apply(Op::Mul, &[adjoint.value, factor]),
        }
    }

    /// What a reduction gives to its body, and the care that takes.
    pub(super) fn reduce_partial(
        &mut self,
        id: NodeId,
        (op, var): (ReduceOp, VarId),
        (body, cond): (NodeId, Option<NodeId>),
        adjoint: Adjoint,
    ) -> (NodeId, Care) {
        let value = match op {
            ReduceOp::Sum => adjoint.value,
            ReduceOp::LogSumExp => {
                let share = softmax(self.graph, id, body);
                let value = self.times(adjoint, share);
                if cond.is_none() {
                    // The share of an impossible event is exactly 0.
                    return (value, adjoint.care.and_cut(may_be_neg_inf(self.graph, body)));
                }
                value
            }
            ReduceOp::Norm => {
                let share = self.graph.apply(Op::ZeroDiv, &[body, id]);
                self.graph.narrow(share, Interval::closed(-1.0, 1.0));
                self.times(adjoint, share)
            }
            ReduceOp::Prod => {
                let rest = rest_of_product(self.graph, id, var, body, cond);
                self.times(adjoint, rest)
            }
            ReduceOp::Max | ReduceOp::Min => {
                let op = if op == ReduceOp::Max { ReduceOp::ArgMax } else { ReduceOp::ArgMin };
                let best = self.graph.intern(Node::Reduce { op, var, body, cond });
                let here = self.graph.intern(Node::Var(var));
                let chosen = self.graph.apply(Op::Eq, &[here, best]);
                // An empty reduction chooses −1, and a chosen member has met the condition.
                return (self.keep_where(chosen, adjoint.value), adjoint.care.and_cut(true));
            }
            ReduceOp::ArgMax | ReduceOp::ArgMin => self.graph.constant(0.0),
        };
        match cond {
            Some(cond) => (self.keep_where(cond, value), adjoint.care.and_cut(true)),
            None => (value, adjoint.care),
        }
    }

    fn keep_where(&mut self, cond: NodeId, value: NodeId) -> NodeId {
        let zero = self.graph.constant(0.0);
        self.graph.apply(Op::Select, &[cond, value, zero])
    }
}

/// exp(body − logsumexp), 0 where everything is −∞.
fn softmax(graph: &mut Graph, sum: NodeId, body: NodeId) -> NodeId {
    let top = if may_be_neg_inf(graph, body) {
        let (floor, zero) = (graph.constant(f64::NEG_INFINITY), graph.constant(0.0));
        let possible = graph.apply(Op::Lt, &[floor, sum]);
        graph.apply(Op::Select, &[possible, sum, zero])
    } else {
        sum
    };
    let difference = graph.apply(Op::Sub, &[body, top]);
    graph.narrow(difference, Interval::NONPOS);
    graph.apply(Op::Exp, &[difference])
}

/// ∂ log(e^a + e^b) = sigmoid(a − b), sigmoid(b − a); 0 where both are −∞.
fn log_add_exp(graph: &mut Graph, sum: NodeId, a: NodeId, b: NodeId) -> Vec<Option<NodeId>> {
    let impossible = may_be_neg_inf(graph, a) && may_be_neg_inf(graph, b);
    let mut share = |x, y| {
        let difference = graph.apply(Op::Sub, &[x, y]);
        let share = graph.apply(Op::Sigmoid, &[difference]);
        if !impossible {
            return Some(share);
        }
        let (floor, zero) = (graph.constant(f64::NEG_INFINITY), graph.constant(0.0));
        let possible = graph.apply(Op::Lt, &[floor, sum]);
        Some(graph.apply(Op::Select, &[possible, share, zero]))
    };
    vec![share(a, b), share(b, a)]
}

/// ∂ log(v·e^a + w·e^b): the shares sigmoid(±s) of the components with s = a − b + log v − log w, which saturate
/// instead of losing digits where a and b are large; over the weights, share/weight as exp(min(s − log v, −log v)) times
/// sigmoid|s|, finite at v = 0. All 0 where both components are −∞.
fn log_mix2(graph: &mut Graph, sum: NodeId, (v, w): (NodeId, NodeId), (a, b): (NodeId, NodeId)) -> Vec<Option<NodeId>> {
    let impossible = may_be_neg_inf(graph, a) && may_be_neg_inf(graph, b);
    let (log_v, log_w) = (graph.apply(Op::Log, &[v]), graph.apply(Op::Log, &[w]));
    let difference = graph.apply(Op::Sub, &[a, b]);
    let more = graph.apply(Op::Sub, &[difference, log_w]);
    let odds = graph.apply(Op::Add, &[more, log_v]);
    let distance = graph.apply(Op::Abs, &[odds]);
    let saturation = graph.apply(Op::Sigmoid, &[distance]);
    let opposite = graph.apply(Op::Neg, &[odds]);
    let less = graph.apply(Op::Add, &[difference, log_v]);
    let less = graph.apply(Op::Neg, &[less]);
    let mut over_weight = |rest, log| {
        let cap = graph.apply(Op::Neg, &[log]);
        let exponent = graph.apply(Op::Min, &[rest, cap]);
        let ratio = graph.apply(Op::Exp, &[exponent]);
        graph.apply(Op::Mul, &[ratio, saturation])
    };
    let (dv, dw) = (over_weight(more, log_v), over_weight(less, log_w));
    let (da, db) = (graph.apply(Op::Sigmoid, &[odds]), graph.apply(Op::Sigmoid, &[opposite]));
    let mut guarded = |share| {
        if !impossible {
            return Some(share);
        }
        let (floor, zero) = (graph.constant(f64::NEG_INFINITY), graph.constant(0.0));
        let possible = graph.apply(Op::Lt, &[floor, sum]);
        Some(graph.apply(Op::Select, &[possible, share, zero]))
    };
    [dv, dw, da, db].into_iter().map(&mut guarded).collect()
}

/// Whether an expression can be −∞ (the logarithm of an impossible event). Yes unless shown otherwise.
fn may_be_neg_inf(graph: &Graph, root: NodeId) -> bool {
    let mut stack = vec![root];
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        match graph.node(id) {
            Node::Const(bits) if !f64::from_bits(*bits).is_finite() => return true,
            Node::Const(_) | Node::Load(..) | Node::Var(_) | Node::Size(_) => {}
            _ if graph.support(id).lo.is_finite() => {}
            Node::Apply(op, args) => match op {
                Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Select | Op::Min | Op::Max | Op::Detach => {
                    stack.extend(args.iter());
                }
                Op::Square | Op::Abs | Op::Sign | Op::LogSoftplus | Op::Sigmoid | Op::Softplus | Op::Tanh | Op::Exp => {
                }
                Op::Div if args.get(1).is_some_and(|&by| graph.support(by).is_nonzero()) => stack.extend(args.first()),
                Op::Log if args.first().is_some_and(|&x| graph.support(x).lo > 0.0) => {}
                _ => return true,
            },
            Node::Reduce { op: ReduceOp::Sum, body, .. } => stack.push(*body),
            Node::Reduce { op: ReduceOp::LogSumExp, body, cond: None, .. } => stack.push(*body),
            Node::Reduce { .. } => return true,
        }
    }
    false
}

/// The product of the other members: exact when some of them are 0.
fn rest_of_product(graph: &mut Graph, product: NodeId, var: VarId, body: NodeId, cond: Option<NodeId>) -> NodeId {
    if graph.support(body).is_nonzero() {
        return graph.apply(Op::Div, &[product, body]);
    }
    let other = graph.fresh_var(graph.var(var).axis);
    let mut rename = Substitution::new(var, Index::Var(other));
    let body = rename.apply(graph, body);
    let here = graph.intern(Node::Var(var));
    let there = graph.intern(Node::Var(other));
    let same = graph.apply(Op::Eq, &[here, there]);
    let mut keep = graph.apply(Op::Not, &[same]);
    if let Some(cond) = cond {
        let cond = rename.apply(graph, cond);
        keep = graph.apply(Op::And, &[cond, keep]);
    }
    graph.reduce(ReduceOp::Prod, other, body, Some(keep))
}
