//! Declarations and free names become inputs, with support, axes, value and link.

use std::sync::Arc;

use super::elaborate::{Definition, Elaborator};
use super::library::Unit;
use super::value::{Link, Value, VectorKind, link_of};
use super::{NameInfo, Reduction};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Axis as GraphAxis, AxisId, Index, Input, InputId, InputRole, NodeId, ROWS, VarId};
use crate::ir::op::{Op, ReduceOp};
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{Axis, Declaration, ExprId, ExprKind, Name, Reducer, Role, StmtKind, SupportExpr, UnaryOp};

/// Names of supports, for near misses.
const SUPPORTS: &[&str] = &[
    "real",
    "positive",
    "nonneg",
    "unit",
    "prob",
    "count",
    "int",
    "bool",
    "angle",
    "category",
    "simplex",
    "ordered",
    "unit_vector",
    "cholesky",
    "density",
];

impl Elaborator<'_> {
    /// All statements but the terms: declarations, definitions, `use`, `reduce`.
    pub fn declare_all(&mut self) {
        let program = Arc::clone(&self.program);
        self.whole_batch = program.ast.stmts.iter().any(|stmt| match &stmt.kind {
            StmtKind::Declare(declaration) => {
                declaration.axes.iter().any(|axis| matches!(axis, Axis::Named(name) if name.key == "batch"))
            }
            _ => false,
        });
        for stmt in &program.ast.stmts {
            match &stmt.kind {
                StmtKind::Use(path, span) => self.use_file(path, *span),
                StmtKind::Reduce(reducer, span) => self.set_reduction(*reducer, *span),
                StmtKind::Define(name, body) => self.define(name, *body),
                StmtKind::Function(def) => self.check_shadowing(&def.name, "function"),
                StmtKind::Distribution(def) => self.check_shadowing(&def.name, "distribution"),
                _ => {}
            }
        }
        // Constants first: their values size axes and bound intervals.
        for constants in [true, false] {
            for stmt in &program.ast.stmts {
                if let StmtKind::Declare(declaration) = &stmt.kind
                    && (declaration.role == Role::Const) == constants
                {
                    self.reserve_axes(declaration);
                }
            }
        }
        self.collect_roles();
        for constants in [true, false] {
            for stmt in &program.ast.stmts {
                if let StmtKind::Declare(declaration) = &stmt.kind
                    && (declaration.role == Role::Const) == constants
                {
                    self.declare(declaration);
                }
            }
        }
        self.check_labels();
    }

    fn check_labels(&mut self) {
        let program = Arc::clone(&self.program);
        let mut seen: Vec<&Name> = Vec::new();
        for stmt in &program.ast.stmts {
            let StmtKind::Term { label: Some(label), .. } = &stmt.kind else { continue };
            if let Some(first) = seen.iter().find(|name| name.key == label.key) {
                let message = format!("two terms are called `{}`", label.text);
                self.report(Diagnostic::new(codes::E0306, label.span, message).label(first.span, "the first is here"));
            }
            seen.push(label);
        }
    }

    fn use_file(&mut self, path: &str, span: Span) {
        match self.loader.load(path, &self.program.source.name) {
            Err(message) => self.report(Diagnostic::new(codes::E0605, span, message)),
            Ok(source) => {
                let (ast, diagnostics) = crate::syntax::parse(&source);
                if let Some(first) = diagnostics.first() {
                    let (line, column) = source.line_column(first.span.start);
                    let message = format!("`{path}` has mistakes of its own: {line}:{column}: {}", first.message);
                    self.report(Diagnostic::new(codes::E0605, span, message));
                }
                self.used.push(Arc::new(Unit { source, ast, trusted: false }));
            }
        }
    }

    fn set_reduction(&mut self, reducer: Reducer, span: Span) {
        match reducer {
            Reducer::Sum => self.reduction = Reduction::Sum,
            Reducer::Mean => self.reduction = Reduction::Mean,
            _ => self.report(Diagnostic::new(
                codes::E0115,
                span,
                "rows are put together by `reduce sum` or `reduce mean`",
            )),
        }
    }

    fn define(&mut self, name: &Name, body: ExprId) {
        if self.definitions.contains_key(&name.key) {
            let message = format!("`{}` is defined twice", name.text);
            self.report(
                Diagnostic::new(codes::E0306, name.span, message)
                    .help("a name has one meaning in a program; choose another name"),
            );
            return;
        }
        self.definitions.insert(name.key.clone(), Definition::Waiting(body));
        self.defined.push((name.text.clone(), name.key.clone()));
    }

    fn check_shadowing(&mut self, name: &Name, what: &str) {
        if super::builtins::primitive(&name.key, false).is_some() {
            let message = format!("the {what} `{}` has the name of a function of the language", name.text);
            self.report(Diagnostic::new(codes::E0306, name.span, message).help("choose another name"));
        }
    }

    fn reserve_axes(&mut self, declaration: &Declaration) {
        for axis in &declaration.axes {
            self.axis_of(axis);
        }
    }

    fn axis_of(&mut self, axis: &Axis) -> AxisId {
        match axis {
            Axis::Sized(size, span) => {
                if *size == 0 || *size > 1 << 31 {
                    let message = format!("an axis has at least 1 element and at most 2³¹, not {size}");
                    self.report(Diagnostic::new(codes::E0401, *span, message));
                }
                self.sized_axis((*size).clamp(1, 1 << 31) as usize)
            }
            Axis::Named(name) => {
                if let Some(&axis) = self.named_axes.get(&name.key) {
                    return axis;
                }
                let size = self.options.set.get(&name.key).copied();
                let size = size.filter(|size| size.fract() == 0.0 && *size >= 1.0).map(|size| size as usize);
                let axis = self.graph.add_axis(GraphAxis { name: Some(name.text.clone()), size });
                self.named_axes.insert(name.key.clone(), axis);
                axis
            }
        }
    }

    fn declare(&mut self, declaration: &Declaration) {
        let name = &declaration.name;
        if let Some(&first) = self.by_key.get(&name.key) {
            let message = format!("`{}` is declared twice", name.text);
            let first = self.names.get(first).map_or(name.span, |info| info.span);
            self.report(Diagnostic::new(codes::E0306, name.span, message).label(first, "first here"));
            return;
        }
        if self.definitions.contains_key(&name.key) {
            let message = format!("`{}` is both declared and defined", name.text);
            self.report(Diagnostic::new(codes::E0306, name.span, message));
            return;
        }
        let role = match declaration.role {
            Role::Data => InputRole::Data,
            Role::Predict => InputRole::Predict,
            Role::Param => InputRole::Param,
            Role::Const => InputRole::Const,
        };
        let program = Arc::clone(&self.program);
        let (support, vector) = match &declaration.support {
            Some(support) => self.support_expr(&program, support, Some(&declaration.axes)),
            None => self.inferred_support(&name.key, role),
        };
        let learned = matches!(role, InputRole::Predict | InputRole::Param);
        if learned && support.integral {
            let message = format!("`{}` is learned by gradients, so it cannot be restricted to {support}", name.text);
            self.report(Diagnostic::new(codes::E0206, name.span, message).help(
                "learn the parameter of a distribution over it instead: `data` are whole numbers, rates are not",
            ));
        }
        let mut axes: Vec<AxisId> = declaration.axes.iter().map(|axis| self.axis_of(axis)).collect();
        if axes.is_empty() && declaration.support.is_none()
            || (axes.is_empty()
                && self.roles.names.get(&name.key).is_some_and(|role| role.group.is_some())
                && vector != VectorKind::Plain)
        {
            axes.extend(self.free_axis(&name.key));
        }
        if matches!(role, InputRole::Data | InputRole::Predict) && !self.whole_batch {
            axes.insert(0, ROWS);
        }
        let unit = declaration.unit.as_ref().map(|unit| super::units::Unit::parse(&unit.text));
        // Constants are converted, so that a product of one with a value in base units is in base units.
        let factor = unit.as_ref().filter(|_| role == InputRole::Const).map_or(1.0, super::units::Unit::factor);
        let value = declaration.value.and_then(|id| self.literal(id));
        let value = value.map(|values| values.into_iter().map(|value| value * factor).collect::<Vec<f64>>());
        self.check_value(declaration, support, value.as_deref());
        let support = self.const_support(role, &name.key, value.as_deref(), support);
        let at = self.add_name(name, role, axes, support, vector, value, true);
        if let Some(info) = self.names.get_mut(at) {
            info.category = declaration.support.as_ref().is_some_and(|support| support.name.key == "category");
        }
        if let (Some(unit), Some(info)) = (unit, self.names.get(at)) {
            let unit = if role == InputRole::Const { unit.in_base() } else { unit };
            self.units.declare(info.input, unit);
        }
    }

    /// A constant's support is its value.
    fn const_support(&self, role: InputRole, key: &str, value: Option<&[f64]>, support: Interval) -> Interval {
        if role != InputRole::Const {
            return support;
        }
        let set = self.options.set.get(key).map(std::slice::from_ref).or(value);
        match set {
            Some([first, rest @ ..]) => {
                rest.iter().fold(Interval::point(*first), |all, &x| all.union(Interval::point(x)))
            }
            _ => support,
        }
    }

    fn check_value(&mut self, declaration: &Declaration, support: Interval, value: Option<&[f64]>) {
        let Some(id) = declaration.value else { return };
        let span = self.program.ast.expr(id).span;
        match value {
            None => {
                let message = format!("the value of `{}` is a number or a vector of numbers", declaration.name.text);
                self.report(Diagnostic::new(codes::E0115, span, message));
            }
            Some(values) => {
                if let Some(bad) = values.iter().find(|&&x| !support.contains(x)) {
                    let message = format!("`{}` starts at {bad}, which is outside {support}", declaration.name.text);
                    self.report(Diagnostic::new(codes::E0203, span, message).note(support.to_string()));
                }
            }
        }
    }

    fn inferred_support(&self, key: &str, role: InputRole) -> (Interval, VectorKind) {
        let found = self.roles.names.get(key).filter(|known| known.data || role != InputRole::Data);
        match found {
            Some(known) => (known.support.unwrap_or(Interval::REAL), known.vector),
            None => (Interval::REAL, VectorKind::Plain),
        }
    }

    /// A name nobody declared.
    pub fn free_name(&mut self, name: &Name) -> Value {
        let role = self.roles.names.get(&name.key).cloned().unwrap_or_default();
        let mut support = role.support.unwrap_or(Interval::REAL);
        if let Some(need) = self.known_needs.get(&name.key) {
            support = support.intersect(*need);
        }
        let assigned = self.options.roles.get(&name.key).copied();
        let constant = self.options.set.get(&name.key).copied();
        let kind = match (assigned, constant) {
            (_, Some(_)) => InputRole::Const,
            (Some(role), None) => role,
            (None, None) if role.data => InputRole::Data,
            (None, None) => InputRole::Free,
        };
        // A head gives any real number, whatever the name is used for.
        if kind == InputRole::Predict && !role.data {
            support = Interval::REAL;
        }
        if let Some(value) = constant {
            support = Interval::point(value);
        }
        let mut axes: Vec<AxisId> = Vec::new();
        if role.group.is_some() || role.vector != VectorKind::Plain {
            axes.extend(self.free_axis(&name.key));
        }
        while axes.len() < role.rank {
            let axis = self.graph.add_axis(GraphAxis { name: None, size: None });
            axes.push(axis);
        }
        if !self.whole_batch && matches!(kind, InputRole::Data | InputRole::Predict | InputRole::Free) {
            axes.insert(0, ROWS);
        }
        let at = self.add_name(name, kind, axes, support, role.vector, constant.map(|value| vec![value]), false);
        self.input_value(at)
    }

    #[allow(clippy::too_many_arguments)] // The facts of one name.
    fn add_name(
        &mut self,
        name: &Name,
        role: InputRole,
        axes: Vec<AxisId>,
        support: Interval,
        vector: VectorKind,
        value: Option<Vec<f64>>,
        declared: bool,
    ) -> usize {
        let learned = matches!(role, InputRole::Predict | InputRole::Param);
        let link = if learned && self.options.raw { link_of(support, vector) } else { Link::Identity };
        let stored = if link == Link::Identity { support } else { Interval::REAL };
        let input = self.graph.add_input(Input { name: name.text.clone(), role, axes: axes.clone(), support: stored });
        let natural = self.natural(input, &axes, link);
        let info = NameInfo {
            name: name.text.clone(),
            key: name.key.clone(),
            input,
            role,
            vector,
            value,
            category: false,
            indexes: None,
            natural,
            link,
            span: name.span,
            declared,
        };
        self.names.push(info);
        self.by_key.insert(name.key.clone(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The natural value of an input at its own axes: a load, behind its link.
    fn natural(&mut self, input: InputId, axes: &[AxisId], link: Link) -> NodeId {
        let vars = self.axis_vars(axes);
        let index: Vec<Index> = vars.iter().map(|&var| Index::Var(var)).collect();
        let raw = self.graph.load(input, &index);
        self.apply_link(raw, vars.last().copied(), link)
    }

    fn apply_link(&mut self, raw: NodeId, last: Option<VarId>, link: Link) -> NodeId {
        let graph = &mut self.graph;
        match link {
            Link::Identity => raw,
            Link::Softplus { lower } => {
                let value = graph.apply(Op::Softplus, &[raw]);
                let lower = graph.constant(lower);
                if graph.as_const(lower) == Some(0.0) { value } else { graph.apply(Op::Add, &[lower, value]) }
            }
            Link::NegSoftplus { upper } => {
                let value = graph.apply(Op::Softplus, &[raw]);
                let upper = graph.constant(upper);
                graph.apply(Op::Sub, &[upper, value])
            }
            Link::Sigmoid { lower, upper } => {
                let value = graph.apply(Op::Sigmoid, &[raw]);
                if (lower, upper) == (0.0, 1.0) {
                    return value;
                }
                let (lower, width) = (graph.constant(lower), graph.constant(upper - lower));
                let scaled = graph.apply(Op::Mul, &[width, value]);
                graph.apply(Op::Add, &[lower, scaled])
            }
            Link::Softmax => match last {
                Some(var) => {
                    let total = graph.reduce(ReduceOp::LogSumExp, var, raw, None);
                    let log = graph.apply(Op::Sub, &[raw, total]);
                    graph.apply(Op::Exp, &[log])
                }
                None => raw,
            },
            Link::Normalize => match last {
                Some(var) => {
                    let length = graph.reduce(ReduceOp::Norm, var, raw, None);
                    graph.apply(Op::ZeroDiv, &[raw, length])
                }
                None => raw,
            },
        }
    }

    /// A literal number or vector of numbers.
    fn literal(&self, id: ExprId) -> Option<Vec<f64>> {
        match &self.program.ast.expr(id).kind {
            ExprKind::Number { value, .. } => Some(vec![*value]),
            ExprKind::Unary(UnaryOp::Neg, inner) => Some(self.literal(*inner)?.into_iter().map(|x| -x).collect()),
            ExprKind::Vector(items) => {
                items.iter().map(|&item| self.literal(item).filter(|x| x.len() == 1)?.first().copied()).collect()
            }
            ExprKind::Binary { op, lhs, rhs, .. } => {
                let (a, b) = (*self.literal(*lhs)?.first()?, *self.literal(*rhs)?.first()?);
                let value = match op {
                    crate::syntax::ast::BinaryOp::Add => a + b,
                    crate::syntax::ast::BinaryOp::Sub => a - b,
                    crate::syntax::ast::BinaryOp::Mul => a * b,
                    crate::syntax::ast::BinaryOp::Div => a / b,
                    crate::syntax::ast::BinaryOp::Pow => a.powf(b),
                    _ => return None,
                };
                Some(vec![value])
            }
            ExprKind::Name(name) => match name.key.as_str() {
                "pi" => Some(vec![std::f64::consts::PI]),
                "inf" => Some(vec![f64::INFINITY]),
                key => self.options.set.get(key).map(|&x| vec![x]).or_else(|| {
                    let info = self.names.get(*self.by_key.get(key)?)?;
                    if info.role == InputRole::Const { info.value.clone() } else { None }
                }),
            },
            _ => None,
        }
    }

    /// A support as written: the set of each element, and structure along the last axis.
    pub fn support_expr(
        &mut self,
        unit: &Arc<Unit>,
        support: &SupportExpr,
        axes: Option<&[Axis]>,
    ) -> (Interval, VectorKind) {
        let plain = |interval| (interval, VectorKind::Plain);
        let number = |this: &Self, id: ExprId| match &unit.ast.expr(id).kind {
            ExprKind::Number { value, .. } => Some(*value),
            ExprKind::Unary(UnaryOp::Neg, inner) => match &unit.ast.expr(*inner).kind {
                ExprKind::Number { value, .. } => Some(-value),
                ExprKind::Name(name) if name.key == "inf" => Some(f64::NEG_INFINITY),
                _ => this.literal(id).and_then(|x| x.first().copied()),
            },
            ExprKind::Name(name) if name.key == "inf" => Some(f64::INFINITY),
            _ if unit.trusted => None,
            _ => this.literal(id).and_then(|x| x.first().copied()),
        };
        match support.name.key.as_str() {
            "simplex" => return (Interval::PROB, VectorKind::Simplex),
            "ordered" => return (Interval::REAL, VectorKind::Ordered),
            "unit_vector" => return (Interval::closed(-1.0, 1.0), VectorKind::UnitVector),
            "cholesky" => return (Interval::REAL, VectorKind::Cholesky),
            "density" => return plain(Interval::REAL),
            "category" => return plain(self.category(support.args.first().and_then(|&id| number(self, id)))),
            _ => {}
        }
        let _ = axes;
        let Some(base) = Interval::named(&support.name.key) else {
            let message = format!("no set is called `{}`", support.name.text);
            let mut diagnostic = Diagnostic::new(codes::E0301, support.name.span, message);
            let near = crate::diag::nearest(&support.name.key, SUPPORTS.iter().copied());
            diagnostic = match near {
                Some(near) => diagnostic.fix(format!("did you mean `{near}`?"), support.name.span, near),
                None => diagnostic.help(format!("the sets are {}", SUPPORTS.join(", "))),
            };
            self.report(diagnostic);
            // What was probably meant stands in, so that its uses are not mistakes too.
            return plain(near.and_then(Interval::named).unwrap_or(Interval::REAL));
        };
        match (support.args.as_slice(), support.closed) {
            ([lo, hi], Some((lo_closed, hi_closed))) => match (number(self, *lo), number(self, *hi)) {
                (Some(lo), Some(hi)) if lo <= hi => {
                    plain(base.intersect(Interval::new(lo, !lo_closed, hi, !hi_closed, base.integral)))
                }
                _ => {
                    let message = "the ends of an interval are numbers, the lower first";
                    self.report(Diagnostic::new(codes::E0115, support.span, message));
                    plain(base)
                }
            },
            _ => plain(base),
        }
    }

    fn category(&self, size: Option<f64>) -> Interval {
        match size {
            Some(size) if size >= 1.0 => Interval::integers(0.0, size - 1.0),
            _ => Interval::COUNT,
        }
    }
}
