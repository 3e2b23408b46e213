//! Subscripts and reducers: how index names are bound to axes.

use std::sync::Arc;

use super::calls::plural;
use super::elaborate::{Ctx, Elaborator};
use super::value::{Factor, Form, Kind, Measure, Num, Share, Value, VectorKind, union_axes};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{AxisId, Index, Node, NodeId, Substitution, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{Axis, Binder, ExprId, ExprKind, Name, Reducer};

impl Elaborator<'_> {
    /// `x[i, j]`: subscripts take the leading axes in order; the others stay.
    pub fn index(&mut self, ctx: &Ctx, base: ExprId, indices: &[ExprId], span: Span) -> Value {
        let value = self.eval(ctx, base);
        let mut subscripts = Vec::new();
        for &id in indices {
            match self.number(ctx, id) {
                Some(num) => subscripts.push((num, ctx.unit.ast.expr(id).span)),
                None => return Value::Error,
            }
        }
        match value {
            Value::Num(num) => self.subscript(ctx, num, &subscripts, span).map_or(Value::Error, Value::Num),
            Value::Density(mut density) => {
                let axes = density.axes.clone();
                let of = |node| Num { axes: axes.clone(), ..Num::scalar(node) };
                let Some(num) = self.subscript(ctx, of(density.log), &subscripts, span) else { return Value::Error };
                density.log = num.node;
                for node in density.factors.iter_mut().flat_map(Factor::nodes) {
                    let Some(num) = self.subscript(ctx, of(*node), &subscripts, span) else { return Value::Error };
                    *node = num.node;
                }
                density.axes = num.axes;
                density.instance = None;
                Value::Density(density)
            }
            Value::Error => Value::Error,
            Value::Mixing(_) | Value::Dist(_) => {
                let message = "only arrays and densities over an axis can be indexed";
                self.fail(Diagnostic::new(codes::E0401, self.place(ctx, span), message))
            }
        }
    }

    fn subscript(&mut self, ctx: &Ctx, num: Num, subscripts: &[(Num, Span)], span: Span) -> Option<Num> {
        if subscripts.len() > num.axes.len() {
            self.too_many_subscripts(ctx, &num, subscripts.len(), span);
            return None;
        }
        let (taken, kept) = num.axes.split_at(subscripts.len());
        let mut axes = Vec::new();
        let mut pairs = Vec::new();
        for (&var, (index, place)) in taken.iter().zip(subscripts) {
            self.check_subscript(ctx, index, self.graph.var(var).axis, *place)?;
            self.note_category(ctx, index.node, self.graph.var(var).axis, *place)?;
            axes = union_axes(&axes, &index.axes);
            pairs.push((var, Index::At(index.node)));
        }
        axes.extend(kept.iter().filter(|var| !axes.contains(var)).copied().collect::<Vec<_>>());
        let share = match pairs.as_slice() {
            [outer @ .., (_, Index::At(at))] if num.vector == VectorKind::Simplex && kept.is_empty() => {
                let vector = Substitution::many(outer.to_vec()).apply(&mut self.graph, num.node);
                let size = taken.last().and_then(|&var| self.graph.axis(self.graph.var(var).axis).size);
                self.graph.as_const(*at).map(|at| Share { vector, at, size })
            }
            _ => None,
        };
        let diagonal = match pairs.as_slice() {
            [.., (_, row), (_, column)] => num.vector == VectorKind::Cholesky && kept.is_empty() && row == column,
            _ => false,
        };
        let node = Substitution::many(pairs).apply(&mut self.graph, num.node);
        if diagonal {
            self.graph.narrow(node, Interval::POSITIVE);
        }
        self.shares.extend(share.map(|share| (node, share)));
        let vector = if kept.len() < num.vector.rank() { VectorKind::Plain } else { num.vector };
        Some(Num { node, axes, kind: num.kind, vector })
    }

    fn too_many_subscripts(&mut self, ctx: &Ctx, num: &Num, given: usize, span: Span) {
        let text = ctx.unit.source.slice(span).to_string();
        let shape = if num.axes.is_empty() {
            "a scalar".to_string()
        } else {
            format!("an array over {}", self.axes_text(&num.axes))
        };
        let message = format!("`{text}` has {given} subscripts, but what it indexes is {shape}");
        self.report(Diagnostic::new(codes::E0401, self.place(ctx, span), message));
    }

    fn check_subscript(&mut self, ctx: &Ctx, index: &Num, axis: AxisId, place: Span) -> Option<()> {
        let support = self.support_in(ctx, index.node);
        let text = ctx.unit.source.slice(place).to_string();
        if !support.integral {
            let message = format!("a subscript is a whole number, but `{text}` is {support}");
            self.report(
                Diagnostic::new(codes::E0405, self.place(ctx, place), message)
                    .help("declare it as `category` or `count`"),
            );
            return None;
        }
        let size = self.graph.axis(axis).size;
        let computed = !matches!(self.graph.node(index.node), Node::Var(_) | Node::Load(..));
        let leaves =
            support.lo < 0.0 || size.is_some_and(|size| support.hi > size as f64 - 1.0 && support.hi.is_finite());
        if leaves && (computed || support.as_point().is_some()) && !ctx.unit.trusted {
            let axis = self.axis_text(axis);
            let message = format!("the subscript `{text}` can leave the axis {axis}: it lies in {support}");
            let diagnostic = Diagnostic::new(codes::E0405, self.place(ctx, place), message)
                .help("exclude the ends with `where`, for example `sum[t where t > 0] …`");
            self.report(diagnostic);
            return None;
        }
        Some(())
    }

    /// Data used as a subscript must stay inside the axis; that is checked when the data is bound. A category of a stated
    /// size has as many members as the axis.
    fn note_category(&mut self, ctx: &Ctx, index: NodeId, axis: AxisId, place: Span) -> Option<()> {
        let &Node::Load(input, _) = self.graph.node(index) else { return Some(()) };
        let support = self.graph.input(input).support;
        let Some(info) = self.names.iter_mut().find(|info| info.input == input) else { return Some(()) };
        info.indexes = Some(axis);
        // Whole by construction: `category(K)` is the whole numbers up to K − 1.
        let Some(stated) = (info.category && support.hi.is_finite()).then(|| support.hi as usize + 1) else {
            return Some(());
        };
        let (name, declared) = (info.name.clone(), info.span);
        let size = *self.graph.axis_mut(axis).size.get_or_insert(stated);
        if size == stated {
            return Some(());
        }
        let message =
            format!("`{name}` is a category({stated}), but what it chooses from has {}", plural(size, "element"));
        let diagnostic = Diagnostic::new(codes::E0402, self.place(ctx, place), message);
        let help = format!("declare it as `category({size})`, or choose from {}", plural(stated, "element"));
        self.report(diagnostic.label(declared, format!("category({stated}) here")).help(help));
        None
    }

    /// `sum[i in N, j where c] body`
    pub fn reducer(
        &mut self,
        ctx: &Ctx,
        reducer: Reducer,
        binders: &[Binder],
        cond: Option<ExprId>,
        body: Option<ExprId>,
        span: Span,
    ) -> Value {
        if !self.guard_size(ctx, span) {
            return Value::Error;
        }
        let Some((mut inner, vars)) = self.bind_indices(ctx, binders, cond, body) else { return Value::Error };
        let mut condition = None;
        if let Some(id) = cond {
            let Some(num) = self.number(&inner, id) else { return Value::Error };
            if !self.expect_kind(ctx, &num, Kind::Bool, ctx.unit.ast.expr(id).span) {
                return Value::Error;
            }
            inner = self.knowing(&inner, num.node, true);
            condition = Some(num);
        }
        let value = match body {
            Some(body) => self.eval(&inner, body),
            None => Value::Num(Num::scalar(self.graph.constant(1.0))),
        };
        match value {
            Value::Num(num) => Value::Num(self.reduce_number(reducer, &vars, num, condition)),
            Value::Density(_) | Value::Mixing(_) => self.reduce_density(ctx, reducer, &vars, value, condition, span),
            Value::Dist(dist) => {
                let place = self.place(ctx, span);
                self.missing_variate(&dist, place);
                Value::Error
            }
            Value::Error => Value::Error,
        }
    }

    /// The inside of a reducer, where its indices are variables.
    fn bind_indices(
        &mut self,
        ctx: &Ctx,
        binders: &[Binder],
        cond: Option<ExprId>,
        body: Option<ExprId>,
    ) -> Option<(Ctx, Vec<VarId>)> {
        let mut inner = ctx.clone();
        inner.depth += 1;
        let mut vars = Vec::new();
        for binder in binders {
            let axis = self.binder_axis(&inner, binder, cond, body)?;
            let var = self.graph.fresh_var(axis);
            let node = self.graph.intern(Node::Var(var));
            inner.locals.insert(binder.name.key.clone(), Value::Num(Num::scalar(node)));
            vars.push(var);
            self.letters.insert(var, binder.name.text.clone());
            if !ctx.unit.trusted {
                self.graph.name_index(var, &binder.name.text);
            }
        }
        Some((inner, vars))
    }

    pub fn reduce_number(&mut self, reducer: Reducer, vars: &[VarId], num: Num, cond: Option<Num>) -> Num {
        let op = Self::reduce_op(reducer);
        let axes = cond.as_ref().map_or(num.axes.clone(), |cond| union_axes(&num.axes, &cond.axes));
        let kind = if matches!(reducer, Reducer::Any | Reducer::All) { Kind::Bool } else { Kind::Real };
        let node = self.reduce_over(op, vars, num.node, cond.as_ref().map(|cond| cond.node));
        let node = match reducer {
            Reducer::Mean => {
                let one = self.graph.constant(1.0);
                let count = self.reduce_over(ReduceOp::Sum, vars, one, cond.map(|cond| cond.node));
                // The mean of nothing is 0: the count is at least 1 where the sum is not empty.
                let count = self.graph.apply(Op::Max, &[count, one]);
                self.graph.apply(Op::Div, &[node, count])
            }
            Reducer::Any => {
                let zero = self.graph.constant(0.0);
                self.graph.apply(Op::Lt, &[zero, node])
            }
            _ => node,
        };
        let axes = axes.into_iter().filter(|var| !vars.contains(var)).collect();
        Num { node, axes, kind, vector: VectorKind::Plain }
    }

    /// Indices with the names they were given.
    fn lettered(&self, vars: &[VarId]) -> Vec<(VarId, String)> {
        vars.iter().filter_map(|var| Some((*var, self.letters.get(var)?.clone()))).collect()
    }

    /// Nested reductions, innermost binder first; the condition goes to the innermost.
    pub fn reduce_over(&mut self, op: ReduceOp, vars: &[VarId], body: NodeId, cond: Option<NodeId>) -> NodeId {
        let mut node = body;
        let mut cond = cond;
        for &var in vars.iter().rev() {
            node = self.graph.reduce(op, var, node, cond.take());
        }
        node
    }

    fn reduce_density(
        &mut self,
        ctx: &Ctx,
        reducer: Reducer,
        vars: &[VarId],
        value: Value,
        cond: Option<Num>,
        span: Span,
    ) -> Value {
        let place = self.place(ctx, span);
        match (reducer, value) {
            (Reducer::Prod, Value::Density(mut density)) => {
                let cond_is = cond.is_some();
                density.log = self.reduce_over(ReduceOp::Sum, vars, density.log, cond.map(|cond| cond.node));
                if cond_is {
                    let part = "a product over a part of an axis";
                    density.factors.iter_mut().for_each(|factor| factor.obstacle = Some(part));
                }
                density.form = Form::Over(self.lettered(vars), None, Box::new(density.form));
                density.instance = None;
                Value::Density(density)
            }
            (Reducer::Sum, Value::Mixing(parts)) => self.mixture_over(ctx, vars, parts, cond, place),
            (Reducer::Sum, Value::Density(_)) => {
                let message = "a sum of densities is a mixture, and needs weights that add to 1";
                self.fail(
                    Diagnostic::new(codes::E0502, place, message)
                        .help("write `∑[k] w[k] · p[k]` with `w` a simplex, or `∏[k] p[k]` for independent events"),
                )
            }
            (_, _) => {
                let message = "densities are multiplied (`prod`) or mixed (`sum` with weights); this reducer has no meaning for them";
                self.fail(Diagnostic::new(codes::E0502, place, message).help("take `nll(…)` first to reduce its cost"))
            }
        }
    }

    fn mixture_over(
        &mut self,
        ctx: &Ctx,
        vars: &[VarId],
        parts: Vec<(Num, super::value::Density)>,
        cond: Option<Num>,
        place: Span,
    ) -> Value {
        let [(weight, density)] = parts.as_slice() else {
            let message = "inside a sum over an index, a mixture has one weighted density";
            return self.fail(Diagnostic::new(codes::E0502, place, message));
        };
        if !self.weights_sum_to_one(ctx, weight, vars, cond.as_ref()) {
            let message = "the weights of this mixture are not known to add to 1 over the index";
            let diagnostic = Diagnostic::new(codes::E0503, place, message)
                .help("make the weights a simplex: `softmax(v)`, or declare `param w : simplex[K]`");
            return self.fail(diagnostic);
        }
        let log_weight = self.graph.apply(Op::Log, &[weight.node]);
        let part = self.graph.apply(Op::Add, &[log_weight, density.log]);
        let log = self.reduce_over(ReduceOp::LogSumExp, vars, part, cond.map(|cond| cond.node));
        let mut density = density.clone();
        density.axes = union_axes(&density.axes, &weight.axes);
        density.log = log;
        density.factors = vec![Factor::of(log, density.measure, &[&density])];
        density.form = Form::Over(self.lettered(vars), Some(weight.node), Box::new(density.form));
        density.instance = None;
        Value::Density(Box::new(density))
    }

    /// The axis an index runs over: as given, else that of the subscripts it is used in.
    fn binder_axis(
        &mut self,
        ctx: &Ctx,
        binder: &Binder,
        cond: Option<ExprId>,
        body: Option<ExprId>,
    ) -> Option<AxisId> {
        match &binder.axis {
            Some(Axis::Sized(size, _)) => Some(self.sized_axis(*size as usize)),
            Some(Axis::Named(name)) => {
                let known = ctx.axes.get(&name.key).or_else(|| self.named_axes.get(&name.key)).copied();
                if known.is_none() {
                    let message = format!("no declaration has an axis `{}`", name.text);
                    self.report(
                        Diagnostic::new(codes::E0404, self.place(ctx, name.span), message)
                            .help("axes come from declarations such as `data k : count[N]`"),
                    );
                }
                known
            }
            None => self.axis_of_subscripts(ctx, &binder.name, cond.into_iter().chain(body)),
        }
    }

    /// The one axis at whose place a name stands as a subscript or, if nowhere, inside one.
    fn axis_of_subscripts(
        &mut self,
        ctx: &Ctx,
        name: &Name,
        roots: impl Iterator<Item = ExprId> + Clone,
    ) -> Option<AxisId> {
        let mut found: Vec<AxisId> = Vec::new();
        for exact in [true, false] {
            if found.is_empty() {
                roots.clone().for_each(|root| self.axes_indexed_by(ctx, root, &name.key, exact, &mut found));
            }
        }
        let place = self.place(ctx, name.span);
        let text = &name.text;
        let Some(&first) = found.first() else {
            let message = format!("which axis does `{text}` run over? It is not used as a subscript here");
            self.report(Diagnostic::new(codes::E0404, place, message).help(format!("write `{text} in N`")));
            return None;
        };
        if let Some(&other) = found.iter().find(|&&axis| axis != first) {
            let (a, b) = (self.axis_text(first), self.axis_text(other));
            let message = format!("`{text}` runs over {a} in one place and over {b} in another");
            self.report(Diagnostic::new(codes::E0404, place, message));
            return None;
        }
        Some(first)
    }

    /// The axes at whose place `key` stands as a subscript (`exact`), or inside one, anywhere below `root`.
    fn axes_indexed_by(&mut self, ctx: &Ctx, root: ExprId, key: &str, exact: bool, found: &mut Vec<AxisId>) {
        let unit = Arc::clone(&ctx.unit);
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            let kind = &unit.ast.expr(id).kind;
            if let ExprKind::Index { base, indices } = kind {
                for (at, &index) in indices.iter().enumerate() {
                    let hit = match &unit.ast.expr(index).kind {
                        ExprKind::Name(name) => name.key == key,
                        _ => !exact && super::free::mentions(&unit.ast, index, key),
                    };
                    if hit && let Some(axis) = self.axis_at(ctx, *base, at) {
                        found.push(axis);
                    }
                }
            }
            stack.extend(super::free::children(kind));
        }
    }

    fn axis_at(&mut self, ctx: &Ctx, base: ExprId, at: usize) -> Option<AxisId> {
        // What is wrong with the base is reported when the body is read.
        let before = self.diagnostics.len();
        let reported = self.reported.clone();
        let value = self.eval(ctx, base);
        self.diagnostics.truncate(before);
        self.reported = reported;
        let axes = match &value {
            Value::Num(num) => &num.axes,
            Value::Density(density) => &density.axes,
            _ => return None,
        };
        axes.get(at).map(|&var| self.graph.var(var).axis)
    }

    /// Σ weights = 1, provably: over the index for a simplex or a softmax.
    fn weights_sum_to_one(&mut self, ctx: &Ctx, weight: &Num, vars: &[VarId], cond: Option<&Num>) -> bool {
        if cond.is_some() {
            return false;
        }
        if let ([var], Node::Load(input, index)) = (vars, self.graph.node(weight.node)) {
            let last = index.last() == Some(&Index::Var(*var));
            let simplex = self.names.iter().any(|info| info.input == *input && info.vector == VectorKind::Simplex);
            if last && simplex {
                return true;
            }
        }
        let total = self.reduce_over(ReduceOp::Sum, vars, weight.node, None);
        self.is_one(total) || self.proves(ctx, total, Interval::point(1.0)) || self.is_softmax(weight.node, vars)
    }

    pub fn is_one(&mut self, node: NodeId) -> bool {
        let canonical = self.canonical.simplify(&mut self.graph, node);
        self.graph.as_const(canonical).is_some_and(|value| (value - 1.0).abs() <= 4.0 * f64::EPSILON)
    }

    /// exp(x − logsumexp x) over the variable.
    fn is_softmax(&mut self, node: NodeId, vars: &[VarId]) -> bool {
        let canonical = self.canonical.simplify(&mut self.graph, node);
        let [var] = vars else { return false };
        let Node::Apply(Op::Exp, args) = self.graph.node(canonical) else { return false };
        let Some(Node::Apply(Op::Sub, parts)) = args.first().map(|&arg| self.graph.node(arg)) else { return false };
        let [x, total] = *parts.as_ref() else { return false };
        self.graph.reduce(ReduceOp::LogSumExp, *var, x, None) == total
    }

    /// Measures agree between the branches and parts of one density.
    pub fn same_measure(&mut self, ctx: &Ctx, a: Measure, b: Measure, span: Span) -> bool {
        if a == b {
            return true;
        }
        let message = "one of these is a probability of discrete values and the other a density: they cannot be mixed";
        self.report(Diagnostic::new(codes::E0502, self.place(ctx, span), message));
        false
    }
}
