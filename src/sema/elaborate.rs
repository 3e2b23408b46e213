//! Expressions become values: the walk over the tree.
//!
//! Functions are inlined, names looked up where they stand, operators aligned by axis. What is wrong is reported once
//! and becomes [`Value::Error`], about which everything above stays silent.

use std::collections::HashMap;
use std::sync::Arc;

use super::free::Roles;
use super::library::Unit;
use super::value::{Kind, Num, Share, Value, VectorKind, union_axes};
use super::{Hir, NameInfo, Options, ROW_COUNT, Reduction};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Axis, AxisId, Graph, InputId, Node, NodeId, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::source::{Loader, Source, Span};
use crate::syntax::ast::{Ast, ExprId, ExprKind, Name, Reducer};

/// Inlined calls may not make the graph larger than this.
const MAX_NODES: usize = 1_000_000;
/// Depth of calls inside calls inside definitions.
const MAX_DEPTH: usize = 200;

/// Where an expression stands: its text, the names bound around it, what has been proved about them.
#[derive(Clone)]
pub(super) struct Ctx {
    pub unit: Arc<Unit>,
    pub locals: HashMap<String, Value>,
    /// Axis names of the function or distribution being expanded.
    pub axes: HashMap<String, AxisId>,
    /// What a condition around the expression has shown.
    pub refined: Vec<(NodeId, Interval)>,
    /// Left of `~`.
    pub tilde: Option<(Vec<Num>, Vec<String>)>,
    /// The call in the program that is being expanded, for messages.
    pub call: Option<Span>,
    /// `log_prob` is the formula of a book, for explanations.
    pub textbook: bool,
    pub depth: usize,
}

/// The result of the walk.
pub(super) struct Outcome {
    pub hir: Hir,
    pub diagnostics: Vec<Diagnostic>,
    pub needs: HashMap<String, Interval>,
}

/// The state of the walk.
pub(super) struct Elaborator<'a> {
    pub graph: Graph,
    pub diagnostics: Vec<Diagnostic>,
    pub options: &'a Options,
    pub loader: &'a dyn Loader,
    pub program: Arc<Unit>,
    /// Units brought in with `use`, and where.
    pub used: Vec<(Arc<Unit>, Span)>,
    pub names: Vec<NameInfo>,
    pub by_key: HashMap<String, usize>,
    pub named_axes: HashMap<String, AxisId>,
    pub sized_axes: HashMap<usize, AxisId>,
    pub definitions: HashMap<String, Definition>,
    pub defined: Vec<(String, String)>,
    pub roles: Roles,
    pub needs: HashMap<String, Interval>,
    pub known_needs: HashMap<String, Interval>,
    pub whole_batch: bool,
    pub reduction: Reduction,
    pub reported: std::collections::HashSet<(crate::diag::Code, Span)>,
    /// Functions and distributions that nobody defines, once reported.
    pub unknown_calls: std::collections::HashSet<String>,
    /// Indices of reducers as written.
    pub letters: HashMap<VarId, String>,
    /// What is known of units.
    pub units: super::units::Units,
    pub canonical: super::check::Canonical,
    /// Elements of simplex vectors: all those of one add to 1.
    pub shares: HashMap<NodeId, Share>,
}

/// A `name = expression` of the program.
pub(super) enum Definition {
    Waiting(ExprId),
    Running(Span),
    Done(Value),
}

impl<'a> Elaborator<'a> {
    pub fn new(
        source: &Source,
        ast: &Ast,
        loader: &'a dyn Loader,
        options: &'a Options,
        known_needs: HashMap<String, Interval>,
    ) -> Self {
        let program = Arc::new(Unit { source: source.clone(), ast: ast.clone(), trusted: false });
        Elaborator {
            graph: Graph::new(),
            diagnostics: Vec::new(),
            options,
            loader,
            program,
            used: Vec::new(),
            names: Vec::new(),
            by_key: HashMap::new(),
            named_axes: HashMap::from([("batch".to_string(), ROWS)]),
            sized_axes: HashMap::new(),
            definitions: HashMap::new(),
            defined: Vec::new(),
            roles: Roles::default(),
            needs: HashMap::new(),
            known_needs,
            whole_batch: false,
            reduction: Reduction::Mean,
            reported: Default::default(),
            unknown_calls: Default::default(),
            letters: HashMap::new(),
            units: Default::default(),
            canonical: Default::default(),
            shares: HashMap::new(),
        }
    }

    pub fn run(mut self) -> Outcome {
        self.declare_all();
        let terms = self.terms();
        self.check_unused_definitions();
        if terms.is_empty() && self.diagnostics.is_empty() {
            self.report_no_term();
        }
        let definitions = self.definition_values();
        let hir = Hir {
            graph: self.graph,
            names: self.names,
            terms,
            definitions,
            reduction: self.reduction,
            whole_batch: self.whole_batch,
        };
        Outcome { hir, diagnostics: self.diagnostics, needs: self.needs }
    }

    fn definition_values(&mut self) -> Vec<(String, NodeId, Vec<crate::ir::graph::VarId>)> {
        let defined = std::mem::take(&mut self.defined);
        let value = |(text, key): &(String, String)| match self.definitions.get(key) {
            Some(Definition::Done(Value::Num(num))) => Some((text.clone(), num.node, num.axes.clone())),
            _ => None,
        };
        defined.iter().filter_map(value).collect()
    }

    /// A definition nobody uses is still checked.
    fn check_unused_definitions(&mut self) {
        let ctx = self.program_ctx();
        for (_, key) in self.defined.clone() {
            self.definition(&ctx, &key, Span::default());
        }
    }

    pub fn program_ctx(&self) -> Ctx {
        Ctx {
            unit: Arc::clone(&self.program),
            locals: HashMap::new(),
            axes: HashMap::new(),
            refined: Vec::new(),
            tilde: None,
            call: None,
            textbook: false,
            depth: 0,
        }
    }

    /// Reports once a place and code.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        if self.reported.insert((diagnostic.code, diagnostic.span)) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports and gives the silent value.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> Value {
        self.report(diagnostic);
        Value::Error
    }

    /// The place to show for an expression: its own in the program, the call's when it stands in the library.
    pub fn place(&self, ctx: &Ctx, span: Span) -> Span {
        ctx.call.unwrap_or(span)
    }

    pub fn text(&self, ctx: &Ctx, id: ExprId) -> String {
        let source = &ctx.unit.source;
        let text = source.slice(ctx.unit.ast.expr(id).span);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn axes_text(&self, axes: &[crate::ir::graph::VarId]) -> String {
        let names: Vec<String> = axes.iter().map(|&var| self.axis_text(self.graph.var(var).axis)).collect();
        format!("[{}]", names.join(", "))
    }

    pub fn axis_text(&self, axis: AxisId) -> String {
        self.graph.axis(axis).to_string()
    }

    // ---- expressions ------------------------------------------------------------------------------------------------

    pub fn eval(&mut self, ctx: &Ctx, id: ExprId) -> Value {
        let unit = Arc::clone(&ctx.unit);
        let expr = unit.ast.expr(id);
        match &expr.kind {
            ExprKind::Number { value, .. } => Value::Num(Num::scalar(self.graph.constant(*value))),
            ExprKind::Bool(value) => {
                let node = self.graph.constant(f64::from(u8::from(*value)));
                Value::Num(Num { kind: Kind::Bool, ..Num::scalar(node) })
            }
            ExprKind::Name(name) => self.name(ctx, name),
            ExprKind::Hole => self.hole(ctx, expr.span),
            ExprKind::Vector(items) => self.vector(ctx, items, expr.span),
            ExprKind::Index { base, indices } => self.index(ctx, *base, indices, expr.span),
            ExprKind::Call { callee, variates, args } => self.call(ctx, callee, variates.as_deref(), args, expr.span),
            ExprKind::Unary(op, operand) => self.unary(ctx, *op, *operand, expr.span),
            ExprKind::Binary { .. } => self.binary_chain(ctx, id),
            ExprKind::If { cond, then, other } => self.choose(ctx, *cond, *then, *other, expr.span),
            ExprKind::Reduce { reducer, binders, cond, body } => {
                self.reducer(ctx, *reducer, binders, *cond, *body, expr.span)
            }
            ExprKind::Error => Value::Error,
        }
    }

    /// A number, or a message that it had to be one.
    pub fn number(&mut self, ctx: &Ctx, id: ExprId) -> Option<Num> {
        let value = self.eval(ctx, id);
        self.as_number(ctx, value, ctx.unit.ast.expr(id).span)
    }

    pub fn as_number(&mut self, ctx: &Ctx, value: Value, span: Span) -> Option<Num> {
        let place = self.place(ctx, span);
        match value {
            Value::Num(num) => Some(num),
            Value::Error => None,
            Value::Density(_) | Value::Mixing(_) => {
                let text = ctx.unit.source.slice(span).to_string();
                let message = "this is a probability density where a number is needed";
                let mut diagnostic = Diagnostic::new(codes::E0501, place, message).note("density");
                if ctx.call.is_none() {
                    diagnostic =
                        diagnostic.fix("nll(…) is its negative logarithm, a cost", span, format!("nll({text})"));
                }
                self.report(diagnostic);
                None
            }
            Value::Dist(dist) => {
                self.missing_variate(&dist, place);
                None
            }
        }
    }

    fn name(&mut self, ctx: &Ctx, name: &Name) -> Value {
        if let Some(value) = ctx.locals.get(&name.key) {
            return value.clone();
        }
        if let Some(&axis) = ctx.axes.get(&name.key) {
            return Value::Num(Num::scalar(self.graph.intern(Node::Size(axis))));
        }
        if !ctx.unit.trusted {
            if self.definitions.contains_key(&name.key) {
                return self.definition(ctx, &name.key, name.span);
            }
            if let Some(&at) = self.by_key.get(&name.key) {
                return self.input_value(at);
            }
            match self.named_axes.get(&name.key) {
                Some(&ROWS) if self.whole_batch => {
                    let rows = Name { key: ROW_COUNT.into(), text: ROW_COUNT.into(), span: name.span };
                    return self.name(ctx, &rows);
                }
                Some(&axis) if axis != ROWS => return Value::Num(Num::scalar(self.graph.intern(Node::Size(axis)))),
                _ => {}
            }
        }
        match name.key.as_str() {
            "pi" => Value::Num(Num::scalar(self.graph.constant(std::f64::consts::PI))),
            "inf" => Value::Num(Num::scalar(self.graph.constant(f64::INFINITY))),
            _ if ctx.unit.trusted => {
                let message = format!("`{}` is not known inside the library entry", name.text);
                self.fail(Diagnostic::new(codes::E0301, self.place(ctx, name.span), message))
            }
            _ => self.free_name(name),
        }
    }

    pub fn definition(&mut self, ctx: &Ctx, key: &str, span: Span) -> Value {
        match self.definitions.get(key) {
            Some(Definition::Done(value)) => return value.clone(),
            Some(Definition::Running(at)) => {
                let message = format!("`{key}` is defined by itself");
                let diagnostic = Diagnostic::new(codes::E0601, *at, message)
                    .help("give one of the names in the circle a value that does not need the others");
                return self.fail(diagnostic);
            }
            Some(Definition::Waiting(_)) => {}
            None => return Value::Error,
        }
        let Some(Definition::Waiting(body)) = self.definitions.insert(key.to_string(), Definition::Running(span))
        else {
            return Value::Error;
        };
        let place = self.program.ast.expr(body).span;
        self.definitions.insert(key.to_string(), Definition::Running(place));
        let mut inner = self.program_ctx();
        inner.depth = ctx.depth + 1;
        let value = if inner.depth > MAX_DEPTH { self.too_deep(place) } else { self.eval(&inner, body) };
        self.definitions.insert(key.to_string(), Definition::Done(value.clone()));
        value
    }

    pub fn too_deep(&mut self, place: Span) -> Value {
        let message = format!("functions and definitions are nested more than {MAX_DEPTH} deep here");
        self.fail(
            Diagnostic::new(codes::E0602, place, message)
                .help("does a function call itself? A loss is a formula: write a reducer such as `sum[i] …` instead"),
        )
    }

    pub fn guard_size(&mut self, ctx: &Ctx, span: Span) -> bool {
        if self.graph.len() <= MAX_NODES && ctx.depth <= MAX_DEPTH {
            return true;
        }
        let place = self.place(ctx, span);
        if ctx.depth > MAX_DEPTH {
            self.too_deep(place);
        } else {
            let message = format!("the program expands to more than {MAX_NODES} operations here");
            self.report(
                Diagnostic::new(codes::E0603, place, message)
                    .help("write repeated structure as a reducer over an axis"),
            );
        }
        false
    }

    fn vector(&mut self, ctx: &Ctx, items: &[ExprId], span: Span) -> Value {
        let mut numbers = Vec::new();
        for &item in items {
            match self.number(ctx, item) {
                Some(num) => numbers.push(num),
                None => return Value::Error,
            }
        }
        let Some(last) = numbers.pop() else {
            let message = "a vector has at least one element";
            return self.fail(Diagnostic::new(codes::E0401, self.place(ctx, span), message));
        };
        let axis = self.sized_axis(numbers.len() + 1);
        let var = self.graph.axis_var(axis, 0);
        let position = self.graph.intern(Node::Var(var));
        let (mut node, mut axes) = (last.node, last.axes);
        for (at, num) in numbers.into_iter().enumerate().rev() {
            let at = self.graph.constant(at as f64);
            let here = self.graph.apply(Op::Eq, &[position, at]);
            node = self.graph.apply(Op::Select, &[here, num.node, node]);
            axes = union_axes(&axes, &num.axes);
        }
        axes.push(var);
        Value::Num(Num { node, axes, kind: Kind::Real, vector: VectorKind::Plain })
    }

    pub fn sized_axis(&mut self, size: usize) -> AxisId {
        let graph = &mut self.graph;
        *self.sized_axes.entry(size).or_insert_with(|| graph.add_axis(Axis { name: None, size: Some(size) }))
    }

    /// The place inside `condition` holds (or not).
    pub fn knowing(&self, ctx: &Ctx, condition: NodeId, holds: bool) -> Ctx {
        let mut inner = ctx.clone();
        super::check::refine(&self.graph, condition, holds, &mut inner.refined);
        inner
    }

    /// The input's element at its own axes (behind its link when training).
    pub fn input_value(&mut self, at: usize) -> Value {
        let Some(info) = self.names.get(at) else { return Value::Error };
        let (input, node, vector) = (info.input, info.natural, info.vector);
        Value::Num(Num { node, axes: self.input_axes(input), kind: Kind::Real, vector })
    }

    /// The leftover axes of an input: its declared ones, without the implicit row.
    pub fn input_axes(&mut self, input: InputId) -> Vec<crate::ir::graph::VarId> {
        let axes = self.graph.input(input).axes.clone();
        let explicit = if self.whole_batch { axes.as_slice() } else { axes.strip_prefix(&[ROWS]).unwrap_or(&axes) };
        self.graph.axis_vars(explicit)
    }

    /// The reduction behind a reducer.
    pub fn reduce_op(reducer: Reducer) -> ReduceOp {
        match reducer {
            Reducer::Prod | Reducer::All => ReduceOp::Prod,
            Reducer::Max | Reducer::Any => ReduceOp::Max,
            Reducer::Min => ReduceOp::Min,
            Reducer::LogSumExp => ReduceOp::LogSumExp,
            Reducer::Sum | Reducer::Mean | Reducer::Count => ReduceOp::Sum,
        }
    }
}
