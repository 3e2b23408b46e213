//! Where a log density excludes what is observed: its support as a condition, read off the formula.
//!
//! A formula says what cannot be by the number −∞: `if x >= lower then … else −inf`. From that follows for every node
//! of the density whether it is −∞ by exclusion, through the operations that add, scale, choose and mix logarithms. A
//! probability that is 0 for other reasons (`log p` at p = 0) is not excluded. Depends on `ir` alone.

use std::collections::HashMap;

use crate::ir::graph::{Graph, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

/// The condition under which a log density (or a cost made of some) is not excluded; the constant 1 when it never is.
pub fn inside(graph: &mut Graph, root: NodeId) -> NodeId {
    let mut conditions = Conditions::new(graph);
    for id in graph.reachable(&[root]) {
        let condition = conditions.derive(graph, id);
        conditions.of.insert(id, condition);
    }
    conditions.at(root)
}

/// The condition that a number lies in an interval; the constant 1 when its support shows that.
pub(super) fn member(graph: &mut Graph, x: NodeId, set: Interval) -> NodeId {
    let conditions = Conditions::new(graph);
    let mut found = conditions.always;
    let compare = |open: bool| if open { Op::Lt } else { Op::Le };
    for (lower, end, open) in [(true, set.lo, set.lo_open), (false, set.hi, set.hi_open)] {
        if end.is_finite() {
            let end = graph.constant(end);
            let sides = if lower { [end, x] } else { [x, end] };
            let holds = graph.apply(compare(open), &sides);
            found = conditions.both(graph, found, holds);
        }
    }
    if set.integral && !graph.support(x).integral {
        let whole = graph.apply(Op::Floor, &[x]);
        let holds = graph.apply(Op::Eq, &[whole, x]);
        found = conditions.both(graph, found, holds);
    }
    found
}

/// The conditions of the nodes seen so far.
struct Conditions {
    always: NodeId,
    never: NodeId,
    of: HashMap<NodeId, NodeId>,
}

impl Conditions {
    fn new(graph: &mut Graph) -> Self {
        Conditions { always: graph.constant(1.0), never: graph.constant(0.0), of: HashMap::new() }
    }

    fn at(&self, id: NodeId) -> NodeId {
        self.of.get(&id).copied().unwrap_or(self.always)
    }

    fn derive(&mut self, graph: &mut Graph, id: NodeId) -> NodeId {
        if graph.support(id).as_point() == Some(f64::NEG_INFINITY) {
            return self.never;
        }
        match graph.node(id).clone() {
            Node::Apply(op, args) => match (op, args.as_ref()) {
                (Op::Neg | Op::Detach, [a]) => self.at(*a),
                (Op::Add | Op::Sub | Op::Mul | Op::Div, [a, b]) => self.both(graph, self.at(*a), self.at(*b)),
                // p^0 = 1 leaves the observation out.
                (Op::MulZero, [weight, log]) => {
                    let zero = graph.apply(Op::Eq, &[*weight, self.never]);
                    self.either(graph, zero, self.at(*log))
                }
                (Op::Select, [test, a, b]) => self.chosen(graph, *test, self.at(*a), self.at(*b)),
                (Op::LogAddExp, [a, b]) | (Op::LogMix2, [_, _, a, b]) => self.either(graph, self.at(*a), self.at(*b)),
                _ => self.always,
            },
            Node::Reduce { op, var, body, cond } => {
                let inner = self.at(body);
                let over = match op {
                    ReduceOp::Sum => ReduceOp::Prod,
                    ReduceOp::LogSumExp => ReduceOp::Max,
                    _ => return self.always,
                };
                let varies = cond.is_some() || graph.free(inner).contains(&var);
                if varies && inner != self.always { graph.reduce(over, var, inner, cond) } else { inner }
            }
            _ => self.always,
        }
    }

    fn both(&self, graph: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
        match (truth(graph, a), truth(graph, b)) {
            (Some(false), _) | (_, Some(false)) => self.never,
            (Some(true), _) => b,
            (_, Some(true)) => a,
            _ if a == b => a,
            _ => graph.apply(Op::And, &[a, b]),
        }
    }

    fn either(&self, graph: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
        match (truth(graph, a), truth(graph, b)) {
            (Some(true), _) | (_, Some(true)) => self.always,
            (Some(false), _) => b,
            (_, Some(false)) => a,
            _ if a == b => a,
            _ => graph.apply(Op::Or, &[a, b]),
        }
    }

    fn chosen(&self, graph: &mut Graph, test: NodeId, a: NodeId, b: NodeId) -> NodeId {
        match truth(graph, test) {
            Some(true) => a,
            Some(false) => b,
            None if a == b => a,
            None if truth(graph, b) == Some(false) => self.both(graph, test, a),
            None if truth(graph, a) == Some(true) => self.either(graph, test, b),
            None => graph.apply(Op::Select, &[test, a, b]),
        }
    }
}

/// What a condition is, where its support shows it.
fn truth(graph: &Graph, condition: NodeId) -> Option<bool> {
    graph.support(condition).as_point().map(|value| value != 0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::ir::print::to_text;
    use crate::sema::{Options, analyze};
    use crate::source::{NoFiles, Source};

    /// The condition of a program's only term, as text.
    fn condition(program: &str) -> String {
        let analysis = analyze(&Source::new("test", program), &NoFiles, &Options::default());
        assert!(analysis.is_ok(), "{program}: {:?}", analysis.diagnostics);
        let mut graph = analysis.hir.graph.clone();
        let inside = inside(&mut graph, analysis.hir.terms[0].node);
        to_text(&graph, inside)
    }

    #[test]
    fn a_density_says_what_it_excludes() {
        for (program, expected) in [
            ("normal(x | 0, 1)", "1"),
            ("poisson(k | λ)", "1"),
            ("binomial(k | 5, p)", "k <= 5"),
            ("binomial(k | n, logit = z)", "k <= n"),
            ("truncated(normal(x | 0, 1), lower = 0)", "0 <= x"),
            ("nll(truncated(normal(x | 0, 1), upper = b)) + 3", "x <= b"),
            ("data x : real\nlognormal(x | 0, 1)", "0 < x"),
            ("data k : real\nhurdle(k | 0.3, lognormal(0, 1))", "k == 0 or 0 < k"),
            ("data k : real\nzero_inflated(k | 0.3, half_normal(1))", "k == 0 or 0 <= k"),
            ("data x : real\nx ~ 0.5 * exponential(1) + 0.5 * normal(0, 1)", "1"),
            ("data x : real\nx ~ 0.5 * exponential(1) + 0.5 * half_normal(2)", "0 <= x"),
            ("data x : real\nx ~ 0.5 * exponential(1) + 0.5 * rayleigh(2)", "0 <= x or 0 < x"),
            ("param c : ordered[K]\nordered_logistic(y | η, c)", "y <= K"),
            (
                "data x : real[N]\npredict p : simplex[N]\n∑[k] p[k] * truncated(normal(x[0] | k, 1), lower = x[1])",
                "x[1] <= x[0]",
            ),
            (
                "distribution uniform(x : real | a : real, b : real)\n  log density if x >= a and x <= b then -log(b - a) else -inf\n  latex \"U\"\nuniform(x | 0, 2)",
                "0 <= x and x <= 2",
            ),
            ("data x : real\nexponential(x | 1) ^ w", "w == 0 or 0 <= x"),
            (
                "data c : bool\ndata x : real\nif c then exponential(x | 1) else normal(x | 0, 1)",
                "if c then 0 <= x else 1",
            ),
            ("data x : real\nlog(cdf(exponential(_ | 1), x))", "1"),
        ] {
            assert_eq!(condition(program), expected, "{program}");
        }
    }
}
