//! What the program says about names nobody declared: a walk over the tree before anything is evaluated.
//!
//! Left of a bar (or of `~`) a bare or indexed free name is data with the variate's support; where a distribution has a
//! parameter of that very name, a bare free name has that parameter's support; where a function takes a vector, it is a
//! vector, and the arguments that share an axis share it here too. What is left of bars is for [`super::observed`].

use std::collections::HashMap;
use std::sync::Arc;

use super::elaborate::Elaborator;
use super::library::Unit;
use super::value::VectorKind;
use crate::ir::graph::AxisId;
use crate::ir::support::Interval;
use crate::syntax::ast::{Ast, Axis, DistDef, ExprId, ExprKind, Formal, StmtKind};

/// What is known about one free name.
#[derive(Clone, Debug, Default)]
pub(super) struct FreeRole {
    /// Observed.
    pub data: bool,
    /// The set its place states.
    pub support: Option<Interval>,
    /// Structure its place states.
    pub vector: VectorKind,
    /// Vectors that share an axis are in one group.
    pub group: Option<usize>,
    /// Number of subscripts it is used with.
    pub rank: usize,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    pub names: HashMap<String, FreeRole>,
    /// Group → the group it was merged into (itself at the root).
    groups: Vec<usize>,
    /// Axis of a group, once there is one.
    pub axes: HashMap<usize, AxisId>,
}

impl Roles {
    pub fn root(&self, mut group: usize) -> usize {
        while let Some(&parent) = self.groups.get(group) {
            if parent == group {
                break;
            }
            group = parent;
        }
        group
    }

    fn new_group(&mut self) -> usize {
        self.groups.push(self.groups.len());
        self.groups.len() - 1
    }

    fn join(&mut self, key: &str, group: usize) {
        let old = self.names.entry(key.to_string()).or_default().group;
        match old {
            Some(old) => {
                let (old, new) = (self.root(old), self.root(group));
                if let Some(slot) = self.groups.get_mut(old) {
                    *slot = new;
                }
            }
            None => {
                self.names.entry(key.to_string()).or_default().group = Some(group);
            }
        }
    }
}

/// The formal of that name in any parameterisation.
fn any_formal(def: &DistDef, name: &str) -> Option<Formal> {
    let ways = std::iter::once(None).chain((0..def.clauses.len()).map(Some));
    ways.filter_map(|via| super::parameterisation::formal_named(def, via, name)).next()
}

/// The expressions an expression is made of.
pub(super) fn children(kind: &ExprKind) -> Vec<ExprId> {
    match kind {
        ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Name(_) | ExprKind::Hole | ExprKind::Error => {
            Vec::new()
        }
        ExprKind::Vector(items) => items.clone(),
        ExprKind::Index { base, indices } => std::iter::once(*base).chain(indices.iter().copied()).collect(),
        ExprKind::Call { variates, args, .. } => {
            variates.iter().flatten().copied().chain(args.iter().map(|arg| arg.value)).collect()
        }
        ExprKind::Unary(_, operand) => vec![*operand],
        ExprKind::Binary { lhs, rhs, .. } => vec![*lhs, *rhs],
        ExprKind::If { cond, then, other } => vec![*cond, *then, *other],
        ExprKind::Reduce { cond, body, .. } => cond.iter().chain(body.iter()).copied().collect(),
    }
}

/// Whether a name occurs anywhere in an expression.
pub(super) fn mentions(ast: &Ast, root: ExprId, key: &str) -> bool {
    any(ast, root, |kind| matches!(kind, ExprKind::Name(name) if name.key == key))
}

/// Whether an expression has a part that could not be read, which was reported.
pub(super) fn unread(ast: &Ast, root: ExprId) -> bool {
    any(ast, root, |kind| matches!(kind, ExprKind::Error))
}

fn any(ast: &Ast, root: ExprId, is: impl Fn(&ExprKind) -> bool) -> bool {
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        let kind = &ast.expr(id).kind;
        if is(kind) {
            return true;
        }
        stack.extend(children(kind));
    }
    false
}

/// The operand that is a vector where the result is one: among several it could be any, which declarations have to say.
fn the_vector(ast: &Ast, operands: &[ExprId]) -> Option<ExprId> {
    let mut open = operands.iter().filter(|&&id| !matches!(ast.expr(id).kind, ExprKind::Number { .. }));
    open.next().copied().filter(|_| open.next().is_none())
}

/// Whether an expression of a name has the axes of that name: nothing reduces them on the way.
fn keeps_axes(ast: &Ast, root: ExprId, key: &str) -> bool {
    let kind = &ast.expr(root).kind;
    match kind {
        ExprKind::Name(name) => name.key == key,
        ExprKind::Call { callee, .. } if !super::builtins::is_elementwise(&callee.key) => false,
        ExprKind::Call { .. } | ExprKind::Unary(..) | ExprKind::Binary { .. } | ExprKind::If { .. } => {
            children(kind).into_iter().any(|child| keeps_axes(ast, child, key))
        }
        _ => false,
    }
}

/// The name of a bare or indexed name.
pub(super) fn bare_or_indexed(ast: &Ast, id: ExprId) -> Option<&str> {
    match &ast.expr(id).kind {
        ExprKind::Name(name) => Some(&name.key),
        ExprKind::Index { base, .. } => bare_or_indexed(ast, *base),
        _ => None,
    }
}

impl Elaborator<'_> {
    /// Fills [`Elaborator::roles`] from the whole program.
    pub fn collect_roles(&mut self) {
        let program = Arc::clone(&self.program);
        for stmt in &program.ast.stmts {
            let (roots, tilde) = match &stmt.kind {
                StmtKind::Term { tilde, body, .. } => (tilde.iter().chain([body]).copied().collect(), tilde.as_slice()),
                StmtKind::Define(_, body) => (vec![*body], [].as_slice()),
                StmtKind::Declare(declaration) => (declaration.value.iter().copied().collect(), [].as_slice()),
                _ => (Vec::new(), [].as_slice()),
            };
            self.collect_expressions(&program.ast, roots, tilde);
        }
    }

    fn collect_expressions<'t>(&mut self, ast: &'t Ast, roots: Vec<ExprId>, tilde: &'t [ExprId]) {
        let mut seen: Vec<(ExprId, &[ExprId])> = roots.iter().map(|&id| (id, tilde)).collect();
        let mut at = 0;
        while let Some(&(id, tilde)) = seen.get(at) {
            at += 1;
            let kind = &ast.expr(id).kind;
            let mut inside = tilde;
            match kind {
                ExprKind::Call { callee, variates, args } => {
                    let arguments: Vec<(Option<&str>, ExprId)> =
                        args.iter().map(|arg| (arg.name.as_ref().map(|name| name.key.as_str()), arg.value)).collect();
                    // What a wrapper is about, the density inside it is about too.
                    inside = variates.as_deref().filter(|_| self.is_wrapper(&callee.key)).unwrap_or(tilde);
                    self.collect_call(ast, &callee.key, variates.as_deref(), &arguments, tilde);
                }
                ExprKind::Reduce { binders, cond, body, .. } => {
                    for binder in binders.iter().filter(|binder| binder.axis.is_none()) {
                        self.collect_binder(ast, &binder.name.key, cond.iter().chain(body).copied().collect());
                    }
                }
                ExprKind::Index { base, indices } => {
                    if let ExprKind::Name(name) = &ast.expr(*base).kind {
                        let role = self.roles.names.entry(name.key.clone()).or_default();
                        role.rank = role.rank.max(indices.len());
                    }
                }
                _ => {}
            }
            seen.extend(children(kind).into_iter().map(|child| (child, inside)));
        }
        for (key, (support, vector)) in self.observed(ast, seen, &roots) {
            let role = self.roles.names.entry(key).or_default();
            role.data = true;
            role.support = Some(role.support.map_or(support, |known| known.intersect(support)));
            role.vector = vector;
        }
    }

    /// The vectors that one index runs over share its axis.
    fn collect_binder(&mut self, ast: &Ast, index: &str, roots: Vec<ExprId>) {
        let group = self.roles.new_group();
        let mut stack = roots;
        while let Some(id) = stack.pop() {
            let kind = &ast.expr(id).kind;
            match kind {
                ExprKind::Reduce { binders, .. } if binders.iter().any(|binder| binder.name.key == index) => continue,
                ExprKind::Index { base, indices } => {
                    if let (ExprKind::Name(name), [at]) = (&ast.expr(*base).kind, indices.as_slice())
                        && matches!(&ast.expr(*at).kind, ExprKind::Name(name) if name.key == index)
                        && self.is_vector_here(ast, &name.key)
                    {
                        self.roles.join(&name.key, group);
                    }
                }
                _ => {}
            }
            stack.extend(children(kind));
        }
    }

    /// A name with one axis: declared with one, or free.
    fn is_vector_here(&self, ast: &Ast, key: &str) -> bool {
        let declared = ast.stmts.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Declare(declaration) if declaration.name.key == key => Some(declaration.axes.len() == 1),
            _ => None,
        });
        let several = self.roles.names.get(key).is_some_and(|role| role.rank > 1);
        declared.unwrap_or_else(|| !several && !self.definitions.contains_key(key))
    }

    fn collect_call(
        &mut self,
        ast: &Ast,
        callee: &str,
        variates: Option<&[ExprId]>,
        args: &[(Option<&str>, ExprId)],
        tilde: &[ExprId],
    ) {
        if let Some(unit) = self.unit_of(callee, true)
            && let Some(def) = unit.distribution(callee)
        {
            self.collect_distribution(ast, (&unit, def), variates.unwrap_or(tilde), args);
        } else if let Some(unit) = self.unit_of(callee, false)
            && let Some(def) = unit.function(callee)
        {
            let mut groups = HashMap::new();
            let left = variates.unwrap_or_default().iter().map(|&id| (None, id));
            for (at, (name, id)) in left.chain(args.iter().copied()).enumerate() {
                let formal = match name {
                    Some(name) => def.formals.iter().find(|formal| formal.name.key == name),
                    None => def.formals.get(at),
                };
                formal.into_iter().for_each(|formal| self.collect_vector(ast, formal, id, &mut groups));
            }
        } else if super::builtins::takes_vector(callee, args.len()) {
            let name = super::builtins::anonymous_name;
            let formal = Formal { name: name(), support: None, axes: vec![Axis::Named(name())], default: None };
            let mut groups = HashMap::new();
            args.iter().for_each(|(_, id)| self.collect_vector(ast, &formal, *id, &mut groups));
        }
    }

    /// A name that stands for the parameter of its own name is what that parameter is.
    fn collect_distribution(
        &mut self,
        ast: &Ast,
        (unit, def): (&Arc<Unit>, &DistDef),
        variates: &[ExprId],
        args: &[(Option<&str>, ExprId)],
    ) {
        let mut groups = HashMap::new();
        for (formal, &id) in def.variates.iter().zip(variates) {
            self.collect_vector(ast, formal, id, &mut groups);
        }
        for (at, (name, id)) in args.iter().enumerate() {
            let formal = match name {
                Some(name) => any_formal(def, name),
                None => def.params.get(at).cloned(),
            };
            let Some(formal) = &formal else { continue };
            if matches!(&ast.expr(*id).kind, ExprKind::Name(name) if name.key == formal.name.key) {
                let (support, vector) = self.formal_support(unit, formal);
                let role = self.roles.names.entry(formal.name.key.clone()).or_default();
                role.support = Some(role.support.map_or(support, |known| known.intersect(support)));
                role.vector = vector;
            }
            self.collect_vector(ast, formal, *id, &mut groups);
        }
    }

    /// A bare name in a vector's place is a vector; the names of one axis of the call share it.
    fn collect_vector(&mut self, ast: &Ast, formal: &Formal, id: ExprId, groups: &mut HashMap<String, usize>) {
        let Some(Axis::Named(axis)) = formal.axes.last() else { return };
        let group = match groups.get(&axis.key) {
            Some(&group) => group,
            None => {
                let group = self.roles.new_group();
                groups.insert(axis.key.clone(), group);
                group
            }
        };
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match &ast.expr(id).kind {
                ExprKind::Name(name) => self.roles.join(&name.key, group),
                ExprKind::Unary(_, operand) => stack.push(*operand),
                ExprKind::Binary { lhs, rhs, .. } => stack.extend(the_vector(ast, &[*lhs, *rhs])),
                ExprKind::Call { callee, variates: None, args } => {
                    let args: Vec<ExprId> = args.iter().map(|arg| arg.value).collect();
                    if let Some(unit) = self.unit_of(&callee.key, false)
                        && let Some(def) = unit.function(&callee.key)
                    {
                        let formals = def.formals.iter().zip(args);
                        let kept = formals.filter(|(formal, _)| keeps_axes(&unit.ast, def.body, &formal.name.key));
                        stack.extend(kept.map(|(_, id)| id));
                    } else if super::builtins::is_elementwise(&callee.key) {
                        stack.extend(the_vector(ast, &args));
                    }
                }
                _ => {}
            }
        }
    }

    /// The axis of the vector that a free name is, made when first asked for.
    pub fn free_axis(&mut self, key: &str) -> Option<AxisId> {
        let group = self.roles.root(self.roles.names.get(key)?.group?);
        if let Some(&axis) = self.roles.axes.get(&group) {
            return Some(axis);
        }
        // A declared name of the same group gives its last axis.
        let members: Vec<String> = self
            .roles
            .names
            .iter()
            .filter(|(_, role)| role.group.is_some_and(|g| self.roles.root(g) == group))
            .map(|(key, _)| key.clone())
            .collect();
        let declared = members.iter().find_map(|member| {
            let info = self.names.get(*self.by_key.get(member)?)?;
            if !info.declared {
                return None;
            }
            self.graph.input(info.input).axes.last().copied().filter(|&axis| axis != crate::ir::graph::ROWS)
        });
        let axis = declared.unwrap_or_else(|| {
            let size = self.options.set.get(&format!("{key}.size")).map(|&size| size as usize);
            self.graph.add_axis(crate::ir::graph::Axis { name: None, size })
        });
        self.roles.axes.insert(group, axis);
        Some(axis)
    }
}
