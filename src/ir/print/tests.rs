#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::latex::name;
use super::{listing, to_latex, to_text};
use crate::ir::graph::{Axis, Graph, Index, Input, InputRole, NodeId, ROW, ROWS};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;

fn row(g: &mut Graph, name: &str) -> NodeId {
    let input =
        g.add_input(Input { name: name.into(), role: InputRole::Data, axes: vec![ROWS], support: Interval::REAL });
    g.load(input, &[Index::Var(ROW)])
}

#[test]
fn brackets_only_where_the_meaning_needs_them() {
    let mut g = Graph::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| row(&mut g, name));
    let mut check = |build: &dyn Fn(&mut Graph) -> NodeId, text: &str, latex: &str| {
        let id = build(&mut g);
        assert_eq!((to_text(&g, id).as_str(), to_latex(&g, id).as_str()), (text, latex));
    };
    let bin = |g: &mut Graph, op, x, y| g.apply(op, &[x, y]);
    check(
        &|g| {
            let s = bin(g, Op::Add, a, b);
            bin(g, Op::Mul, s, c)
        },
        "(a + b)·c",
        "\\left(a + b\\right)\\,c",
    );
    check(
        &|g| {
            let p = bin(g, Op::Mul, a, b);
            bin(g, Op::Add, p, c)
        },
        "a·b + c",
        "a\\,b + c",
    );
    check(
        &|g| {
            let s = bin(g, Op::Sub, b, c);
            bin(g, Op::Sub, a, s)
        },
        "a - (b - c)",
        "a - \\left(b - c\\right)",
    );
    check(
        &|g| {
            let s = bin(g, Op::Sub, a, b);
            bin(g, Op::Sub, s, c)
        },
        "a - b - c",
        "a - b - c",
    );
    check(
        &|g| {
            let s = bin(g, Op::Mul, b, c);
            bin(g, Op::Div, a, s)
        },
        "a/(b·c)",
        "\\frac{a}{b\\,c}",
    );
    check(
        &|g| {
            let s = g.apply(Op::Neg, &[b]);
            bin(g, Op::Mul, a, s)
        },
        "a·(-b)",
        "a\\,\\left(-b\\right)",
    );
    check(
        &|g| {
            let s = bin(g, Op::Add, a, b);
            g.apply(Op::Neg, &[s])
        },
        "-(a + b)",
        "-\\left(a + b\\right)",
    );
    check(
        &|g| {
            let s = bin(g, Op::Div, a, b);
            g.apply(Op::Square, &[s])
        },
        "(a/b)²",
        "{\\left(\\frac{a}{b}\\right)}^{2}",
    );
    check(
        &|g| {
            let s = bin(g, Op::Pow, a, b);
            bin(g, Op::Pow, s, c)
        },
        "(a^b)^c",
        "{\\left({a}^{b}\\right)}^{c}",
    );
    check(
        &|g| {
            let s = bin(g, Op::Add, a, b);
            g.apply(Op::Log, &[s])
        },
        "log(a + b)",
        "\\log \\left(a + b\\right)",
    );
    check(
        &|g| {
            let s = bin(g, Op::Sub, a, b);
            g.apply(Op::Exp, &[s])
        },
        "exp(a - b)",
        "e^{a - b}",
    );
    check(
        &|g| {
            let s = g.apply(Op::Exp, &[a]);
            bin(g, Op::XLogY, b, s)
        },
        "b·log(exp(a))",
        "b\\,\\log \\left(e^{a}\\right)",
    );
    check(
        &|g| {
            let s = bin(g, Op::Lt, a, b);
            g.apply(Op::Select, &[s, a, c])
        },
        "if a < b then a else c",
        "\\begin{cases}a & \\text{if } a < b\\\\ c & \\text{otherwise}\\end{cases}",
    );
}

#[test]
fn reducers_name_their_index_and_bracket_sums() {
    let mut g = Graph::new();
    let n = g.add_axis(Axis { name: Some("N".into()), size: None });
    let k =
        g.add_input(Input {
            name: "η".into(), role: InputRole::Predict, axes: vec![ROWS, n], support: Interval::REAL
        });
    let v = g.fresh_var(n);
    let x = g.load(k, &[Index::Var(ROW), Index::Var(v)]);
    let one = g.constant(1.0);
    let sum = g.apply(Op::Add, &[x, one]);
    let outer = g.reduce(ReduceOp::Sum, v, sum, None);
    assert_eq!(to_text(&g, outer), "∑[i] (η[i] + 1)");
    assert_eq!(to_latex(&g, outer), "\\sum_{i} \\left(\\eta _{i} + 1\\right)");
    let two = g.constant(2.0);
    let twice = g.apply(Op::Mul, &[two, outer]);
    let more = g.apply(Op::Mul, &[outer, outer]);
    assert_eq!(to_text(&g, twice), "2·∑[i] (η[i] + 1)");
    assert_eq!(to_text(&g, more), "(∑[i] (η[i] + 1))·∑[i] (η[i] + 1)");
    let lse = g.reduce(ReduceOp::LogSumExp, v, x, None);
    let share = g.apply(Op::Sub, &[x, lse]);
    assert_eq!(to_text(&g, share), "η[i] - logsumexp[j] η[j]");
}

#[test]
fn rows_are_told_apart_where_there_are_several() {
    let mut g = Graph::new();
    let x = row(&mut g, "x");
    let other = g.fresh_var(ROWS);
    let y = g.load(crate::ir::graph::InputId(0), &[Index::Var(other)]);
    let equal = g.apply(Op::Eq, &[x, y]);
    let differ = g.apply(Op::Not, &[equal]);
    let sum = g.reduce(ReduceOp::Sum, other, y, Some(differ));
    assert_eq!(to_text(&g, sum), "∑[j where x[i] ≠ x[j]] x[j]");
    assert_eq!(to_latex(&g, sum), "\\sum_{j:\\,x_{i} \\ne x_{j}} x_{j}");
    assert_eq!(to_text(&g, differ), "x[i] ≠ x[j]");
}

#[test]
fn shared_parts_become_lines_of_the_listing() {
    let mut g = Graph::new();
    let a = row(&mut g, "a");
    let e = g.apply(Op::Exp, &[a]);
    let square = g.apply(Op::Mul, &[e, e]);
    assert_eq!(listing(&g, &[("t".into(), square)]), "%1 = exp(a)  # positive\nt = %1·%1\n");
}

#[test]
fn text_of_a_doubling_graph_stays_short() {
    let mut g = Graph::new();
    let mut x = row(&mut g, "a");
    for _ in 0..200 {
        x = g.apply(Op::Add, &[x, x]);
    }
    assert!(to_text(&g, x).len() < 4 * super::LIMIT);
}

#[test]
fn names_in_latex() {
    let pairs = [("λ", "\\lambda "), ("σ_x", "\\sigma _{x}"), ("rate", "\\mathrm{rate}"), ("x", "x"), ("N", "N")];
    pairs.iter().for_each(|(from, to)| assert_eq!(name(from), *to));
}

/// `op[name]` over the axis `axis` of what `body` makes of its index.
fn named(
    g: &mut Graph,
    op: ReduceOp,
    name: &str,
    axis: crate::ir::graph::AxisId,
    body: impl FnOnce(&mut Graph, Index) -> crate::ir::graph::NodeId,
) -> crate::ir::graph::NodeId {
    let var = g.fresh_var(axis);
    g.name_index(var, name);
    let body = body(g, Index::Var(var));
    g.reduce(op, var, body, None)
}

#[test]
fn indices_keep_the_names_they_were_given() {
    let mut g = Graph::new();
    let n = g.add_axis(Axis { name: Some("N".into()), size: None });
    let mut input = |name: &str, axes: &[crate::ir::graph::AxisId]| {
        g.add_input(Input { name: name.into(), role: InputRole::Data, axes: axes.into(), support: Interval::REAL })
    };
    let (x, w, t) = (input("x", &[n]), input("w", &[n, n]), input("t", &[n]));
    let sum = named(&mut g, ReduceOp::Sum, "α", n, |g, at| g.load(x, &[at]));
    assert_eq!((to_text(&g, sum), to_latex(&g, sum)), ("∑[α] x[α]".into(), "\\sum_{\\alpha} x_{\\alpha}".into()));
    // Two that stand side by side may share a name, whatever binders they have; a vector's own index has a letter.
    let side = named(&mut g, ReduceOp::Max, "a", n, |g, a| {
        let inner = named(g, ReduceOp::Sum, "b", n, |g, b| g.load(w, &[a, b]));
        let own = g.fresh_var(n);
        let element = g.load(t, &[Index::Var(own)]);
        let norm = g.reduce(ReduceOp::Norm, own, element, None);
        g.apply(Op::Add, &[inner, norm])
    });
    let other = named(&mut g, ReduceOp::Sum, "a", n, |g, a| g.load(t, &[a]));
    let both = g.apply(Op::Sub, &[side, other]);
    assert_eq!(to_text(&g, both), "max[a] (∑[b] w[a, b] + norm[i] t[i]) - ∑[a] t[a]");
    // Expanding a function brings `a` into the scope of another `a`, and `t` is an input.
    let nested = named(&mut g, ReduceOp::Sum, "a", n, |g, outer| {
        named(g, ReduceOp::Sum, "a", n, |g, inner| g.load(w, &[inner, outer]))
    });
    assert_eq!(to_text(&g, nested), "∑[a] (∑[a_2] w[a_2, a])");
    assert_eq!(to_latex(&g, nested), "\\sum_{a} \\left(\\sum_{a_{2}} w_{a_{2},a}\\right)");
    let clash = named(&mut g, ReduceOp::Prod, "t", n, |g, at| g.load(x, &[at]));
    assert_eq!(to_text(&g, clash), "∏[t_2] x[t_2]");
}
