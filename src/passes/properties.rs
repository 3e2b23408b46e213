//! Properties of the passes on random well-typed graphs: simplification keeps values and gradients, gradients are
//! central differences, every pass leaves a valid graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::testing::{Build, Values, total};
use super::{derive, stabilize, verify};
use crate::interpret::{evaluate, values};
use crate::ir::graph::{Index, InputId, NodeId, ROW, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{LossGraph, TermRoot};
use crate::ir::support::Interval;

const ROWS_TRIED: usize = 3;
const SIZE: usize = 3;

/// Primitives with derivatives that a program can reach, in proportion to how much they take part in rules.
const OPS: &[Op] = &[
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Div,
    Op::Neg,
    Op::Square,
    Op::Exp,
    Op::Log,
    Op::Sigmoid,
    Op::Softplus,
    Op::XLogY,
    Op::Log1p,
    Op::Sqrt,
    Op::Abs,
    Op::Relu,
    Op::Max,
    Op::Min,
    Op::Select,
    Op::Lt,
    Op::Not,
    Op::And,
    Op::Tanh,
    Op::Expm1,
    Op::LogAddExp,
    Op::Pow,
    Op::Sin,
    Op::LogSoftplus,
    Op::Log1mExp,
    Op::XLog1pY,
    Op::Ndtr,
    Op::Lgamma,
];

const REDUCTIONS: &[ReduceOp] =
    &[ReduceOp::Sum, ReduceOp::LogSumExp, ReduceOp::Norm, ReduceOp::Max, ReduceOp::Min, ReduceOp::Prod];

/// A graph grown from a list of choices.
struct Grow {
    b: Build,
    pool: Vec<NodeId>,
    wrt: Vec<InputId>,
    data: Vec<Vec<f64>>,
    var: VarId,
}

impl Grow {
    fn new(numbers: &[f64]) -> Grow {
        let mut b = Build::new();
        let axis = b.g.add_axis(crate::ir::graph::Axis { name: Some("N".into()), size: Some(SIZE) });
        let var = b.fresh(axis);
        let mut grow = Grow { b, pool: Vec::new(), wrt: Vec::new(), data: vec![Vec::new()], var };
        // A little apart from each other and from 0, so that no tie or kink is hit.
        let mut numbers = numbers.iter().copied().cycle().enumerate().map(|(at, x)| x + 0.0137 * (at + 1) as f64);
        let supports = [
            ("x", Interval::REAL),
            ("y", Interval::REAL),
            ("p", Interval::POSITIVE),
            ("u", Interval::UNIT),
            ("k", Interval::COUNT),
            ("b", Interval::BOOL),
        ];
        for (name, support) in supports {
            let input = grow.b.input(name, &[ROWS], support);
            grow.fill(input, support, ROWS_TRIED, &mut numbers);
            let load = grow.b.g.load(input, &[Index::Var(ROW)]);
            grow.pool.push(load);
        }
        for (name, per_row) in [("v", true), ("w", false)] {
            let axes = if per_row { vec![ROWS, axis] } else { vec![axis] };
            let input = grow.b.input(name, &axes, Interval::REAL);
            grow.fill(input, Interval::REAL, if per_row { ROWS_TRIED * SIZE } else { SIZE }, &mut numbers);
            let index = if per_row { vec![Index::Var(ROW), Index::Var(var)] } else { vec![Index::Var(var)] };
            let load = grow.b.g.load(input, &index);
            grow.pool.push(load);
        }
        for value in [0.0, 1.0, -1.0, 2.0, 0.5] {
            let c = grow.b.c(value);
            grow.pool.push(c);
        }
        grow
    }

    fn fill(&mut self, input: InputId, support: Interval, count: usize, numbers: &mut impl Iterator<Item = f64>) {
        let shape = |x: f64| match support {
            s if s == Interval::BOOL => f64::from(u8::from(x > 0.0)),
            s if s == Interval::COUNT => (x.abs() * 2.0).floor(),
            s if s == Interval::UNIT => 1.0 / (1.0 + (-x).exp()),
            s if s == Interval::POSITIVE => x.abs() + 0.1,
            _ => x,
        };
        self.data.push(numbers.take(count).map(shape).collect());
        if !support.integral {
            self.wrt.push(input);
        }
    }

    fn grow(&mut self, choices: &[(u8, u8, u8, u8)]) {
        for &(what, a, b, c) in choices {
            let pick = |pool: &[NodeId], at: u8| pool[at as usize * pool.len() / 256];
            let args = [pick(&self.pool, a), pick(&self.pool, b), pick(&self.pool, c)];
            if what >= 224 {
                let op = REDUCTIONS[what as usize % REDUCTIONS.len()];
                let boolean = self.b.g.support(args[1]).is_subset(Interval::BOOL);
                let node = self.b.g.reduce(op, self.var, args[0], Some(args[1]).filter(|_| boolean && c > 128));
                self.pool.push(node);
                continue;
            }
            let op = OPS[what as usize % OPS.len()];
            let args = &args[..op.info().arity];
            let fits = |(&arg, &domain): (&NodeId, &Interval)| self.b.g.support(arg).is_subset(domain);
            let nonzero = op != Op::Div || self.b.g.support(args[1]).is_nonzero();
            let power = op != Op::Pow || self.b.g.support(args[0]).is_positive();
            if args.iter().zip(op.info().domain).all(fits) && nonzero && power {
                let node = self.b.op(op, args);
                self.pool.push(node);
            }
        }
    }

    /// One row term: the last nodes, with what depends on the index summed.
    fn finish(mut self) -> (LossGraph, Vec<InputId>, Values) {
        let last: Vec<NodeId> = self.pool.iter().rev().take(4).copied().collect();
        let mut term = self.pool[0];
        for node in last {
            let scalar = if self.b.g.free(node).contains(&self.var) {
                self.b.reduce(ReduceOp::Sum, self.var, node)
            } else {
                node
            };
            term = self.b.op(Op::Add, &[term, scalar]);
        }
        let loss = LossGraph {
            graph: self.b.g,
            terms: vec![TermRoot { label: "t".into(), node: term }],
            seed: self.b.seed,
            gradients: vec![],
        };
        let values =
            Values { rows: ROWS_TRIED, sizes: vec![ROWS_TRIED, SIZE], inputs: self.data, seed: vec![0.5, 1.0, 2.0] };
        (loss, self.wrt, values)
    }
}

/// The largest magnitude of any intermediate value; infinite when one is not finite.
fn magnitude(loss: &LossGraph, at: &Values) -> f64 {
    let roots = loss.graph.reachable(&loss.terms.iter().map(|term| term.node).collect::<Vec<_>>());
    let arrays = values(&loss.graph, &roots, &at.bindings()).unwrap();
    arrays
        .iter()
        .flat_map(|array| &array.data)
        .fold(0.0, |top, x| if x.is_finite() { top.max(x.abs()) } else { f64::INFINITY })
}

fn gradients(loss: &LossGraph, at: &Values) -> Vec<f64> {
    evaluate(loss, &at.bindings(), true, false).unwrap().gradients.concat()
}

/// Central differences with the error they show between two steps; `None` where the function is not smooth.
fn differences(loss: &LossGraph, wrt: &[InputId], at: &Values) -> Vec<Option<(f64, f64)>> {
    let mut out = Vec::new();
    for input in wrt {
        for element in 0..at.inputs[input.index()].len() {
            let x = at.inputs[input.index()][element];
            let slope = |h: f64| {
                let moved = |x: f64| {
                    let mut at = at.clone();
                    at.inputs[input.index()][element] = x;
                    total(loss, &at)
                };
                (moved(x + h) - moved(x - h)) / (2.0 * h)
            };
            let (wide, narrow) = (slope(2e-4 * x.abs().max(0.05)), slope(1e-4 * x.abs().max(0.05)));
            let error = (wide - narrow).abs();
            let smooth = error <= 1e-4 * narrow.abs().max(1.0);
            out.push(smooth.then_some(((4.0 * narrow - wide) / 3.0, error)));
        }
    }
    out
}

/// The first value of any node that lies outside the support derived for it. Supports speak of exact arithmetic, so ends
/// may be met, and missed by rounding.
fn outside(loss: &LossGraph, at: &Values) -> Option<String> {
    let terms = loss.terms.iter().map(|term| term.node);
    let gradients = loss.gradients.iter().map(|(_, node)| *node);
    let nodes = loss.graph.reachable(&terms.chain(gradients).collect::<Vec<_>>());
    let arrays = values(&loss.graph, &nodes, &at.bindings()).unwrap();
    let overflows = arrays.iter().flat_map(|array| &array.data).any(|x| x.is_infinite());
    nodes.iter().zip(&arrays).find_map(|(&id, array)| {
        let support = loss.graph.support(id);
        let inside = |x: f64| {
            let room = 1e-9 * x.abs().max(1.0);
            let whole = !support.integral || x.abs() > 1e15 || (x - x.round()).abs() <= room;
            x >= support.lo - room && x <= support.hi + room && whole
        };
        let bad =
            array.data.iter().copied().find(|&x| !(inside(x) || (overflows && (x.is_nan() || x.is_infinite()))))?;
        let text = crate::ir::print::listing(&loss.graph, &[("value".into(), id)]);
        Some(format!("{bad} is not in {support}\n{text}"))
    })
}

/// Whether rounding has brought a value to an end that it cannot have, as Φ(9) = 1: a comparison with it, or its logarithm,
/// is then decided by rounding.
fn saturated(loss: &LossGraph, at: &Values) -> bool {
    let nodes = loss.graph.reachable(&loss.terms.iter().map(|term| term.node).collect::<Vec<_>>());
    let arrays = values(&loss.graph, &nodes, &at.bindings()).unwrap();
    nodes.iter().zip(&arrays).any(|(&id, array)| {
        let support = loss.graph.support(id);
        let ends = [(support.lo, support.lo_open), (support.hi, support.hi_open), (0.0, !support.zero)];
        array.data.iter().any(|&x| ends.iter().any(|&(end, open)| open && x == end))
    })
}

fn choices() -> impl Strategy<Value = Vec<(u8, u8, u8, u8)>> {
    prop::collection::vec(any::<(u8, u8, u8, u8)>(), 4..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn passes_keep_values_and_gradients(choices in choices(), numbers in prop::collection::vec(-3.0..3.0_f64, 29)) {
        let mut grow = Grow::new(&numbers);
        grow.grow(&choices);
        let (loss, wrt, at) = grow.finish();
        let scale = magnitude(&loss, &at);
        prop_assume!(scale < 1e4 && !saturated(&loss, &at));
        let mut raw = loss.clone();
        let term = raw.terms[0].node;
        raw.gradients = super::differentiate::differentiate(&mut raw.graph, &[term], &wrt, raw.seed);
        prop_assert_eq!(verify::verify(&raw), Vec::<String>::new());
        let text = crate::ir::print::listing(&loss.graph, &[("loss".into(), term)]);
        let derived = derive(loss.clone(), &wrt).unwrap_or_else(|error| panic!("{error}\n{text}")).loss;
        let compiled = stabilize(derived.clone()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(verify::verify(&compiled), Vec::<String>::new());
        // A term in which no row is left once it is simplified (x − x + w) is added once, like a prior.
        let by_row = |loss: &LossGraph| loss.graph.free(loss.terms[0].node).contains(&ROW);
        prop_assume!([&derived, &compiled].iter().all(|other| by_row(&raw) == by_row(other)));
        let value = total(&raw, &at);
        let show = |loss: &LossGraph| {
            let mut roots = vec![("loss".to_string(), loss.terms[0].node)];
            roots.extend(loss.gradients.iter().map(|(input, node)| (loss.graph.input(*input).name.clone(), *node)));
            crate::ir::print::listing(&loss.graph, &roots)
        };
        for other in [&derived, &compiled] {
            let found = total(other, &at);
            prop_assert!((found - value).abs() <= 1e-9 * scale.max(1.0), "{value} became {found}\n{}\n{}", show(&raw), show(other));
        }
        let before = gradients(&raw, &at);
        let after = [gradients(&derived, &at), gradients(&compiled, &at)];
        for (i, expected) in differences(&raw, &wrt, &at).into_iter().enumerate() {
            let Some((slope, error)) = expected else { continue };
            let agree = |a: f64| (a - slope).abs() <= 1e-6 * slope.abs().max(scale) + 10.0 * error;
            // Before simplification 0·(−∞) may be left of a factor that is zero throughout: (0·x)·log 0.
            prop_assert!(before[i].is_nan() || agree(before[i]), "gradient {i}: {} by differences {slope}\n{}\n{:?}", before[i], show(&raw), at);
            for (after, loss) in after.iter().zip([&derived, &compiled]) {
                prop_assert!(agree(after[i]), "simplified gradient {i}: {} by differences {slope}\n{}\n{}\n{:?}", after[i], show(&raw), show(loss), at);
            }
        }
    }

    /// No operation is given, or gives, a value outside what was derived: in the program, in its gradients, and in what
    /// simplification makes of both.
    #[test]
    fn values_stay_in_their_supports(choices in choices(), numbers in prop::collection::vec(-3.0..3.0_f64, 29)) {
        let mut grow = Grow::new(&numbers);
        grow.grow(&choices);
        let (loss, wrt, at) = grow.finish();
        prop_assume!(magnitude(&loss, &at) < 1e6 && !saturated(&loss, &at));
        let derived = derive(loss.clone(), &wrt).unwrap().loss;
        let compiled = stabilize(derived.clone()).unwrap();
        for loss in [&loss, &derived, &compiled] {
            let found = outside(loss, &at);
            prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
        }
    }
}
