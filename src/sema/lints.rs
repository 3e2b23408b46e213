//! Lints: programs that compile and yet may not mean what their writer wants.
//!
//! A lint looks at the checked program or its tree and warns at most once a place. `# allow W0101` in a comment on the
//! line, or on the line before it, silences it there. Lints of whole programs come first, those of a call last.

use std::collections::HashSet;

use super::calls::{Argument, Calling};
use super::elaborate::{Ctx, Elaborator};
use super::parameterisation::{forms_of, shown};
use super::symmetry::{Freedom, Motion, symmetries};
use super::value::{Value, VectorKind};
use super::{Form, Hir, NameInfo, Term, TermKind};
use crate::diag::{Code, Diagnostic, codes, nearest};
use crate::ir::graph::{AxisId, Graph, InputId, InputRole, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};
use crate::source::{Source, Span};
use crate::syntax::ast::{Ast, DistDef, ExprKind, Formal, StmtKind};

/// A lint of a term, given every node that it reaches.
type OfTerm = fn(&Hir, &Term, &[NodeId]) -> Option<Diagnostic>;

const OF_TERMS: &[OfTerm] = &[unmoved, repeated, unbounded, collapsing, without_margin, cancelling];

/// Every lint of a program without errors.
pub(super) fn lint(ast: &Ast, hir: &Hir) -> Vec<Diagnostic> {
    let mut found = unused(ast, hir);
    for term in &hir.terms {
        let nodes = hir.graph.reachable(&[term.node]);
        found.extend(OF_TERMS.iter().filter_map(|lint| lint(hir, term, &nodes)));
    }
    found.extend(undetermined(hir));
    found
}

/// Whether a comment on the line of `span`, or on the line before, allows the code.
pub(super) fn allowed(source: &Source, code: Code, span: Span) -> bool {
    let (line, _) = source.line_column(span.start);
    let lines = source.text.lines().skip(line.saturating_sub(2)).take(if line > 1 { 2 } else { 1 });
    let comment = |line: &str| line.split_once('#').is_some_and(|(_, c)| c.contains("allow") && c.contains(code.0));
    lines.into_iter().any(comment)
}

/// Declared or defined, and never read.
fn unused(ast: &Ast, hir: &Hir) -> Vec<Diagnostic> {
    let read: HashSet<&str> = ast
        .exprs
        .iter()
        .filter_map(|expr| match &expr.kind {
            ExprKind::Name(name) => Some(name.key.as_str()),
            _ => None,
        })
        .collect();
    let free: Vec<&NameInfo> = hir.names.iter().filter(|info| !info.declared).collect();
    let warn = |text: &str, key: &str, span: Span| {
        let diagnostic = Diagnostic::new(codes::W0101, span, format!("`{text}` is never used"));
        let near = nearest(key, free.iter().map(|info| info.key.as_str()));
        match free.iter().find(|info| Some(info.key.as_str()) == near) {
            Some(info) => diagnostic.fix(format!("was `{text}` meant by `{}`?", info.name), info.span, text),
            None => diagnostic.help("delete it, or use it"),
        }
    };
    let declared = hir.names.iter().filter(|info| info.declared && !read.contains(info.key.as_str()));
    let defined = ast.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Define(name, _) if !read.contains(name.key.as_str()) => Some(name),
        _ => None,
    });
    let declared = declared.map(|info| warn(&info.name, &info.key, info.span));
    declared.chain(defined.map(|name| warn(&name.text, &name.key, name.span))).collect()
}

fn loads<'a>(graph: &'a Graph, nodes: &'a [NodeId]) -> impl Iterator<Item = InputId> + 'a {
    nodes.iter().filter_map(|&id| match graph.node(id) {
        Node::Load(input, _) => Some(*input),
        _ => None,
    })
}

fn learned(graph: &Graph, input: InputId) -> bool {
    matches!(graph.input(input).role, InputRole::Predict | InputRole::Param | InputRole::Free)
}

/// A term that no prediction and no parameter can change.
fn unmoved(hir: &Hir, term: &Term, nodes: &[NodeId]) -> Option<Diagnostic> {
    let learns = hir.names.iter().any(|info| learned(&hir.graph, info.input));
    if !learns || loads(&hir.graph, nodes).any(|input| learned(&hir.graph, input)) {
        return None;
    }
    let message = "nothing that is predicted or learned is in this term, so training cannot change it";
    Some(Diagnostic::new(codes::W0102, term.span, message).help("declare what the network says with `predict`"))
}

/// A density over an axis that no observation has: each observation counts once for every element.
fn repeated(hir: &Hir, term: &Term, _: &[NodeId]) -> Option<Diagnostic> {
    let TermKind::Density(_) = term.kind else { return None };
    let observed: Vec<NodeId> =
        term.factors.iter().flat_map(|factor| &factor.variates).map(|(node, _)| *node).collect();
    let reached = hir.graph.reachable(&observed);
    if !loads(&hir.graph, &reached).any(|input| hir.graph.input(input).role == InputRole::Data) {
        return None;
    }
    let runs_over = |axis: AxisId| {
        let over = |node: &NodeId| hir.graph.free(*node).iter().any(|&var| hir.graph.var(var).axis == axis);
        observed.iter().any(over)
    };
    let lone = term.axes.iter().map(|&var| hir.graph.var(var).axis).find(|&axis| !runs_over(axis))?;
    let axis = hir.graph.axis(lone);
    let name = axis.name.clone().or_else(|| axis.size.map(|size| size.to_string()))?;
    let message =
        format!("nothing that is observed runs over {name}: each observation counts once for each of its elements");
    Some(
        Diagnostic::new(codes::W0107, term.span, message)
            .help("give prediction and observation the same axis; `dot(w, x)` and `sum[i] …` leave one number a row"),
    )
}

/// A mixture with a component whose scale can go to 0 at an observation.
fn unbounded(hir: &Hir, term: &Term, _: &[NodeId]) -> Option<Diagnostic> {
    let TermKind::Density(form) = &term.kind else { return None };
    let component = mixed(form, false).into_iter().find_map(|call| match call {
        Form::Call { name, params, .. } => params.iter().find_map(|(key, text, node)| {
            let scale = matches!(key.as_str(), "sigma" | "variance" | "b" | "s");
            let shrinks = hir.graph.support(*node).lo == 0.0
                && loads(&hir.graph, &hir.graph.reachable(&[*node])).any(|input| learned(&hir.graph, input));
            (scale && shrinks).then(|| (name.clone(), text.clone()))
        }),
        _ => None,
    })?;
    let (name, text) = component;
    let message = format!(
        "the likelihood has no upper bound: where a `{name}` of this mixture sits on one observation, `{text}` can go to 0"
    );
    Some(Diagnostic::new(codes::W0103, term.span, message).help(format!("give it a floor: `{text} + 0.01`")))
}

/// The distributions that are components of a mixture.
fn mixed(form: &Form, inside: bool) -> Vec<&Form> {
    match form {
        Form::Call { .. } => {
            if inside {
                vec![form]
            } else {
                Vec::new()
            }
        }
        Form::Mixture(parts) => parts.iter().flat_map(|(_, part)| mixed(part, true)).collect(),
        Form::Over(_, weight, part) => mixed(part, inside || weight.is_some()),
        Form::Product(parts) => parts.iter().flat_map(|part| mixed(part, inside)).collect(),
        Form::Power(part, _) => mixed(part, inside),
        Form::Quotient(a, b) | Form::If(a, b) => mixed(a, inside).into_iter().chain(mixed(b, inside)).collect(),
    }
}

/// The summands of an expression with their signs, in the order written.
fn summands(graph: &Graph, id: NodeId) -> Vec<(bool, NodeId)> {
    let (mut stack, mut out) = (vec![(true, id)], Vec::new());
    while let Some((sign, id)) = stack.pop() {
        match graph.node(id) {
            Node::Apply(op @ (Op::Add | Op::Sub), args) => {
                let signed = args.iter().enumerate().map(|(at, &arg)| (sign == (at == 0 || *op == Op::Add), arg));
                stack.extend(signed.rev());
            }
            Node::Apply(Op::Neg, args) => stack.extend(args.iter().map(|&arg| (!sign, arg))),
            _ => out.push((sign, id)),
        }
    }
    out
}

/// What a hinge of distances is made of.
struct Hinge {
    nearer: Vec<NodeId>,
    farther: Vec<NodeId>,
    margin: bool,
}

fn hinges(graph: &Graph, nodes: &[NodeId]) -> Vec<Hinge> {
    let is_distance = |id: NodeId| {
        graph.reachable(&[id]).iter().any(|&at| matches!(graph.node(at), Node::Reduce { op: ReduceOp::Norm, .. }))
    };
    let of = |&id: &NodeId| {
        let Node::Apply(Op::Relu | Op::Max, args) = graph.node(id) else { return None };
        let inside = args.iter().copied().find(|&arg| graph.as_const(arg).is_none())?;
        let (distances, rest): (Vec<_>, Vec<_>) =
            summands(graph, inside).into_iter().partition(|&(_, id)| is_distance(id));
        let pick = |sign: bool| distances.iter().filter(|(s, _)| *s == sign).map(|&(_, id)| id).collect::<Vec<_>>();
        let (nearer, farther) = (pick(true), pick(false));
        let margin = !rest.is_empty();
        (!nearer.is_empty() && !farther.is_empty()).then_some(Hinge { nearer, farther, margin })
    };
    nodes.iter().filter_map(of).collect()
}

/// Hardest against hardest: all embeddings on one point is where such a training likes to end.
fn collapsing(hir: &Hir, term: &Term, nodes: &[NodeId]) -> Option<Diagnostic> {
    let is = |id: &NodeId, wanted: ReduceOp| matches!(hir.graph.node(*id), Node::Reduce { op, .. } if *op == wanted);
    let hard = |hinge: &Hinge| {
        hinge.margin
            && hinge.nearer.iter().any(|id| is(id, ReduceOp::Max))
            && hinge.farther.iter().any(|id| is(id, ReduceOp::Min))
    };
    hinges(&hir.graph, nodes).iter().find(|hinge| hard(hinge))?;
    let message = "only the hardest triplets count, and a network that puts everything on one point has them all at the margin: training may end there";
    Some(Diagnostic::new(codes::W0104, term.span, message).help(
        "take the mean over all triplets, `mean[a, p, n where …]`, at least to begin with; or `softplus` in place of the hinge",
    ))
}

/// A hinge of distances without a margin: zero where everything is on one point.
fn without_margin(hir: &Hir, term: &Term, nodes: &[NodeId]) -> Option<Diagnostic> {
    hinges(&hir.graph, nodes).iter().find(|hinge| !hinge.margin)?;
    let message = "without a margin this hinge is 0 for a network that puts everything on one point";
    Some(Diagnostic::new(codes::W0105, term.span, message).help("add one: `hinge(d(a, p) - d(a, n) + α)`"))
}

/// A cost with a constant added: it moves no minimum.
fn cancelling(hir: &Hir, term: &Term, _: &[NodeId]) -> Option<Diagnostic> {
    let TermKind::Cost = term.kind else { return None };
    let parts = summands(&hir.graph, term.node);
    let curved = |&(_, id): &(bool, NodeId)| !matches!(hir.graph.node(id), Node::Const(_) | Node::Load(..));
    let constant = parts.iter().find_map(|&(_, id)| hir.graph.as_const(id)).filter(|_| parts.iter().any(curved))?;
    let message = format!("the constant {constant} is added to every row's cost and cancels in the gradient");
    Some(Diagnostic::new(codes::W0108, term.span, message).help("leave it out, unless the figure itself matters"))
}

/// Learned parameters that can move without changing the loss: one warning for each way, at the last of those that move.
fn undetermined(hir: &Hir) -> Vec<Diagnostic> {
    let roots: Vec<NodeId> = hir.terms.iter().map(|term| term.node).collect();
    let read: HashSet<InputId> = loads(&hir.graph, &hir.graph.reachable(&roots)).collect();
    let params = hir.names.iter().filter(|info| info.role == InputRole::Param && read.contains(&info.input));
    let free: Vec<Freedom> = params
        .map(|info| Freedom {
            input: info.input,
            shift: matches!(info.vector, VectorKind::Plain | VectorKind::Ordered),
            scale: !matches!(info.vector, VectorKind::Simplex | VectorKind::UnitVector),
        })
        .collect();
    let mut found: Vec<Diagnostic> = Vec::new();
    for motions in symmetries(&hir.graph, &roots, &free) {
        let moved = |motion: &Motion| hir.names.iter().find(|info| info.input == motion.input);
        let names: Vec<&NameInfo> = motions.iter().filter_map(moved).collect();
        let Some(last) = names.last().filter(|last| found.iter().all(|other| other.span != last.span)) else {
            continue;
        };
        let (message, help) = match (names.as_slice(), motions.as_slice()) {
            ([one], [motion]) => {
                (alone(hir, one, *motion), format!("state what is known of `{}` as a term of its own", one.name))
            }
            _ => (together(&names), "keep one of them, or state what is known of each as a term of its own".into()),
        };
        found.push(Diagnostic::new(codes::W0109, last.span, message).help(help));
    }
    found
}

fn alone(hir: &Hir, info: &NameInfo, motion: Motion) -> String {
    let whole = if hir.graph.input(info.input).axes.is_empty() { "" } else { "every element of " };
    let name = &info.name;
    if motion.scale == 0.0 {
        format!("adding one number to {whole}`{name}` changes nothing, so the data cannot say where it lies")
    } else {
        format!("multiplying {whole}`{name}` by one number changes nothing, so the data cannot say how large it is")
    }
}

fn together(names: &[&NameInfo]) -> String {
    let quoted: Vec<String> = names.iter().map(|info| format!("`{}`", info.name)).collect();
    let (last, before) =
        quoted.split_last().map_or((String::new(), String::new()), |(last, before)| (last.clone(), before.join(", ")));
    format!("{before} and {last} can move together without changing the loss, so the data cannot tell them apart")
}

impl Elaborator<'_> {
    /// Counts observed under a density of real numbers.
    pub(super) fn lint_variate(&mut self, calling: &Calling<'_>, def: &DistDef, formal: &Formal, argument: &Argument) {
        let ctx = calling.ctx;
        let (needed, vector) = self.formal_support(&calling.inner.unit, formal);
        let Value::Num(num) = &argument.value else { return };
        let support = self.support_in(ctx, num.node);
        let counts = support.integral && support.as_point().is_none() && !needed.integral;
        if ctx.call.is_some() || !counts || vector != VectorKind::Plain || def.params.iter().any(Formal::is_density) {
            return;
        }
        let message =
            format!("`{}` is a whole number, and `{}` is a density of real numbers", argument.text, def.name.text);
        let diagnostic = Diagnostic::new(codes::W0106, argument.span, message);
        self.report(diagnostic.help("for counts there are poisson, neg_binomial, binomial; for yes and no bernoulli"));
    }

    /// A bare name that is another parameter of the same distribution: a variance where a standard deviation is wanted.
    pub(super) fn lint_names(&mut self, ctx: &Ctx, def: &DistDef, params: &[(String, Argument)]) {
        let forms = forms_of(def);
        for (key, argument) in params {
            if ctx.call.is_some() || argument.name.is_some() {
                continue;
            }
            let ExprKind::Name(name) = &ctx.unit.ast.expr(argument.id).kind else { continue };
            let other = forms.iter().any(|(_, names)| names.contains(&name.key) && !names.contains(key));
            if name.key != *key && other {
                let (own, other) = (shown(def, key), shown(def, &name.key));
                let message = format!(
                    "`{}` stands for {own}, but {other} is another parameter of `{}`",
                    name.text, def.name.text
                );
                let fixed = format!("{other} = {}", name.text);
                self.report(Diagnostic::new(codes::W0110, argument.span, message).fix(
                    "by name it is itself",
                    argument.span,
                    fixed,
                ));
            }
        }
    }
}
