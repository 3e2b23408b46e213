//! The values that names left of a bar (or of `~`) can have, read off the densities that they are observed by.
//!
//! A product observes what all its factors allow, a mixture what any part does; a wrapper what the density inside it does,
//! and the single values that its formula gives a probability of their own. One pass over the tree, parts before wholes.

use std::collections::HashMap;

use super::elaborate::Elaborator;
use super::free::{bare_or_indexed, children};
use super::parameterisation::form_that_fits;
use super::value::VectorKind;
use crate::ir::support::Interval;
use crate::syntax::ast::{Arg, Ast, BinaryOp, DistDef, ExprId, ExprKind, Name, UnaryOp};

/// Names with what can be observed of them.
pub(super) type Observed = HashMap<String, (Interval, VectorKind)>;

/// What an expression observes, and whether it is a density: only those mix.
#[derive(Default)]
struct Part {
    names: Observed,
    density: bool,
}

impl Part {
    /// Both are observed by `both`: values that either allows, or only those that both do.
    fn and(self, other: Part, both: fn(Interval, Interval) -> Interval) -> Part {
        let density = self.density || other.density;
        let (mut names, fewer) =
            if self.names.len() < other.names.len() { (other.names, self.names) } else { (self.names, other.names) };
        for (key, (support, vector)) in fewer {
            let known = names.entry(key).or_insert((support, vector));
            known.0 = both(known.0, support);
        }
        Part { names, density }
    }
}

impl Elaborator<'_> {
    /// Whether a call's density is made of one that it is given.
    pub(super) fn is_wrapper(&self, callee: &str) -> bool {
        let unit = self.unit_of(callee, true);
        let def = unit.as_ref().and_then(|unit| unit.distribution(callee));
        def.is_some_and(|def| def.params.iter().any(|formal| formal.is_density()))
    }

    /// What the expressions under some roots observe; each is given with what stands left of `~` there.
    pub(super) fn observed(&mut self, ast: &Ast, mut inside: Vec<(ExprId, &[ExprId])>, roots: &[ExprId]) -> Observed {
        inside.sort_unstable_by_key(|(id, _)| *id);
        let mut parts: HashMap<ExprId, Part> = HashMap::new();
        for (id, tilde) in inside {
            let part = self.observed_by(ast, id, tilde, &mut parts);
            parts.insert(id, part);
        }
        let found = roots.iter().filter_map(|id| parts.remove(id));
        found.fold(Part::default(), |a, b| a.and(b, Interval::intersect)).names
    }

    fn observed_by(&mut self, ast: &Ast, id: ExprId, tilde: &[ExprId], parts: &mut HashMap<ExprId, Part>) -> Part {
        let mut of = |id: ExprId| parts.remove(&id).unwrap_or_default();
        let kind = &ast.expr(id).kind;
        match kind {
            ExprKind::Call { callee, variates, args } if self.unit_of(&callee.key, true).is_some() => {
                let (inner, rest): (Vec<Part>, Vec<Part>) =
                    args.iter().map(|arg| of(arg.value)).partition(|part| part.density);
                let inner = inner.into_iter().reduce(|a, b| a.and(b, Interval::union));
                let own = self.observed_by_call(ast, callee, variates.as_deref().unwrap_or(tilde), args, inner);
                rest.into_iter().fold(own, |a, b| a.and(b, Interval::intersect))
            }
            ExprKind::Binary { op: BinaryOp::Add, lhs, rhs, .. } => {
                let (a, b) = (of(*lhs), of(*rhs));
                let mixed = a.density && b.density;
                Part { density: mixed, ..a.and(b, if mixed { Interval::union } else { Interval::intersect }) }
            }
            ExprKind::If { cond, then, other } => {
                let (test, a, b) = (of(*cond), of(*then), of(*other));
                let density = a.density && b.density;
                let chosen = a.and(b, if density { Interval::union } else { Interval::intersect });
                Part { density, ..chosen.and(test, Interval::intersect) }
            }
            _ => {
                let whole = children(kind).into_iter().map(of).reduce(|a, b| a.and(b, Interval::intersect));
                let whole = whole.unwrap_or_default();
                let algebra = matches!(kind, ExprKind::Binary { op: BinaryOp::Mul | BinaryOp::Pow, .. });
                Part { density: whole.density && (algebra || matches!(kind, ExprKind::Reduce { .. })), ..whole }
            }
        }
    }

    /// What a distribution says of its variates, and of those of the density inside it.
    fn observed_by_call(
        &mut self,
        ast: &Ast,
        callee: &Name,
        variates: &[ExprId],
        args: &[Arg],
        inner: Option<Part>,
    ) -> Part {
        let Some(unit) = self.unit_of(&callee.key, true) else { return Part::default() };
        let Some(def) = unit.distribution(&callee.key) else { return Part::default() };
        let mut own = Part { density: true, ..Part::default() };
        for (formal, &id) in def.variates.iter().zip(variates) {
            let Some(key) = bare_or_indexed(ast, id) else { continue };
            own.names.insert(key.to_string(), self.formal_support(&unit, formal));
        }
        let Some(mut inner) = inner else { return own };
        let given: Vec<&str> = args.iter().filter_map(|arg| arg.name.as_ref()).map(|name| name.key.as_str()).collect();
        let form = form_that_fits(def, &given, args.len() - given.len());
        let masses = form.and_then(|(via, names)| {
            let value = |key: &str| number(ast, argument(def, via, &names, key, args)?);
            self.masses(&unit, def, via, &value)
        });
        for (support, _) in inner.names.values_mut() {
            // Whole numbers stay so: what is recorded of them are some of them.
            let masses = masses.map_or(Interval::EMPTY, |masses| Interval { integral: support.integral, ..masses });
            *support = support.union(masses);
        }
        own.and(inner, Interval::intersect)
    }
}

/// The argument that a formula knows as `key`.
fn argument(def: &DistDef, via: Option<usize>, names: &[String], key: &str, args: &[Arg]) -> Option<ExprId> {
    let symbol = |name: &str| super::parameterisation::formal_named(def, via, name).is_some_and(|f| f.name.key == key);
    let by_name = args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| symbol(&name.key)));
    let at = names.iter().position(|name| symbol(name));
    let by_place = || args.iter().filter(|arg| arg.name.is_none()).nth(at?);
    by_name.or_else(by_place).map(|arg| arg.value)
}

/// A number as written.
fn number(ast: &Ast, id: ExprId) -> Option<f64> {
    match &ast.expr(id).kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Unary(UnaryOp::Neg, inner) => match &ast.expr(*inner).kind {
            ExprKind::Number { value, .. } => Some(-value),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use crate::sema::{Options, analyze};
    use crate::source::{NoFiles, Source};

    /// By hand from what each density is about, and where its formula puts a probability on single values.
    #[test]
    fn what_is_observed_has_the_values_that_its_density_allows() {
        for (program, expected) in [
            ("x ~ hurdle(0.3, lognormal(0, 1))", "nonneg"),
            ("hurdle(x | 0.3, lognormal(0, 1))", "nonneg"),
            ("hurdle(0.3, lognormal(x | 0, 1))", "nonneg"),
            ("x ~ hurdle(0.3, poisson(2))", "count"),
            ("hurdle(x | 0.3, poisson(2))", "count"),
            ("x ~ zero_inflated(0.3, rayleigh(1))", "nonneg"),
            ("x ~ truncated(lognormal(0, 1), upper = 3)", "positive"),
            ("x ~ censored(lognormal(0, 1), upper = 3)", "positive"),
            ("x ~ censored(lognormal(0, 1), 0.5, 3)", "real"),
            ("x ~ censored(lognormal(0, 1), lower = 0.1)", "real"),
            ("x ~ censored(normal(0, 1), lower = c)", "real"),
            ("x ~ 0.5 * exponential(1) + 0.5 * normal(0, 1)", "real"),
            ("x ~ 0.2 * exponential(1) + 0.3 * lognormal(0, 1) + 0.5 * rayleigh(1)", "nonneg"),
            ("x ~ mixture([0.5, 0.5], exponential(1), lognormal(0, 1))", "nonneg"),
            ("x ~ if c > 0 then exponential(1) else normal(0, 1)", "real"),
            ("x ~ exponential(1) * lognormal(0, 1)", "positive"),
            ("nll(exponential(x | 1)) + nll(normal(x | 0, 1))", "nonneg"),
            ("x ~ (0.5 * exponential(1) + 0.5 * normal(0, 1)) ^ w", "real"),
        ] {
            let analysis = analyze(&Source::new("-e", program), &NoFiles, &Options::default());
            assert!(analysis.is_ok(), "{program}: {:?}", analysis.diagnostics);
            let x = analysis.hir.names.iter().find(|info| info.key == "x").unwrap();
            assert_eq!(analysis.hir.graph.input(x.input).support.to_string(), expected, "{program}");
        }
    }
}
