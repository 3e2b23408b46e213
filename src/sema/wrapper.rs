//! What a wrapper's formula says of single values: which of them have a probability of their own.
//!
//! `if k == 0 then log π else log1p(−π) + log_prob(p, k)` is the density of p except at 0: a path through the choices of
//! the formula that is neither −∞ nor made of the density inside at the variate is a probability, a *point mass*, and
//! what was asked on that path says of which values. Looks at syntax alone; one pass, parts before wholes.

use std::collections::HashMap;

use super::elaborate::Elaborator;
use super::free::{children, mentions};
use super::library::Unit;
use crate::ir::support::Interval;
use crate::syntax::ast::{BinaryOp, DistDef, ExprId, ExprKind, UnaryOp};

/// Functions inside functions that are looked into.
const MAX_DEPTH: usize = 16;

/// Kinds of paths through a formula, the stronger later: what is added to a density at the variate is one, and what is
/// added to −∞ is −∞.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Kind {
    Mass,
    Density,
    Excluded,
}

const KINDS: [Kind; 3] = [Kind::Mass, Kind::Density, Kind::Excluded];

/// An expression of a formula: for each kind of path the variates that lead there, and those for which a condition holds
/// and fails.
#[derive(Clone, Copy)]
struct Part {
    paths: [Interval; 3],
    holds: Interval,
    fails: Interval,
}

impl Part {
    /// The same path for every variate.
    fn always(kind: Kind) -> Part {
        let paths = KINDS.map(|own| if own == kind { Interval::REAL } else { Interval::EMPTY });
        Part { paths, holds: Interval::REAL, fails: Interval::REAL }
    }

    /// Two expressions put together to one.
    fn with(self, other: Part) -> Part {
        let mut paths = [Interval::EMPTY; 3];
        for (a, left) in KINDS.iter().zip(self.paths) {
            for (b, right) in KINDS.iter().zip(other.paths) {
                let stronger = if a >= b { *a } else { *b };
                for (path, _) in paths.iter_mut().zip(KINDS).filter(|(_, kind)| *kind == stronger) {
                    *path = path.union(left.intersect(right));
                }
            }
        }
        Part { paths, ..Part::always(Kind::Mass) }
    }

    /// One expression where a condition holds, the other where it fails.
    fn chosen(test: Part, then: Part, other: Part) -> Part {
        let mut paths = then.paths.map(|path| path.intersect(test.holds));
        paths.iter_mut().zip(other.paths).for_each(|(path, other)| *path = path.union(other.intersect(test.fails)));
        Part { paths, ..Part::always(Kind::Mass) }
    }
}

/// Names of a file's formula: the variates, the densities, and the numbers that are known.
struct Names<'n> {
    variates: Vec<&'n str>,
    densities: Vec<&'n str>,
    value: &'n dyn Fn(&str) -> Option<f64>,
}

impl Elaborator<'_> {
    /// The smallest interval with all values to which a wrapper gives a probability of their own, beyond what the density
    /// inside says of them; `value` knows parameters by name.
    pub(super) fn masses(
        &self,
        unit: &Unit,
        def: &DistDef,
        via: Option<usize>,
        value: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Interval> {
        let formula = super::parameterisation::formula(def, via)?;
        let densities = def.params.iter().filter(|formal| formal.is_density());
        let names = Names {
            variates: def.variates.iter().map(|formal| formal.name.key.as_str()).collect(),
            densities: densities.map(|formal| formal.name.key.as_str()).collect(),
            value,
        };
        let [masses, ..] = self.part(unit, formula, &names, 0).paths;
        (!masses.is_empty()).then_some(masses)
    }

    fn part(&self, unit: &Unit, root: ExprId, names: &Names<'_>, depth: usize) -> Part {
        let mut inside = vec![root];
        let mut at = 0;
        while let Some(&id) = inside.get(at) {
            inside.extend(children(&unit.ast.expr(id).kind));
            at += 1;
        }
        inside.sort_unstable();
        let mut parts: HashMap<ExprId, Part> = HashMap::new();
        for id in inside {
            let part = self.part_of(unit, id, names, &parts, depth);
            parts.insert(id, part);
        }
        parts.get(&root).copied().unwrap_or(Part::always(Kind::Mass))
    }

    fn part_of(&self, unit: &Unit, id: ExprId, names: &Names<'_>, parts: &HashMap<ExprId, Part>, depth: usize) -> Part {
        let kind = &unit.ast.expr(id).kind;
        let of = |id: ExprId| parts.get(&id).copied().unwrap_or(Part::always(Kind::Mass));
        let is = |id: ExprId, key: &str| matches!(&unit.ast.expr(id).kind, ExprKind::Name(name) if name.key == key);
        match kind {
            ExprKind::If { cond, then, other } => return Part::chosen(of(*cond), of(*then), of(*other)),
            ExprKind::Unary(UnaryOp::Neg, inner) if is(*inner, "inf") => return Part::always(Kind::Excluded),
            ExprKind::Unary(UnaryOp::Not, inner) => {
                let inner = of(*inner);
                return Part { holds: inner.fails, fails: inner.holds, ..inner };
            }
            ExprKind::Call { callee, args, .. } => {
                let values: Vec<ExprId> = args.iter().map(|arg| arg.value).collect();
                if let Some(part) = self.call_part(unit, &callee.key, &values, names, depth) {
                    return part;
                }
            }
            _ => {}
        }
        let whole = children(kind).into_iter().map(of).fold(Part::always(Kind::Mass), Part::with);
        let ExprKind::Binary { op, lhs, rhs, .. } = kind else { return whole };
        let (a, b) = (of(*lhs), of(*rhs));
        let (holds, fails) = match op {
            BinaryOp::And => (a.holds.intersect(b.holds), a.fails.union(b.fails)),
            BinaryOp::Or => (a.holds.union(b.holds), a.fails.intersect(b.fails)),
            _ => {
                let variate = |id: ExprId| names.variates.iter().any(|key| is(id, key));
                match (variate(*lhs), variate(*rhs)) {
                    (true, false) => compared(*op, known(unit, *rhs, names)),
                    (false, true) => compared(turned(*op), known(unit, *lhs, names)),
                    _ => (Interval::REAL, Interval::REAL),
                }
            }
        };
        Part { holds, fails, ..whole }
    }

    /// The density inside at the variate, and functions that are given both.
    fn call_part(&self, unit: &Unit, callee: &str, args: &[ExprId], names: &Names<'_>, depth: usize) -> Option<Part> {
        let about = |id: &ExprId, keys: &[&str]| keys.iter().any(|key| mentions(&unit.ast, *id, key));
        let observes = args.iter().any(|id| about(id, &names.variates));
        match callee {
            "log_prob" if observes => return Some(Part::always(Kind::Density)),
            "nll" => return Some(Part::always(Kind::Density)),
            _ if !observes || !args.iter().any(|id| about(id, &names.densities)) => return None,
            _ => {}
        }
        let own = self.unit_of(callee, false)?;
        let def = own.function(callee)?;
        if depth >= MAX_DEPTH {
            return Some(Part::always(Kind::Density));
        }
        let given = |keys: &[&str]| {
            let formals = def.formals.iter().zip(args).filter(|(_, id)| about(id, keys));
            formals.map(|(formal, _)| formal.name.key.as_str()).collect()
        };
        let inner = Names { variates: given(&names.variates), densities: given(&names.densities), value: &|_| None };
        Some(self.part(&own, def.body, &inner, depth + 1))
    }
}

/// The value of a number as written, or of a parameter.
fn known(unit: &Unit, id: ExprId, names: &Names<'_>) -> Option<f64> {
    match &unit.ast.expr(id).kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Name(name) => (names.value)(&name.key),
        _ => None,
    }
}

/// `a < b` as it reads from b.
fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

/// The variates for which a comparison with a number holds, and those for which it fails; all of them if the number is not
/// known.
fn compared(op: BinaryOp, value: Option<f64>) -> (Interval, Interval) {
    let Some(value) = value else { return (Interval::REAL, Interval::REAL) };
    let below = |open: bool| Interval::new(f64::NEG_INFINITY, true, value, open, false);
    let above = |open: bool| Interval::new(value, open, f64::INFINITY, true, false);
    let (point, others) =
        (Interval::point(value), if value == 0.0 { Interval::REAL.without_zero() } else { Interval::REAL });
    match op {
        BinaryOp::Lt => (below(true), above(false)),
        BinaryOp::Le => (below(false), above(true)),
        BinaryOp::Gt => (above(true), below(false)),
        BinaryOp::Ge => (above(false), below(true)),
        BinaryOp::Eq => (point, others),
        BinaryOp::Ne => (others, point),
        _ => (Interval::REAL, Interval::REAL),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use crate::sema::{Measure, Options, analyze};
    use crate::source::{NoFiles, Source};

    /// By the definition of a density with respect to Lebesgue measure, counting measure, or both.
    #[test]
    fn a_wrapper_has_the_measure_of_what_is_inside_and_its_masses() {
        use Measure::{Continuous, Discrete, Mixed};
        let delayed = "fn shifted(p : density, x, a) = log_prob(p, x - a)\ndistribution delayed(x : real | p : density, a : real)\n  log density if x > a then shifted(p, x, a) else -inf\n  latex \"D\"\ndata x : real\n";
        let spiked = "distribution spiked(x : real | p : density, a : real, w : prob)\n  log density log(1 - w) + (if not (x != a) then log w - log(1 - w) else log_prob(p, x))\n  latex \"S\"\ndata x : real\n";
        for (program, expected) in [
            ("x ~ truncated(normal(0, 1), lower = 0)", Continuous),
            ("x ~ truncated(normal(0, 1), 0, 1)", Continuous),
            ("x ~ mixture([0.5, 0.5], normal(0, 1), normal(2, 1))", Continuous),
            ("x ~ 0.5 * normal(0, 1) + 0.5 * truncated(normal(0, 1), upper = -1)", Continuous),
            ("x ~ hurdle(0.3, lognormal(0, 1))", Mixed),
            ("x ~ zero_inflated(0.3, lognormal(0, 1))", Mixed),
            ("x ~ zero_inflated(0.3, truncated(normal(0, 1), lower = 0))", Mixed),
            ("x ~ censored(normal(0, 1), -1, 1)", Mixed),
            ("x ~ censored(normal(0, 1), upper = 1)", Mixed),
            ("x ~ hurdle(0.3, poisson(2))", Discrete),
            ("x ~ zero_inflated(0.3, poisson(2))", Discrete),
            (&format!("{delayed}x ~ delayed(exponential(1), 2)"), Continuous),
            (&format!("{delayed}x ~ delayed(hurdle(0.3, exponential(1)), 2)"), Mixed),
            (&format!("{spiked}x ~ spiked(normal(0, 1), 2, 0.1)"), Mixed),
        ] {
            let analysis = analyze(&Source::new("-e", program), &NoFiles, &Options::default());
            assert!(analysis.is_ok(), "{program}: {:?}", analysis.diagnostics);
            assert_eq!(analysis.hir.terms[0].factors[0].measure, expected, "{program}");
        }
    }
}
