//! Losses with gradients derived by hand.

use super::{Case, noise};
use crate::ir::graph::{Axis, AxisId, Graph, Index, Input, InputId, InputRole, Node, NodeId, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::program::{LossGraph, TermRoot};
use crate::ir::support::Interval;

/// A graph being written.
struct Writer {
    graph: Graph,
    sizes: Vec<usize>,
}

impl Writer {
    fn new() -> Self {
        Writer { graph: Graph::new(), sizes: vec![0] }
    }

    fn axis(&mut self, name: &str, size: usize) -> AxisId {
        self.sizes.push(size);
        self.graph.add_axis(Axis { name: Some(name.into()), size: None })
    }

    fn input(&mut self, name: &str, axes: &[AxisId]) -> InputId {
        let role = InputRole::Free;
        self.graph.add_input(Input { name: name.into(), role, axes: axes.to_vec(), support: Interval::REAL })
    }

    fn op(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.graph.apply(op, args)
    }

    fn number(&mut self, value: f64) -> NodeId {
        self.graph.constant(value)
    }

    fn row(&mut self, input: InputId) -> NodeId {
        self.graph.load(input, &[Index::Var(ROW)])
    }

    fn seed(&mut self) -> (InputId, NodeId) {
        let seed = self.input("seed", &[ROWS]);
        self.graph.input_mut(seed).role = InputRole::Seed;
        let load = self.row(seed);
        (seed, load)
    }

    fn finish(
        self,
        terms: &[NodeId],
        seed: InputId,
        gradients: Vec<(InputId, NodeId)>,
        values: fn(usize, usize) -> Vec<Vec<f64>>,
    ) -> Case {
        let terms =
            terms.iter().enumerate().map(|(at, &node)| TermRoot { label: format!("term{}", at + 1), node }).collect();
        Case { loss: LossGraph { graph: self.graph, terms, seed, gradients }, sizes: self.sizes, values }
    }
}

fn scaled(seed: usize, count: usize, scale: f64) -> Vec<f64> {
    noise(seed, count).into_iter().map(|x| x * scale).collect()
}

fn counts_up_to(seed: usize, count: usize, limit: f64) -> Vec<f64> {
    noise(seed, count).into_iter().map(|x| (x.abs() * limit).floor()).collect()
}

/// (x − μ)² + w·x², the second term labelled on its own.
pub fn squares() -> Case {
    let mut w = Writer::new();
    let (x, mu, weight) = (w.input("x", &[ROWS]), w.input("mu", &[ROWS]), w.input("w", &[]));
    let (seed, s) = w.seed();
    let (xr, mur) = (w.row(x), w.row(mu));
    let wl = w.graph.load(weight, &[]);
    let d = w.op(Op::Sub, &[xr, mur]);
    let square = w.op(Op::Square, &[d]);
    let xx = w.op(Op::Square, &[xr]);
    let penalty = w.op(Op::Mul, &[wl, xx]);
    let two = w.number(2.0);
    let dd = w.op(Op::Mul, &[two, d]);
    let sdd = w.op(Op::Mul, &[s, dd]);
    let dmu = w.op(Op::Neg, &[sdd]);
    let wx = w.op(Op::Mul, &[wl, xr]);
    let twx = w.op(Op::Mul, &[two, wx]);
    let stwx = w.op(Op::Mul, &[s, twx]);
    let dx = w.op(Op::Add, &[sdd, stwx]);
    let sxx = w.op(Op::Mul, &[s, xx]);
    let dw = w.graph.reduce(ReduceOp::Sum, ROW, sxx, None);
    w.finish(&[square, penalty], seed, vec![(mu, dmu), (x, dx), (weight, dw)], |rows, n| {
        vec![noise(n, rows), noise(n + 1, rows), vec![0.7], Vec::new()]
    })
}

/// Every elementwise primitive on pairs of special values; each "gradient" is one of them.
pub fn semantics() -> Case {
    let mut w = Writer::new();
    let (x, y) = (w.input("x", &[ROWS]), w.input("y", &[ROWS]));
    let seed = w.seed().0;
    let (a, b) = (w.row(x), w.row(y));
    let mut gradients = Vec::new();
    for op in [Op::Neg, Op::Square, Op::Sqrt, Op::Abs, Op::Sign, Op::Floor, Op::Relu, Op::Not, Op::Detach] {
        gradients.push((x, w.op(op, &[a])));
    }
    for op in [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::MulZero,
        Op::Div,
        Op::ZeroDiv,
        Op::Min,
        Op::Max,
        Op::Lt,
        Op::Le,
        Op::Eq,
        Op::And,
        Op::Or,
        Op::LogAddExp,
        Op::XLogY,
        Op::Atan2,
        Op::Pow,
    ] {
        gradients.push((x, w.op(op, &[a, b])));
    }
    let less = w.op(Op::Lt, &[a, b]);
    gradients.push((x, w.op(Op::Select, &[less, a, b])));
    gradients.push((x, w.op(Op::Select, &[a, b, a])));
    let term = w.op(Op::Sub, &[a, a]);
    w.finish(&[term], seed, gradients, |rows, _| {
        let special =
            [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -7.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e6, -3.75];
        let xs = (0..rows).map(|row| special[row % special.len()]).collect();
        let ys = (0..rows).map(|row| special[(row * 5 + row / special.len()) % special.len()]).collect();
        vec![xs, ys, Vec::new()]
    })
}

/// poisson(k | exp η): e^η − k·η + lgamma(k + 1)
pub fn poisson() -> Case {
    let mut w = Writer::new();
    let (k, eta) = (w.input("k", &[ROWS]), w.input("eta", &[ROWS]));
    let (seed, s) = w.seed();
    let (kr, er) = (w.row(k), w.row(eta));
    let rate = w.op(Op::Exp, &[er]);
    let product = w.op(Op::Mul, &[kr, er]);
    let difference = w.op(Op::Sub, &[rate, product]);
    let one = w.number(1.0);
    let k1 = w.op(Op::Add, &[kr, one]);
    let constant = w.op(Op::Lgamma, &[k1]);
    let loss = w.op(Op::Add, &[difference, constant]);
    let slope = w.op(Op::Sub, &[rate, kr]);
    let gradient = w.op(Op::Mul, &[s, slope]);
    w.finish(&[loss], seed, vec![(eta, gradient)], |rows, n| {
        vec![counts_up_to(n, rows, 9.0), scaled(n + 1, rows, 2.0), Vec::new()]
    })
}

/// A Poisson of N neurons with a gain a neuron (learned) and one prior on the gains.
pub fn counts<const N: usize>() -> Case {
    let mut w = Writer::new();
    let n = w.axis("N", N);
    let (k, eta, gain) = (w.input("k", &[ROWS, n]), w.input("eta", &[ROWS, n]), w.input("g", &[n]));
    let (seed, s) = w.seed();
    let i = w.graph.axis_var(n, 0);
    let kl = w.graph.load(k, &[Index::Var(ROW), Index::Var(i)]);
    let el = w.graph.load(eta, &[Index::Var(ROW), Index::Var(i)]);
    let gl = w.graph.load(gain, &[Index::Var(i)]);
    let z = w.op(Op::Add, &[el, gl]);
    let rate = w.op(Op::Softplus, &[z]);
    let log = w.op(Op::LogSoftplus, &[z]);
    let ratio = w.op(Op::SoftplusRatio, &[z]);
    let sigmoid = w.op(Op::Sigmoid, &[z]);
    let kl_log = w.op(Op::Mul, &[kl, log]);
    let each = w.op(Op::Sub, &[rate, kl_log]);
    let loss = w.graph.reduce(ReduceOp::Sum, i, each, None);
    let g2 = w.op(Op::Square, &[gl]);
    let prior = w.graph.reduce(ReduceOp::Sum, i, g2, None);
    let kr = w.op(Op::Mul, &[kl, ratio]);
    let slope = w.op(Op::Sub, &[sigmoid, kr]);
    let deta = w.op(Op::Mul, &[s, slope]);
    let data = w.graph.reduce(ReduceOp::Sum, ROW, deta, None);
    let two = w.number(2.0);
    let from_prior = w.op(Op::Mul, &[two, gl]);
    let dgain = w.op(Op::Add, &[data, from_prior]);
    w.finish(&[loss, prior], seed, vec![(eta, deta), (gain, dgain)], |rows, n| {
        vec![counts_up_to(n, rows * N, 6.0), scaled(n + 1, rows * N, 3.0), scaled(n + 2, N, 1.0), Vec::new()]
    })
}

/// hinge(d(a, p) − d(a, n) + 0.2) over m dimensions.
pub fn triplet<const M: usize>() -> Case {
    let mut w = Writer::new();
    let axis = w.axis("m", M);
    let [a, p, n] = ["a", "p", "n"].map(|name| w.input(name, &[ROWS, axis]));
    let (seed, s) = w.seed();
    let j = w.graph.axis_var(axis, 0);
    let [al, pl, nl] = [a, p, n].map(|input| w.graph.load(input, &[Index::Var(ROW), Index::Var(j)]));
    let (ap, an) = (w.op(Op::Sub, &[al, pl]), w.op(Op::Sub, &[al, nl]));
    let dap = w.graph.reduce(ReduceOp::Norm, j, ap, None);
    let dan = w.graph.reduce(ReduceOp::Norm, j, an, None);
    let margin = w.number(0.2);
    let difference = w.op(Op::Sub, &[dap, dan]);
    let raw = w.op(Op::Add, &[difference, margin]);
    let loss = w.op(Op::Relu, &[raw]);
    let zero = w.number(0.0);
    let active = w.op(Op::Lt, &[zero, raw]);
    let adjoint = w.op(Op::MulZero, &[active, s]);
    let qp = w.op(Op::ZeroDiv, &[adjoint, dap]);
    let qn = w.op(Op::ZeroDiv, &[adjoint, dan]);
    let gp = w.op(Op::Mul, &[qp, ap]);
    let gn = w.op(Op::Mul, &[qn, an]);
    let da = w.op(Op::Sub, &[gp, gn]);
    let dp = w.op(Op::Neg, &[gp]);
    w.finish(&[loss], seed, vec![(a, da), (p, dp), (n, gn)], |rows, n| {
        vec![noise(n, rows * M), noise(n + 1, rows * M), noise(n + 2, rows * M), Vec::new()]
    })
}

/// logsumexp(z) − z[y] over K = 4, through a matrix W[K, m] of parameters; gradients of z and W.
pub fn categorical() -> Case {
    let mut w = Writer::new();
    let (k, m) = (w.axis("K", 4), w.axis("m", 3));
    let (x, weights, y) = (w.input("x", &[ROWS, m]), w.input("W", &[k, m]), w.input("y", &[ROWS]));
    let (seed, s) = w.seed();
    let (i, j) = (w.graph.axis_var(k, 0), w.graph.axis_var(m, 0));
    let xl = w.graph.load(x, &[Index::Var(ROW), Index::Var(j)]);
    let wl = w.graph.load(weights, &[Index::Var(i), Index::Var(j)]);
    let product = w.op(Op::Mul, &[wl, xl]);
    let z = w.graph.reduce(ReduceOp::Sum, j, product, None);
    let lse = w.graph.reduce(ReduceOp::LogSumExp, i, z, None);
    let yl = w.row(y);
    let picked_row = w.graph.load(weights, &[Index::At(yl), Index::Var(j)]);
    let picked_product = w.op(Op::Mul, &[picked_row, xl]);
    let picked = w.graph.reduce(ReduceOp::Sum, j, picked_product, None);
    let loss = w.op(Op::Sub, &[lse, picked]);
    let shifted = w.op(Op::Sub, &[z, lse]);
    let probability = w.op(Op::Exp, &[shifted]);
    let which = w.graph.intern(Node::Var(i));
    let observed = w.op(Op::Eq, &[which, yl]);
    let delta = w.op(Op::Sub, &[probability, observed]);
    let delta = w.op(Op::Mul, &[s, delta]);
    let outer = w.op(Op::Mul, &[delta, xl]);
    let dw = w.graph.reduce(ReduceOp::Sum, ROW, outer, None);
    let back = w.op(Op::Mul, &[delta, wl]);
    let dx = w.graph.reduce(ReduceOp::Sum, i, back, None);
    w.finish(&[loss], seed, vec![(weights, dw), (x, dx)], |rows, n| {
        vec![scaled(n, rows * 3, 2.0), scaled(n + 1, 12, 2.0), counts_up_to(n + 2, rows, 4.0), Vec::new()]
    })
}

/// Every reduction over the middle and the last axis of x[row, 3, 4], with and without a condition.
pub fn reductions() -> Case {
    let mut w = Writer::new();
    let (a, b) = (w.axis("A", 3), w.axis("B", 4));
    let x = w.input("x", &[ROWS, a, b]);
    let (by_a, by_b) = (w.input("by_a", &[ROWS, a]), w.input("by_b", &[ROWS, b]));
    let seed = w.seed().0;
    let (i, j) = (w.graph.axis_var(a, 0), w.graph.axis_var(b, 0));
    let xl = w.graph.load(x, &[Index::Var(ROW), Index::Var(i), Index::Var(j)]);
    let zero = w.number(0.1);
    let positive = w.op(Op::Lt, &[zero, xl]);
    let mut gradients = Vec::new();
    for op in [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::LogSumExp,
        ReduceOp::Norm,
        ReduceOp::ArgMax,
        ReduceOp::ArgMin,
    ] {
        for cond in [None, Some(positive)] {
            gradients.push((by_a, w.graph.reduce(op, j, xl, cond)));
            gradients.push((by_b, w.graph.reduce(op, i, xl, cond)));
        }
    }
    // A gradient in another order of axes than the program reads, and one that is narrower than its input.
    let term = gradients[0].1;
    let term = w.graph.reduce(ReduceOp::Sum, i, term, None);
    let size = w.graph.intern(Node::Size(b));
    let halved = w.op(Op::Div, &[term, size]);
    gradients.push((by_a, halved));
    gradients.push((by_b, size));
    w.finish(&[term], seed, gradients, |rows, n| {
        let mut x = noise(n, rows * 12);
        if rows > 4 {
            x[13] = f64::NAN;
            x[30] = f64::INFINITY;
            x[40] = f64::NEG_INFINITY;
        }
        vec![x, vec![0.0; rows * 3], vec![0.0; rows * 4], Vec::new()]
    })
}

/// mean[i] max[p where y[p] = y[i]] Σ_j (z[i, j] − z[p, j])², and its gradient for i = p excluded by symmetry.
pub fn batch() -> Case {
    let mut w = Writer::new();
    let m = w.axis("m", 3);
    let (z, y) = (w.input("z", &[ROWS, m]), w.input("y", &[ROWS]));
    let seed = w.seed().0;
    let (i, p) = (w.graph.fresh_var(ROWS), w.graph.fresh_var(ROWS));
    let j = w.graph.axis_var(m, 0);
    let zi = w.graph.load(z, &[Index::Var(i), Index::Var(j)]);
    let zp = w.graph.load(z, &[Index::Var(p), Index::Var(j)]);
    let d = w.op(Op::Sub, &[zi, zp]);
    let square = w.op(Op::Square, &[d]);
    let distance = w.graph.reduce(ReduceOp::Sum, j, square, None);
    let (yi, yp) = (w.graph.load(y, &[Index::Var(i)]), w.graph.load(y, &[Index::Var(p)]));
    let same = w.op(Op::Eq, &[yi, yp]);
    let farthest = w.graph.reduce(ReduceOp::Max, p, distance, Some(same));
    let sum = w.graph.reduce(ReduceOp::Sum, i, farthest, None);
    let rows = w.graph.intern(Node::Size(ROWS));
    let mean = w.op(Op::Div, &[sum, rows]);
    // Of the sum of all squared distances: 4·(rows·z − Σz).
    let zr = w.graph.load(z, &[Index::Var(ROW), Index::Var(j)]);
    let total = w.graph.reduce(ReduceOp::Sum, i, zi, None);
    let scaled_z = w.op(Op::Mul, &[rows, zr]);
    let centred = w.op(Op::Sub, &[scaled_z, total]);
    let four = w.number(4.0);
    let gradient = w.op(Op::Mul, &[four, centred]);
    w.finish(&[mean], seed, vec![(z, gradient)], |rows, n| {
        vec![noise(n, rows * 3), counts_up_to(n + 1, rows, 3.0), Vec::new()]
    })
}

/// The fused densities: poisson_lp(k, softplus η, log softplus η), normal_lp(x − η, softplus, log softplus), Laplace's,
/// and every one of their derivatives.
pub fn densities() -> Case {
    let mut w = Writer::new();
    let (k, eta, x) = (w.input("k", &[ROWS]), w.input("eta", &[ROWS]), w.input("x", &[ROWS]));
    let seed = w.seed().0;
    let (kr, er, xr) = (w.row(k), w.row(eta), w.row(x));
    let rate = w.op(Op::Softplus, &[er]);
    let log_rate = w.op(Op::LogSoftplus, &[er]);
    let poisson = w.op(Op::PoissonLp, &[kr, rate, log_rate]);
    let normal = w.op(Op::NormalLp, &[xr, rate, log_rate]);
    let laplace = w.op(Op::LaplaceLp, &[xr, rate, log_rate]);
    let ratio = w.op(Op::SoftplusRatio, &[er]);
    let mut gradients = vec![(eta, ratio), (eta, log_rate)];
    for op in [Op::NormalDr, Op::NormalDlogscale, Op::LaplaceDr, Op::LaplaceDlogscale] {
        gradients.push((x, w.op(op, &[xr, rate])));
    }
    w.finish(&[poisson, normal, laplace], seed, gradients, |rows, n| {
        let mut k = counts_up_to(n, rows, 40.0);
        let mut eta = scaled(n + 1, rows, 3.0);
        if rows > 8 {
            k[3] = 1000.0;
            k[5] = 2.5;
            eta[7] = -60.0;
            k[7] = 0.0;
            eta[8] = -20.0;
        }
        let mut x = scaled(n + 2, rows, 2.0);
        if rows > 8 {
            x[7] = 0.0;
        }
        vec![k, eta, x, Vec::new()]
    })
}
