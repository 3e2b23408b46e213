//! Every rule with expressions it applies to, compared before and after: values and gradients, inside the guard's domain
//! and on its edge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use super::{Phase, Simplifier, rules};
use crate::interpret::evaluate;
use crate::ir::graph::{Index, InputId, NodeId, ROW, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::passes::testing::{Build, Values};

const INDEX: Interval = Interval { hi: 2.0, hi_open: false, ..Interval::COUNT };
const NEGATIVE: Interval = Interval { hi: 0.0, hi_open: true, zero: false, ..Interval::REAL };

/// Name, support, values tried.
const SCALARS: &[(&str, Interval, &[f64])] = &[
    ("x", Interval::REAL, &[-3.0, -0.5, 0.0, 0.25, 2.0, 4.5]),
    ("y", Interval::REAL, &[1.5, -2.0, 0.75, 0.0, -0.25, 3.0]),
    ("z", Interval::REAL, &[-2.5, 3.5, 0.5, -1.0, 1.0, 0.0]),
    ("p", Interval::POSITIVE, &[0.5, 2.0, 1e-3, 1.0, 7.0, 3.0]),
    ("r", Interval::POSITIVE, &[3.0, 0.25, 1.0, 40.0, 0.1, 2.0]),
    ("n", Interval::NONNEG, &[0.5, 0.0, 2.0, 1.0, 3.0, 0.0]),
    ("u", Interval::UNIT, &[0.5, 0.9, 0.01, 0.25, 0.75, 0.999]),
    ("q", Interval::PROB, &[0.5, 0.25, 0.75, 0.1, 0.0, 1.0]),
    ("k", Interval::COUNT, &[0.0, 1.0, 2.0, 7.0, 3.0, 0.0]),
    ("m", Interval::COUNT, &[5.0, 1.0, 2.0, 9.0, 3.0, 4.0]),
    ("b", Interval::BOOL, &[0.0, 1.0, 1.0, 0.0, 1.0, 0.0]),
    ("c", Interval::BOOL, &[1.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
    ("j", INDEX, &[0.0, 1.0, 2.0, 1.0, 0.0, 2.0]),
    ("neg", NEGATIVE, &[-1.0, -0.25, -3.0, -1e-3, -20.0, -0.5]),
];

/// The same over an axis of size 3.
const VECTORS: &[(&str, Interval, &[f64])] = &[
    ("wx", Interval::REAL, &[0.5, -1.0, 2.0]),
    ("wp", Interval::POSITIVE, &[0.5, 1.5, 0.25]),
    ("wb", Interval::BOOL, &[1.0, 0.0, 1.0]),
];

/// Builds expressions written as `(op argument …)`; a reducer `(sum body)` or `(sum body where)` binds the index of the
/// vectors inside, which `i` stands for; `wx@j` is the member at `j`.
struct Read {
    b: Build,
    inputs: BTreeMap<&'static str, InputId>,
    axis: crate::ir::graph::AxisId,
}

impl Read {
    fn new() -> Read {
        let mut b = Build::new();
        let axis = b.g.add_axis(crate::ir::graph::Axis { name: Some("N".into()), size: Some(3) });
        let mut inputs = BTreeMap::new();
        for &(name, support, _) in SCALARS {
            inputs.insert(name, b.input(name, &[ROWS], support));
        }
        for &(name, support, _) in VECTORS {
            inputs.insert(name, b.input(name, &[axis], support));
        }
        Read { b, inputs, axis }
    }

    fn expr(&mut self, tokens: &mut std::iter::Peekable<std::vec::IntoIter<String>>, index: Option<VarId>) -> NodeId {
        let token = tokens.next().expect("an expression");
        if token != "(" {
            return self.atom(&token, index);
        }
        let head = tokens.next().unwrap();
        let reduce = [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min, ReduceOp::LogSumExp, ReduceOp::Norm];
        if let Some(&op) = reduce.iter().find(|op| op.name() == head && head != "max" && head != "min") {
            let var = self.b.fresh(self.axis);
            let body = self.expr(tokens, Some(var));
            let cond = (tokens.peek().unwrap() != ")").then(|| self.expr(tokens, Some(var)));
            tokens.next();
            return self.b.g.reduce(op, var, body, cond);
        }
        let mut args = Vec::new();
        while tokens.peek().unwrap() != ")" {
            args.push(self.expr(tokens, index));
        }
        tokens.next();
        let op = Op::named(&head).unwrap_or_else(|| panic!("no primitive {head}"));
        self.b.op(op, &args)
    }

    fn atom(&mut self, token: &str, index: Option<VarId>) -> NodeId {
        if token == "i" {
            return self.b.g.intern(crate::ir::graph::Node::Var(index.unwrap()));
        }
        if let Ok(value) = token.parse() {
            return self.b.c(value);
        }
        if let Some((vector, at)) = token.split_once('@') {
            let at = self.atom(at, index);
            return self.b.g.load(self.inputs[vector], &[Index::At(at)]);
        }
        let input = *self.inputs.get(token).unwrap_or_else(|| panic!("no input {token}"));
        let var = if self.b.g.input(input).per_row() { ROW } else { index.expect("inside a reducer") };
        self.b.g.load(input, &[Index::Var(var)])
    }

    fn read(&mut self, text: &str) -> NodeId {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let tokens: Vec<String> = spaced.split_whitespace().map(str::to_string).collect();
        self.expr(&mut tokens.into_iter().peekable(), None)
    }
}

fn bindings(read: &Read) -> Values {
    let rows = SCALARS[0].2.len();
    let scalars = SCALARS.iter().map(|(name, _, values)| (read.inputs[name], values.to_vec()));
    let vectors = VECTORS.iter().map(|(name, _, values)| (read.inputs[name], values.to_vec()));
    let mut inputs = vec![Vec::new(); read.b.g.inputs().len()];
    scalars.chain(vectors).for_each(|(input, values)| inputs[input.index()] = values);
    Values { rows, sizes: vec![rows, 3], inputs, seed: vec![1.0; rows] }
}

/// Value a row and gradients of an expression.
fn outputs(read: &Read, node: NodeId) -> (Vec<f64>, Vec<Vec<f64>>) {
    let b = Build { g: read.b.g.clone(), seed: read.b.seed };
    let row = b.g.free(node).contains(&ROW);
    let wrt: Vec<InputId> = read.inputs.values().copied().filter(|&input| !b.g.input(input).support.integral).collect();
    let loss = b.loss(&[node], &wrt);
    let out = evaluate(&loss, &bindings(read).bindings(), true, row).unwrap();
    (if row { out.per_row } else { out.terms }, out.gradients)
}

fn check(rule: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut read = Read::new();
    let before = read.read(text);
    let stable = rules().find(|one| one.name == rule).unwrap_or_else(|| panic!("no rule {rule}")).phase;
    let mut simplifier = Simplifier::new(stable.unwrap_or(Phase::Canonical));
    let after = simplifier.run(&mut read.b.g, before);
    let fired: BTreeSet<&str> = simplifier.steps().iter().map(|step| step.rule.name).collect();
    let printed = crate::ir::print::to_text(&read.b.g, after);
    if let Some(fault) = simplifier.fault() {
        wrong.push(format!("{text}: {fault}"));
    }
    if !fired.contains(rule) {
        wrong.push(format!("`{rule}` does not apply to {text}: {fired:?} gave {printed}"));
    }
    let ((a, ga), (b, gb)) = (outputs(&read, before), outputs(&read, after));
    let agree = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-9 * a.abs().max(1.0) || !a.is_finite() && !b.is_nan();
    let differ = |a: &[f64], b: &[f64]| !a.iter().zip(b).all(|(&a, &b)| agree(a, b));
    if differ(&a, &b) {
        wrong.push(format!("{rule}: {text} = {a:?}, {printed} = {b:?}"));
    }
    for (a, b) in ga.iter().zip(&gb).filter(|(a, b)| differ(a, b)) {
        wrong.push(format!("{rule}: ∂ {text} = {a:?}, ∂ {printed} = {b:?}"));
    }
    wrong
}

/// Rules and what they apply to.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("fold", &["(add x (mul 2 3))", "(mul x (log 1))"]),
    ("fold function", &["(mul x (log 3))"]),
    ("one value", &["(mul x (lt (neg p) p))"]),
    ("add zero", &["(exp (add x 0))", "(exp (add 0 x))"]),
    ("subtract zero", &["(exp (sub x 0))"]),
    ("zero minus", &["(exp (sub 0 x))"]),
    ("add a negative", &["(add x (neg y))", "(add (neg x) y)", "(add x (mul -2 y))"]),
    ("subtract a negative", &["(sub x (neg y))", "(sub x (mul -2 y))", "(sub x -3)"]),
    ("minus a negative sum", &["(sub (neg x) y)"]),
    ("double negation", &["(neg (neg (exp x)))"]),
    ("negated difference", &["(neg (sub x y))", "(neg (sub (sub (mul x y) (exp x)) z))"]),
    ("negated multiple", &["(neg (mul 3 x))"]),
    ("times one", &["(mul 1 (exp x))", "(mul0 (exp x) 1)"]),
    ("times minus one", &["(mul -1 (exp x))"]),
    ("times zero", &["(add y (mul 0 x))"]),
    ("constant first", &["(mul x 3)"]),
    ("gather constants", &["(mul 2 (mul 3 x))", "(mul (mul 2 x) (mul 3 y))", "(mul x (mul 3 y))"]),
    ("constants of a quotient", &["(div (mul 2 x) (mul 4 p))", "(mul -2 (div x (mul 2 (square p))))"]),
    ("minus out of a product", &["(mul (neg x) y)", "(div (neg x) (neg p))", "(div -2 p)", "(mul x (neg y))"]),
    ("square", &["(mul x x)"]),
    ("square of a negative", &["(square (neg x))", "(square (abs x))"]),
    ("square of a root", &["(square (sqrt n))"]),
    ("root of a square", &["(mul y (sqrt (square x)))"]),
    ("divide by one", &["(div (exp x) 1)"]),
    ("zero divided", &["(add x (div 0 p))"]),
    ("times a reciprocal", &["(mul x (div 1 p))"]),
    ("half", &["(div (exp x) 4)"]),
    ("power", &["(pow x 0)", "(pow x 1)", "(pow x 2)", "(pow p -1)", "(pow p 0.5)"]),
    ("power of a power", &["(pow (pow p 3) x)"]),
    ("absolute value", &["(abs p)", "(abs neg)", "(abs (neg x))"]),
    ("whole numbers", &["(mul x (floor k))"]),
    ("ramp", &["(relu p)", "(add x (relu neg))"]),
    ("hinge", &["(max 0 x)"]),
    ("larger, smaller", &["(max p neg)", "(min p neg)", "(min x x)"]),
    (
        "choice",
        &[
            "(select b x x)",
            "(select (not b) x y)",
            "(select (lt neg p) x y)",
            "(mul x (select b 1 0))",
            "(select b (select b x y) z)",
            "(select b x (select b y z))",
        ],
    ),
    (
        "truth",
        &[
            "(select (and b 1) x y)",
            "(select (or b 0) x y)",
            "(select (not (not b)) x y)",
            "(select (eq b b) x y)",
            "(select (and b b) x y)",
        ],
    ),
    ("guarded product", &["(mul0 p x)", "(mul0 x u)"]),
    ("guarded product of a mask", &["(mul0 b x)"]),
    ("constant out of a guarded product", &["(mul0 (mul 3 x) y)"]),
    ("guarded quotient", &["(zerodiv x p)", "(zerodiv p (exp x))"]),
    (
        "mask out of a product",
        &["(mul (select b x 0) y)", "(mul y (select b 0 x))", "(div (select b x 0) p)", "(mul0 (select b x 0) y)"],
    ),
    ("minus out of a mask", &["(select b (neg x) 0)", "(select b -1 0)"]),
    (
        "masks added",
        &[
            "(add (select b x 0) (select b 0 y))",
            "(sub (select b x 0) (select b y 0))",
            "(sub (select b 0 x) (select b y 0))",
        ],
    ),
    (
        "like terms",
        &[
            "(sub x x)",
            "(sub 1 (sub 1 u))",
            "(add (add x y) (sub x y))",
            "(sub (add x 1) 1)",
            "(add (mul 2 x) (mul 3 x))",
        ],
    ),
    (
        "common factor",
        &[
            "(add (mul u x) (mul (sub 1 u) x))",
            "(add (mul (sub y 1) x) x)",
            "(sub z (add (mul u x) (mul (sub 1 u) x)))",
        ],
    ),
    ("softplus in a sum", &["(add (sub (softplus x) y) (sub z x))", "(add x (mul 2 (softplus (neg x))))"]),
    ("softplus of both signs", &["(sub (add y (softplus x)) (softplus (neg x)))"]),
    ("expm1 in a sum", &["(sub (add y (exp x)) 1)", "(sub 3 (add y (mul 3 (exp x))))", "(sub (mul 3 (exp x)) 3)"]),
    ("expm1 minus its argument", &["(sub (sub (exp x) x) 1)", "(sub (sub (mul 2 x) (mul 2 (exp x))) -2)"]),
    (
        "complementary sigmoids",
        &[
            "(sub (mul (sub 1 q) (sigmoid x)) (mul q (sigmoid (neg x))))",
            "(sub (mul (sub m k) (sigmoid x)) (mul k (sigmoid (neg x))))",
        ],
    ),
    (
        "cancel",
        &[
            "(div (mul p x) p)",
            "(mul (div x p) p)",
            "(div (square p) p)",
            "(div p (square p))",
            "(div p (sqrt p))",
            "(div (sqrt p) p)",
            "(div (mul x (sigmoid y)) (softplus y))",
            "(div (exp (add x (log p))) p)",
            "(div (sigmoid (add x (log p))) p)",
            "(mul (mul x (exp y)) (mul (exp (neg y)) z))",
            "(mul (zerodiv x p) p)",
        ],
    ),
    ("square of a product", &["(mul (mul (mul x (exp y)) x) (exp y))", "(div (mul (div x p) x) p)"]),
    ("distribute to cancel", &["(mul (sub (div k p) 1) p)", "(mul (sub (div k (softplus x)) 1) (sigmoid x))"]),
    ("log of exp", &["(log (exp x))"]),
    ("log of a product", &["(log (mul p (exp x)))", "(log (mul (sigmoid x) (softplus y)))"]),
    ("log of a quotient", &["(log (div (softplus x) p))"]),
    ("log of a reciprocal", &["(log (div 1 p))"]),
    ("log of a power", &["(log (pow p x))"]),
    ("log of a square", &["(log (square p))", "(log (square neg))"]),
    ("log of a root", &["(log (sqrt p))"]),
    ("log of sigmoid", &["(log (sigmoid x))"]),
    ("log of softplus", &["(log (softplus x))"]),
    ("log of Φ", &["(log (ndtr x))"]),
    ("log of 1 + x", &["(log (add 1 p))", "(log (add p 1))"]),
    ("log of 1 - x", &["(log (sub 1 u))"]),
    ("log of -expm1", &["(log (neg (expm1 neg)))"]),
    (
        "log of a sum of exponentials",
        &["(log (sum (exp wx)))", "(log (sum (mul wp (exp wx)) wb))", "(log (sum (div (exp wx) wp)))"],
    ),
    (
        "log of two exponentials",
        &["(log (add (mul u (exp x)) (mul (sub 1 u) (exp y))))", "(log (add (exp x) (exp y)))"],
    ),
    ("log of Π", &["(log (prod wp))"]),
    ("log1p of exp", &["(log1p (exp x))"]),
    ("log1p of -exp", &["(log1p (neg (exp neg)))"]),
    ("log1p of -sigmoid", &["(log1p (neg (sigmoid x)))"]),
    ("log1p of expm1", &["(log1p (expm1 x))"]),
    ("log1p of -Φ", &["(log1p (neg (ndtr x)))"]),
    (
        "log1p of minus a product",
        &["(log1p (neg (mul (sigmoid x) (sigmoid y))))", "(log1p (neg (square (sigmoid x))))"],
    ),
    ("shifted tanh", &["(add 1 (tanh x))", "(sub 1 (tanh x))"]),
    ("rising factorial", &["(sub (lgamma (add k p)) (lgamma p))", "(sub (add x (digamma (add p k))) (digamma p))"]),
    ("mixture by log-odds", &["(log_mix2 (sigmoid x) (sigmoid (neg x)) y z)"]),
    (
        "counts above a bound",
        &[
            "(sub (poisson_lp k p (log p)) (log_gamma_p n p (log p)))",
            "(sub (poisson_lp k p (log p)) (log1mexp (neg p)))",
        ],
    ),
    ("no event", &["(poisson_lp 0 p (log p))"]),
    ("log1mexp of -exp", &["(log1mexp (neg (exp x)))"]),
    ("zero inflation by log-odds", &["(log_mix0 (sigmoid x) (sigmoid (neg x)) neg)"]),
    ("log1mexp of -softplus", &["(log1mexp (neg (softplus x)))"]),
    ("xlogy", &["(xlogy k (exp x))", "(xlogy k (sigmoid x))", "(xlogy k (softplus x))", "(xlogy k (add p 1))"]),
    ("xlogy of a product", &["(xlogy k (mul n (exp x)))"]),
    ("xlogy of 1 - x", &["(xlogy k (sub 1 q))"]),
    ("xlog1py", &["(xlog1py k (neg (sigmoid x)))", "(xlog1py k p)"]),
    ("logaddexp with 0", &["(logaddexp 0 x)"]),
    ("logaddexp with -∞", &["(logaddexp -inf x)"]),
    ("exp of log", &["(exp (log p))"]),
    (
        "exp of a sum with a log",
        &[
            "(exp (add (log p) (log r)))",
            "(exp (sub (log p) (log r)))",
            "(exp (add u (log p)))",
            "(exp (sub u (log p)))",
        ],
    ),
    ("exp of -log", &["(exp (neg (log p)))"]),
    ("exp of a multiple of a log", &["(exp (mul x (log p)))"]),
    ("exp of -softplus", &["(exp (neg (softplus x)))"]),
    ("exp of log_cloglog", &["(exp (log_cloglog x))"]),
    ("exp of log_softplus", &["(exp (log_softplus x))"]),
    ("exp of log Φ", &["(exp (log_ndtr x))"]),
    ("exp of log1p", &["(exp (log1p p))"]),
    ("exp of log1mexp", &["(exp (log1mexp neg))"]),
    ("expm1", &["(sub (exp x) 1)", "(sub 1 (exp x))"]),
    ("expm1 plus 1", &["(add 1 (expm1 x))"]),
    ("product of exponentials", &["(mul (exp x) (exp y))"]),
    ("square of exp", &["(square (exp x))"]),
    ("power of exp", &["(pow (exp x) y)", "(sqrt (exp x))"]),
    ("divide by exp", &["(div x (exp y))", "(zerodiv x (exp y))"]),
    ("sigmoid", &["(div 1 (add 1 (exp x)))", "(div (exp x) (add (exp x) 1))"]),
    ("complement of sigmoid", &["(sub 1 (sigmoid x))"]),
    ("complement of Φ", &["(sub 1 (ndtr x))"]),
    ("difference of softplus", &["(sub (softplus x) (softplus (neg x)))"]),
    ("softplus minus its argument", &["(sub (softplus x) x)", "(add (softplus (neg x)) x)"]),
    ("sum of the same", &["(sum x)", "(sum x wb)", "(prod p)", "(logsumexp x)"]),
    (
        "factor out of a sum",
        &["(sum (mul x (mul wx y)))", "(sum (div wx p))", "(sum (neg wx))", "(sum (div x wp))", "(sum (mul x wx) wb)"],
    ),
    ("mask out of a sum", &["(sum (select b wx 0))"]),
    ("condition as a mask", &["(sum (select (eq i j) (mul x wx) 0) wb)"]),
    ("one-hot sum", &["(sum (select (eq i j) (mul x wx) 0))", "(sum (select (eq k i) (mul x wx) 0))"]),
    ("shift out of logsumexp", &["(logsumexp (add x wx))", "(logsumexp (sub wx x) wb)"]),
    ("Euclidean norm", &["(sqrt (sum (square (sub wx x))))"]),
    ("square of a norm", &["(square (norm (sub wx x)))"]),
    ("product of exponentials over an index", &["(prod (exp (mul x wx)))"]),
    ("softmax sums to 1", &["(mul x (sum (exp (sub wx (logsumexp wx)))))"]),
    ("known condition", &["(sum (mul x wx) (lt neg p))", "(sum (mul x wx) (lt p neg))"]),
    ("logit residual", &["(sub (sigmoid x) b)"]),
    ("soft logit residual", &["(sub (sigmoid x) q)"]),
    ("counts residual", &["(sub (mul m (sigmoid x)) k)"]),
    ("logit loss", &["(add (mul b (softplus (neg x))) (mul (sub 1 b) (softplus x)))"]),
    ("log-softmax loss", &["(sub (logsumexp wx) wx@j)"]),
];

#[test]
fn every_rule_keeps_values_and_gradients() {
    let all = EXAMPLES.iter().flat_map(|(rule, examples)| examples.iter().flat_map(|example| check(rule, example)));
    let wrong: Vec<String> = all.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_an_example() {
    let shown: BTreeSet<&str> = EXAMPLES.iter().map(|(rule, _)| *rule).collect();
    // The softmax residual needs a gradient's own variable; see `accuracy`.
    let all: Vec<&str> = rules().map(|rule| rule.name).filter(|name| *name != "softmax residual").collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "names are unique");
    let missing: Vec<&&str> = all.iter().filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
