//! Declarations and free names become inputs, with support, axes, value and link.

use std::collections::HashSet;
use std::sync::Arc;

use super::elaborate::{Definition, Elaborator};
use super::free::FreeRole;
use super::library::Unit;
use super::link::Link;
use super::numbers::hull;
use super::value::{Value, VectorKind};
use super::{NameInfo, ROW_COUNT, Reduction, units};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Axis as GraphAxis, AxisId, Index, Input, InputRole, ROWS};
use crate::ir::support::Interval;
use crate::source::Span;
use crate::syntax::ast::{Axis, Declaration, ExprId, ExprKind, Name, Reducer, Role, StmtKind, SupportExpr};

/// The sets of the language: the values of each element, and structure along the last axes.
static SETS: [(&str, Interval, VectorKind); 15] = [
    ("real", Interval::REAL, VectorKind::Plain),
    ("positive", Interval::POSITIVE, VectorKind::Plain),
    ("nonneg", Interval::NONNEG, VectorKind::Plain),
    ("unit", Interval::UNIT, VectorKind::Plain),
    ("prob", Interval::PROB, VectorKind::Plain),
    ("count", Interval::COUNT, VectorKind::Plain),
    ("int", Interval::INT, VectorKind::Plain),
    ("bool", Interval::BOOL, VectorKind::Plain),
    ("angle", Interval::ANGLE, VectorKind::Plain),
    ("category", Interval::COUNT, VectorKind::Plain),
    ("simplex", Interval::PROB, VectorKind::Simplex),
    ("ordered", Interval::REAL, VectorKind::Ordered),
    ("unit_vector", Interval::SIGNED_UNIT, VectorKind::UnitVector),
    ("cholesky", Interval::REAL, VectorKind::Cholesky),
    ("density", Interval::REAL, VectorKind::Plain),
];

/// Files that use each other one after the other.
const MAX_USES: usize = 64;

/// The set of that name.
fn set(name: &str) -> Option<(Interval, VectorKind)> {
    SETS.iter().find(|(known, ..)| *known == name).map(|&(_, interval, vector)| (interval, vector))
}

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
                StmtKind::Use(path, span) => self.use_file(path, *span, &[&program.source.name]),
                StmtKind::Reduce(reducer, span) => self.set_reduction(*reducer, *span),
                StmtKind::Define(name, body) => self.define(name, *body),
                _ => {}
            }
        }
        self.check_shadowing(&program);
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

    /// Reports `x : real`, a declaration without its role, which reads as a cost called `x`.
    pub fn forgotten_role(&mut self, label: &Name, body: ExprId) -> bool {
        let ast = &self.program.ast;
        let base = match &ast.expr(body).kind {
            ExprKind::Index { base, .. } => &ast.expr(*base).kind,
            kind => kind,
        };
        let (ExprKind::Name(name) | ExprKind::Call { callee: name, variates: None, .. }) = base else { return false };
        if set(&name.key).is_none() || self.by_key.contains_key(&name.key) || self.definitions.contains_key(&name.key) {
            return false;
        }
        let (text, at) = (&label.text, Span::new(label.span.start as usize, label.span.start as usize));
        let message = format!("`{text}` is declared without saying what it is: `{}` is a set, not a cost", name.text);
        let mut diagnostic = Diagnostic::new(codes::E0115, label.span, message);
        let set = self.program.source.slice(ast.expr(body).span);
        for (role, what) in [("data", "observed"), ("predict", "predicted"), ("param", "learned")] {
            diagnostic = diagnostic.fix(format!("{what}: `{role} {text} : {set}`"), at, format!("{role} "));
        }
        self.report(diagnostic);
        true
    }

    /// Brings in a file and what it uses itself; `chain` are the files that led here, the program first, and `span` is the
    /// program's own `use`.
    fn use_file(&mut self, path: &str, span: Span, chain: &[&str]) {
        let from = chain.last().copied().unwrap_or_default();
        let source = match self.loader.load(path, from) {
            Ok(source) => source,
            Err(message) => {
                let message = if chain.len() > 1 { format!("`{from}` uses it: {message}") } else { message };
                return self.report(Diagnostic::new(codes::E0605, span, message));
            }
        };
        let name = source.name.clone();
        let same = |other: &str| other.trim_start_matches("./") == name.trim_start_matches("./");
        if let Some(first) = chain.iter().position(|file| same(file)) {
            let circle = chain.get(first..).unwrap_or_default().join("` → `");
            let message = format!("files use each other in a circle: `{circle}` → `{name}`");
            let help = "put what they share into a file that uses none of them";
            return self.report(Diagnostic::new(codes::E0605, span, message).help(help));
        }
        if chain.len() > MAX_USES {
            let message = format!("`{from}` is used by files that use each other more than {MAX_USES} deep");
            return self.report(Diagnostic::new(codes::E0605, span, message));
        }
        if self.used.iter().any(|(unit, _)| same(&unit.source.name)) {
            return;
        }
        let (ast, diagnostics) = crate::syntax::parse(&source);
        let unit = Arc::new(Unit { source, ast, trusted: false });
        self.used.push((Arc::clone(&unit), span));
        if let Some(first) = diagnostics.into_iter().next() {
            self.report_in(&unit, first);
        }
        self.check_shadowing(&unit);
        for stmt in &unit.ast.stmts {
            if let StmtKind::Use(path, _) = &stmt.kind {
                self.use_file(path, span, &[chain, &[&name]].concat());
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

    /// What a file defines has no name of the language, and one meaning; the names of the library's files it may take.
    fn check_shadowing(&mut self, unit: &Arc<Unit>) {
        let mut defined: HashSet<(&str, &str)> = HashSet::new();
        for stmt in &unit.ast.stmts {
            let (name, what) = match &stmt.kind {
                StmtKind::Function(def) => (&def.name, "function"),
                StmtKind::Distribution(def) => (&def.name, "distribution"),
                _ => continue,
            };
            if !defined.insert((what, &name.key)) {
                let message = format!("the {what} `{}` is defined twice", name.text);
                self.report_in(unit, Diagnostic::new(codes::E0306, name.span, message).help("choose another name"));
            }
            if super::builtins::callable(&name.key, false).is_some() {
                let message = format!("the {what} `{}` has the name of a function of the language", name.text);
                self.report_in(unit, Diagnostic::new(codes::E0306, name.span, message).help("choose another name"));
            }
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
        if self.has_a_meaning(name) {
            return;
        }
        let role = role_of(declaration.role);
        let program = Arc::clone(&self.program);
        let (support, vector) = match &declaration.support {
            // The uses of a name whose set nobody knows are not mistakes too.
            Some(support) if self.meant_set(&support.name).is_some() => self.support_expr(&program, support),
            Some(support) => {
                self.support_expr(&program, support);
                self.inferred_support(&name.key, role)
            }
            None => self.inferred_support(&name.key, role),
        };
        if matches!(role, InputRole::Predict | InputRole::Param) && support.integral {
            let message = format!("`{}` is learned by gradients, so it cannot be restricted to {support}", name.text);
            self.report(Diagnostic::new(codes::E0206, name.span, message).help(
                "learn the parameter of a distribution over it instead: `data` are whole numbers, rates are not",
            ));
        }
        let axes = self.declared_axes(declaration, role, vector);
        let unit = declaration.unit.as_ref().map(|unit| units::Unit::parse(&unit.text));
        // Constants are converted, so that a product of one with a value in base units is in base units.
        let factor = unit.as_ref().filter(|_| role == InputRole::Const).map_or(1.0, units::Unit::factor);
        let value = self.declared_value(declaration, (support, vector), &axes, factor);
        let given = self.given_value(name, support, factor).map(|value| vec![value]);
        let value = given.filter(|_| role == InputRole::Const).or(value);
        let support = if role == InputRole::Const { hull(value.as_deref()).unwrap_or(support) } else { support };
        let at = self.add_name(name, role, axes, (support, vector), value, true);
        if let Some(info) = self.names.get_mut(at) {
            info.factor = factor;
            info.category = declaration.support.as_ref().is_some_and(|support| support.name.key == "category");
            if let Some(unit) = unit {
                self.units.declare(info.input, if role == InputRole::Const { unit.in_base() } else { unit });
            }
        }
    }

    /// Reports a name that is declared or defined already.
    fn has_a_meaning(&mut self, name: &Name) -> bool {
        if let Some(&first) = self.by_key.get(&name.key) {
            let message = format!("`{}` is declared twice", name.text);
            let first = self.names.get(first).map_or(name.span, |info| info.span);
            self.report(Diagnostic::new(codes::E0306, name.span, message).label(first, "first here"));
            return true;
        }
        let defined = self.definitions.contains_key(&name.key);
        if defined {
            let message = format!("`{}` is both declared and defined", name.text);
            self.report(Diagnostic::new(codes::E0306, name.span, message));
        }
        defined
    }

    /// The axes as written, or as the name is used, behind that of the rows.
    fn declared_axes(&mut self, declaration: &Declaration, role: InputRole, vector: VectorKind) -> Vec<AxisId> {
        let key = &declaration.name.key;
        let mut axes: Vec<AxisId> = declaration.axes.iter().map(|axis| self.axis_of(axis)).collect();
        let grouped = || self.roles.names.get(key).is_some_and(|role| role.group.is_some());
        if axes.is_empty() && (declaration.support.is_none() || vector != VectorKind::Plain && grouped()) {
            axes.extend(self.free_axis(key));
        }
        if matches!(role, InputRole::Data | InputRole::Predict) && !self.whole_batch {
            axes.insert(0, ROWS);
        }
        axes
    }

    /// What stands after `=`, in base units.
    fn declared_value(
        &mut self,
        declaration: &Declaration,
        set: (Interval, VectorKind),
        axes: &[AxisId],
        factor: f64,
    ) -> Option<Vec<f64>> {
        let program = Arc::clone(&self.program);
        let value = declaration.value.and_then(|id| self.literal(&program, id));
        let value = value.map(|values| values.into_iter().map(|value| value * factor).collect::<Vec<f64>>());
        self.check_value(declaration, set, axes, value.as_deref());
        value
    }

    fn inferred_support(&self, key: &str, role: InputRole) -> (Interval, VectorKind) {
        let found = self.roles.names.get(key).filter(|known| known.data || role != InputRole::Data);
        match found {
            Some(known) => (known.support.unwrap_or(Interval::REAL), known.vector),
            None => (Interval::REAL, VectorKind::Plain),
        }
    }

    /// `rows`, which nobody declared: the number of rows of the data, known when there is data.
    fn row_count(&mut self, name: &Name) -> Value {
        if self.roles.names.get(&name.key).is_some_and(|role| role.data) {
            let message = "`rows` is the number of rows of the data, which is not observed: it has no distribution";
            return self.fail(
                Diagnostic::new(codes::E0304, name.span, message)
                    .help("for a column of that name, declare it: `data rows : count`"),
            );
        }
        let value = self.options.set.get(ROW_COUNT).copied();
        let support = value.map_or(Interval::integers(1.0, f64::INFINITY), Interval::point);
        let set = (support, VectorKind::Plain);
        let at = self.add_name(name, InputRole::Const, Vec::new(), set, value.map(|value| vec![value]), false);
        self.input_value(at)
    }

    /// A name nobody declared.
    pub fn free_name(&mut self, name: &Name) -> Value {
        // Observed in a table that has such a column, it is that column; predicted by a head of that name, that head.
        let observed = self.roles.names.get(&name.key).is_some_and(|role| role.data);
        let bound = observed && self.options.bound.contains(&name.key);
        let free = self.options.roles.get(&name.key).is_none_or(|role| *role == InputRole::Free);
        if name.key == ROW_COUNT && !bound && free {
            return self.row_count(name);
        }
        let role = self.roles.names.get(&name.key).cloned().unwrap_or_default();
        let mut support = role.support.unwrap_or(Interval::REAL);
        if let Some(need) = self.known_needs.get(&name.key) {
            support = support.intersect(*need);
        }
        let assigned = self.options.roles.get(&name.key).copied();
        let constant = self.options.set.get(&name.key).copied();
        let kind = match (assigned, constant) {
            (Some(InputRole::Free), Some(value)) if !role.data && support.contains(value) => InputRole::Free,
            (_, Some(_)) => InputRole::Const,
            (Some(role), None) => role,
            (None, None) if role.data => InputRole::Data,
            (None, None) => InputRole::Free,
        };
        // A head gives any real number, whatever the name is used for.
        if kind == InputRole::Predict && !role.data {
            support = Interval::REAL;
        }
        if kind == InputRole::Const && self.given_value(name, Interval::REAL, 1.0).is_some() {
            support = constant.map_or(support, Interval::point);
        }
        if let (InputRole::Free, Some(value), Some(share)) = (kind, constant, self.options.reach) {
            let reach = if value == 0.0 { share } else { share * value.abs() };
            support = support.intersect(Interval::open(value - reach, value + reach));
        }
        let mut axes = self.used_axes(name, &role);
        let varies = matches!(kind, InputRole::Data | InputRole::Predict | InputRole::Free) && constant.is_none();
        if !self.whole_batch && varies {
            axes.insert(0, ROWS);
        }
        let value = constant.map(|value| vec![value]);
        let at = self.add_name(name, kind, axes, (support, role.vector), value, false);
        self.input_value(at)
    }

    /// As many axes as the uses of a free name need.
    fn used_axes(&mut self, name: &Name, role: &FreeRole) -> Vec<AxisId> {
        let mut axes: Vec<AxisId> = Vec::new();
        if role.group.is_some() || role.vector != VectorKind::Plain {
            axes.extend(self.free_axis(&name.key));
        }
        while axes.len() < role.rank {
            axes.push(self.graph.add_axis(GraphAxis { name: None, size: None }));
        }
        axes
    }

    fn add_name(
        &mut self,
        name: &Name,
        role: InputRole,
        axes: Vec<AxisId>,
        (support, vector): (Interval, VectorKind),
        value: Option<Vec<f64>>,
        declared: bool,
    ) -> usize {
        self.check_axes(name, vector, &axes);
        let link = Link::of(support, vector);
        let raw = self.options.raw && matches!(role, InputRole::Predict | InputRole::Param);
        let stored = if raw { Interval::REAL } else { support };
        let input = self.graph.add_input(Input { name: name.text.clone(), role, axes: axes.clone(), support: stored });
        let vars = self.graph.axis_vars(&axes);
        let index: Vec<Index> = vars.iter().map(|&var| Index::Var(var)).collect();
        let load = self.graph.load(input, &index);
        let natural = if raw { link.forward(&mut self.graph, load, &vars) } else { load };
        let info = NameInfo {
            name: name.text.clone(),
            key: name.key.clone(),
            input,
            role,
            vector,
            value,
            factor: 1.0,
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

    /// A vector has an axis, and a Cholesky factor two of one size.
    fn check_axes(&mut self, name: &Name, vector: VectorKind, axes: &[AxisId]) {
        let own = if self.whole_batch { axes } else { axes.strip_prefix(&[ROWS]).unwrap_or(axes) };
        let fits = match (vector, own) {
            (VectorKind::Cholesky, [.., row, column]) => row == column,
            _ => own.len() >= vector.rank(),
        };
        if !fits {
            let (kind, example) = (vector.name(), if vector.rank() == 1 { "K" } else { "m, m" });
            let what = if vector.rank() == 1 { "a vector" } else { "a square matrix" };
            let message = format!("`{}` is {kind}, which is {what}, and its axes are not those of one", name.text);
            self.report(
                Diagnostic::new(codes::E0401, name.span, message)
                    .help(format!("declare its axes: `{} : {kind}[{example}]`", name.text)),
            );
        }
    }

    /// A support as written: the set of each element, and structure along the last axes.
    pub fn support_expr(&mut self, unit: &Arc<Unit>, support: &SupportExpr) -> (Interval, VectorKind) {
        let Some((base, vector)) = set(&support.name.key) else {
            let near = self.unknown_set(unit, &support.name);
            // What was probably meant stands in, so that its uses are not mistakes too.
            return near.and_then(set).unwrap_or((Interval::REAL, VectorKind::Plain));
        };
        let numbers: Vec<f64> = support.args.iter().filter_map(|&id| self.number_literal(unit, id)).collect();
        let interval = match (numbers.as_slice(), support.closed) {
            ([size, ..], None) if support.name.key == "category" && *size >= 1.0 => {
                base.intersect(Interval::integers(0.0, size - 1.0))
            }
            (&[lo, hi], Some((lo_closed, hi_closed))) if lo <= hi => {
                base.intersect(Interval::new(lo, !lo_closed, hi, !hi_closed, base.integral))
            }
            (_, Some(_)) if support.args.iter().any(|&id| super::free::unread(&unit.ast, id)) => base,
            (_, Some(_)) => {
                let message = "the ends of an interval are numbers, the lower first";
                self.report_in(unit, Diagnostic::new(codes::E0115, support.span, message));
                base
            }
            _ => base,
        };
        (interval, vector)
    }

    /// The set of a name, or the one that it nearly is.
    fn meant_set(&self, name: &Name) -> Option<(Interval, VectorKind)> {
        let names = || SETS.iter().map(|(name, ..)| *name);
        set(&name.key).or_else(|| set(super::synonyms::set(&name.key, names())?))
    }

    /// Says that no set has a name, and which one has nearly that name.
    fn unknown_set(&mut self, unit: &Arc<Unit>, name: &Name) -> Option<&'static str> {
        let message = format!("no set is called `{}`", name.text);
        let diagnostic = Diagnostic::new(codes::E0301, name.span, message);
        let names = || SETS.iter().map(|(name, ..)| *name);
        let near = super::synonyms::set(&name.key, names());
        let diagnostic = match near {
            Some(near) => diagnostic.fix(format!("did you mean `{near}`?"), name.span, near),
            None => diagnostic.help(format!("the sets are {}", names().collect::<Vec<_>>().join(", "))),
        };
        self.report_in(unit, diagnostic);
        near
    }

    /// Reports a mistake of a file: where it stands in the program, else where the file is brought in.
    fn report_in(&mut self, unit: &Arc<Unit>, diagnostic: Diagnostic) {
        match self.used.iter().find(|(used, _)| Arc::ptr_eq(used, unit)) {
            Some(&(_, place)) => {
                let (line, column) = unit.source.line_column(diagnostic.span.start);
                let message =
                    format!("`{}` has mistakes of its own: {line}:{column}: {}", unit.source.name, diagnostic.message);
                self.report(Diagnostic::new(codes::E0605, place, message));
            }
            None => self.report(diagnostic),
        }
    }
}

fn role_of(role: Role) -> InputRole {
    match role {
        Role::Data => InputRole::Data,
        Role::Predict => InputRole::Predict,
        Role::Param => InputRole::Param,
        Role::Const => InputRole::Const,
    }
}
