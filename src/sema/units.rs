//! Units of measurement: what may be added, what needs a number without one.
//!
//! A declaration gives a name its unit (`λ : positive in Hz`, `bin = 50 ms`); units then follow through arithmetic. What
//! has no declared unit fits everything. Constants are converted to the base units; other values stay in their own, so a
//! factor left over when units cancel (Hz · ms is 0.001) is a mistake that is reported, never applied.

use std::collections::{BTreeMap, HashMap};

use super::calls::Argument;
use super::elaborate::{Ctx, Elaborator};
use super::value::{Num, Value};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{Graph, InputId, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};
use crate::syntax::ast::{DistDef, ExprId, Name};

/// A product of powers of base units with a factor, and how it is written.
#[derive(Clone, Debug)]
pub struct Unit {
    factor: f64,
    powers: BTreeMap<String, i32>,
    /// As the program writes it.
    text: Option<String>,
}

/// What is known of the unit of a value.
#[derive(Clone, Debug)]
pub enum Quantity {
    /// A number as written: its unit is that of what it meets.
    Number,
    /// Nothing was declared.
    Unknown,
    /// A unit; without powers it is a plain number.
    Of(Unit),
}

/// A unit: its name, its factor to base units, the powers of those.
type Row = (&'static str, f64, &'static [(&'static str, i32)]);

/// Units by name: the factor to base units, and the base units. (SI brochure, 9th ed.; CODATA 2018.)
const UNITS: &[Row] = &[
    ("s", 1.0, &[("s", 1)]),
    ("min", 60.0, &[("s", 1)]),
    ("h", 3600.0, &[("s", 1)]),
    ("day", 86400.0, &[("s", 1)]),
    ("Hz", 1.0, &[("s", -1)]),
    ("m", 1.0, &[("m", 1)]),
    ("Å", 1e-10, &[("m", 1)]),
    ("g", 1e-3, &[("kg", 1)]),
    ("N", 1.0, &[("kg", 1), ("m", 1), ("s", -2)]),
    ("J", 1.0, &[("kg", 1), ("m", 2), ("s", -2)]),
    ("cal", 4.184, &[("kg", 1), ("m", 2), ("s", -2)]),
    ("eV", 1.602_176_634e-19, &[("kg", 1), ("m", 2), ("s", -2)]),
    ("W", 1.0, &[("kg", 1), ("m", 2), ("s", -3)]),
    ("Pa", 1.0, &[("kg", 1), ("m", -1), ("s", -2)]),
    ("A", 1.0, &[("A", 1)]),
    ("V", 1.0, &[("kg", 1), ("m", 2), ("s", -3), ("A", -1)]),
    ("K", 1.0, &[("K", 1)]),
    ("mol", 1.0, &[("mol", 1)]),
    ("rad", 1.0, &[]),
    ("deg", std::f64::consts::PI / 180.0, &[]),
    ("°", std::f64::consts::PI / 180.0, &[]),
    ("%", 0.01, &[]),
    ("1", 1.0, &[]),
];

const PREFIXES: &[(&str, f64)] = &[
    ("p", 1e-12),
    ("n", 1e-9),
    ("μ", 1e-6),
    ("u", 1e-6),
    ("m", 1e-3),
    ("c", 1e-2),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
];

impl Unit {
    fn one() -> Unit {
        Unit { factor: 1.0, powers: BTreeMap::new(), text: None }
    }

    /// `km/h`, `m·s⁻²`. A word that is no unit of the table is a base unit of its own (`spikes`, `px`).
    pub fn parse(text: &str) -> Unit {
        let mut unit = Unit::one();
        let mut sign = 1;
        for piece in text.split_inclusive(['/', '·', '*']) {
            let (name, separator) = match piece.char_indices().last() {
                Some((end, last)) if "/·*".contains(last) => (piece.get(..end).unwrap_or(""), Some(last)),
                _ => (piece, None),
            };
            let (name, power) = powered(name.trim());
            unit = unit.times(&named(&name), sign * power);
            sign = if separator == Some('/') { -1 } else { 1 };
        }
        Unit { text: Some(text.to_string()), ..unit }
    }

    /// The factor to base units.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The same in base units.
    pub fn in_base(&self) -> Unit {
        Unit { factor: 1.0, powers: self.powers.clone(), text: None }
    }

    fn times(&self, other: &Unit, power: i32) -> Unit {
        let mut powers = self.powers.clone();
        for (name, own) in &other.powers {
            *powers.entry(name.clone()).or_default() += own * power;
        }
        powers.retain(|_, power| *power != 0);
        Unit { factor: self.factor * other.factor.powi(power), powers, text: None }
    }

    fn root(&self) -> Option<Unit> {
        let even = self.powers.values().all(|power| power % 2 == 0);
        let powers = self.powers.iter().map(|(name, power)| (name.clone(), power / 2)).collect();
        even.then(|| Unit { factor: self.factor.sqrt(), powers, text: None })
    }

    fn same(&self, other: &Unit) -> bool {
        self.powers == other.powers && (self.factor / other.factor - 1.0).abs() < 1e-12
    }

    fn is_plain(&self) -> bool {
        self.same(&Unit::one())
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        let known = UNITS.iter().find(|(name, ..)| *name != "1" && *name != "rad" && self.same(&named(name)));
        if let Some((name, ..)) = known {
            return f.write_str(name);
        }
        let power = |(name, power): (&String, &i32)| if *power == 1 { name.clone() } else { format!("{name}^{power}") };
        let powers: Vec<String> = self.powers.iter().map(power).collect();
        let factor = (self.factor != 1.0 || powers.is_empty()).then(|| self.factor.to_string());
        f.write_str(&factor.into_iter().chain(powers).collect::<Vec<_>>().join("·"))
    }
}

/// The name and the power of a piece such as `s⁻²` or `m^2`.
fn powered(piece: &str) -> (String, i32) {
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let end = piece.find(|c| c == '^' || c == '⁻' || c == '⁺' || RAISED.contains(c)).unwrap_or(piece.len());
    let (name, power) = piece.split_at(end);
    let digits: String = power
        .chars()
        .filter_map(|c| match c {
            '⁻' | '-' => Some('-'),
            c if c.is_ascii_digit() => Some(c),
            c => RAISED.chars().position(|raised| raised == c).and_then(|at| char::from_digit(at as u32, 10)),
        })
        .collect();
    (name.to_string(), digits.parse().unwrap_or(1))
}

fn named(name: &str) -> Unit {
    let table = |name: &str| UNITS.iter().find(|(known, ..)| *known == name);
    let of = |&(_, factor, powers): &Row, prefix: f64| Unit {
        factor: factor * prefix,
        powers: powers.iter().map(|&(name, power)| (name.to_string(), power)).collect(),
        text: None,
    };
    if let Some(row) = table(name) {
        return of(row, 1.0);
    }
    let prefixed = PREFIXES.iter().find_map(|(prefix, factor)| Some(of(table(name.strip_prefix(prefix)?)?, *factor)));
    prefixed.unwrap_or_else(|| Unit { factor: 1.0, powers: BTreeMap::from([(name.to_string(), 1)]), text: None })
}

/// The units of names, and those found of expressions.
#[derive(Debug, Default)]
pub(super) struct Units {
    inputs: HashMap<InputId, Unit>,
    known: HashMap<NodeId, Quantity>,
}

impl Units {
    pub fn declare(&mut self, input: InputId, unit: Unit) {
        self.inputs.insert(input, unit);
    }

    /// The unit of an expression. Nodes are made before their users, so children are asked first, without recursion.
    fn of(&mut self, graph: &Graph, root: NodeId) -> Quantity {
        if self.inputs.is_empty() {
            return Quantity::Unknown;
        }
        for id in graph.reachable(&[root]) {
            if !self.known.contains_key(&id) {
                let found = self.derived(graph, id);
                self.known.insert(id, found);
            }
        }
        self.known.get(&root).cloned().unwrap_or(Quantity::Unknown)
    }

    fn derived(&self, graph: &Graph, id: NodeId) -> Quantity {
        let of = |id: &NodeId| self.known.get(id).cloned().unwrap_or(Quantity::Unknown);
        match graph.node(id) {
            Node::Const(_) | Node::Size(_) | Node::Var(_) => Quantity::Number,
            Node::Load(input, _) => self.inputs.get(input).map_or(Quantity::Unknown, |unit| Quantity::Of(unit.clone())),
            Node::Reduce { op: ReduceOp::Sum | ReduceOp::Max | ReduceOp::Min | ReduceOp::Norm, body, .. } => of(body),
            Node::Reduce { .. } => Quantity::Unknown,
            Node::Apply(op, args) => {
                let args: Vec<Quantity> = args.iter().map(of).collect();
                applied(*op, &args)
            }
        }
    }
}

fn applied(op: Op, args: &[Quantity]) -> Quantity {
    use Quantity::{Number, Of, Unknown};
    let power = |a: &Quantity, b: &Quantity, power: i32| match (a, b) {
        (Number, Number) => Number,
        (Unknown, _) | (_, Unknown) => Unknown,
        (Of(a), Number) => Of(a.clone()),
        (Number, Of(b)) => Of(Unit::one().times(b, power)),
        (Of(a), Of(b)) => Of(a.times(b, power)),
    };
    let either = |a: &Quantity, b: &Quantity| if matches!(a, Of(_)) { a.clone() } else { b.clone() };
    match (op, args) {
        (Op::Mul | Op::MulZero, [a, b]) => power(a, b, 1),
        (Op::Div | Op::ZeroDiv, [a, b]) => power(a, b, -1),
        (Op::Square, [a]) => power(a, a, 1),
        (Op::Sqrt, [Of(a)]) => a.root().map_or(Unknown, Of),
        (Op::Add | Op::Sub | Op::Max | Op::Min, [a, b]) | (Op::Select, [_, a, b]) => either(a, b),
        (Op::Neg | Op::Abs | Op::Relu | Op::Floor | Op::Detach | Op::Softplus, [a]) => a.clone(),
        _ => Unknown,
    }
}

/// Functions of plain numbers only.
const PLAIN: &[Op] = &[
    Op::Exp,
    Op::Expm1,
    Op::Log,
    Op::Log1p,
    Op::Sigmoid,
    Op::Tanh,
    Op::Lgamma,
    Op::Digamma,
    Op::Sin,
    Op::Cos,
    Op::Erf,
    Op::Ndtr,
    Op::LogNdtr,
];

/// Parameters that have the variate's unit, to this power.
const LIKE_VARIATE: &[(&str, i32)] =
    &[("mu", 1), ("sigma", 1), ("b", 1), ("s", 1), ("scale", 1), ("variance", 2), ("precision", -2), ("rate", -1)];

impl Elaborator<'_> {
    /// Sums, differences and comparisons need one unit.
    pub(super) fn check_same_unit(&mut self, ctx: &Ctx, a: &Num, b: &Num, ids: (ExprId, ExprId)) {
        let (left, right) = (self.units.of(&self.graph, a.node), self.units.of(&self.graph, b.node));
        let fits = match (&left, &right) {
            (Quantity::Of(a), Quantity::Of(b)) => a.same(b),
            (Quantity::Of(unit), Quantity::Number) => unit.is_plain() || self.graph.as_const(b.node) == Some(0.0),
            (Quantity::Number, Quantity::Of(unit)) => unit.is_plain() || self.graph.as_const(a.node) == Some(0.0),
            _ => true,
        };
        if fits || ctx.unit.trusted {
            return;
        }
        let said = |quantity: &Quantity| match quantity {
            Quantity::Of(unit) if !unit.is_plain() => format!("in {unit}"),
            _ => "a number without unit".to_string(),
        };
        let (x, y) = (self.text(ctx, ids.0), self.text(ctx, ids.1));
        let message = format!("`{x}` is {}, and `{y}` is {}", said(&left), said(&right));
        let place = ctx.unit.ast.expr(ids.0).span.to(ctx.unit.ast.expr(ids.1).span);
        let diagnostic = Diagnostic::new(codes::E0701, self.place(ctx, place), message);
        self.report(diagnostic.help("only values of one unit are added, subtracted or compared"));
    }

    /// `exp`, `log` and their like are functions of numbers.
    pub(super) fn check_plain(&mut self, ctx: &Ctx, callee: &Name, op: Op, argument: &Argument, num: &Num) {
        if ctx.unit.trusted || !PLAIN.contains(&op) {
            return;
        }
        if let Quantity::Of(unit) = self.units.of(&self.graph, num.node)
            && !unit.is_plain()
        {
            let message =
                format!("`{}` takes a number without unit, but `{}` is in {unit}", callee.text, argument.text);
            let diagnostic = Diagnostic::new(codes::E0702, self.place(ctx, argument.span), message);
            self.report(diagnostic.help("divide it by a value of the same unit first"));
        }
    }

    /// Counts have parameters without unit; the parameters of measurements have the unit of what is measured.
    pub(super) fn check_parameter_units(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        params: &[(String, Argument)],
        observed: Option<&Num>,
    ) {
        if ctx.unit.trusted {
            return;
        }
        let counts = def.variates.iter().any(|formal| {
            formal.support.as_ref().is_some_and(|support| matches!(support.name.key.as_str(), "count" | "int" | "bool"))
        });
        let variate = observed.map(|num| self.units.of(&self.graph, num.node));
        for (key, argument) in params {
            let Value::Num(num) = &argument.value else { continue };
            let Quantity::Of(unit) = self.units.of(&self.graph, num.node) else { continue };
            if counts && !unit.is_plain() {
                self.count_with_unit(ctx, &def.name.text, argument, &unit);
                continue;
            }
            let power = LIKE_VARIATE.iter().find(|(name, _)| name == key).map(|(_, power)| *power);
            let (Some(power), Some(Quantity::Of(own))) = (power, &variate) else { continue };
            let wanted = if power == 1 { own.clone() } else { Unit::one().times(own, power) };
            if !wanted.same(&unit) {
                let name = &def.name.text;
                let message = format!(
                    "what `{name}` observes is in {own}, so `{}` should be in {wanted}, and is in {unit}",
                    argument.text
                );
                self.report(Diagnostic::new(codes::E0701, self.place(ctx, argument.span), message));
            }
        }
    }

    fn count_with_unit(&mut self, ctx: &Ctx, dist: &str, argument: &Argument, unit: &Unit) {
        let text = &argument.text;
        let (message, help) = if unit.powers.is_empty() {
            let message = format!("`{text}` hides a factor of {}: its units cancel, their sizes do not", unit.factor);
            (message, "bring both to one unit first".to_string())
        } else if unit.in_base().same(&named("Hz")) {
            let message = format!("`{dist}` counts events, but `{text}` is a rate in {unit}: how long is a window?");
            (message, format!("multiply by the width of the window: `{text} * bin`, with `const bin = 50 ms`"))
        } else {
            (format!("`{dist}` counts events, but `{text}` is in {unit}"), "make it a number without unit".to_string())
        };
        self.report(Diagnostic::new(codes::E0703, self.place(ctx, argument.span), message).help(help));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn units_are_products_of_powers() {
        let same = |a: &str, b: &str| Unit::parse(a).same(&Unit::parse(b));
        assert!(same("km/h", "km·h⁻¹") && same("m/s^2", "m·s⁻²") && same("ms", "ms") && same("1/s", "Hz"));
        assert!(!same("ms", "s") && !same("m", "s") && !same("mm", "ms"));
        // 90 km/h = 25 m/s; 1 eV = 1.602176634e-19 J; 1 min⁻¹ = 1/60 Hz.
        assert!((90.0 * Unit::parse("km/h").factor() - 25.0).abs() < 1e-12);
        assert!((Unit::parse("keV").factor() - 1.602_176_634e-16).abs() < 1e-30);
        assert!((Unit::parse("1/min").factor() * 60.0 - 1.0).abs() < 1e-15);
        assert_eq!(Unit::parse("km/h").to_string(), "km/h");
        assert_eq!(Unit::one().times(&Unit::parse("s"), -1).to_string(), "Hz");
        assert!(same("px", "px") && !same("px", "spikes"));
    }
}
