//! In which directions learned parameters can move while the loss stays as it is.
//!
//! Every parameter may move at a constant rate, all of its elements alike: by a *shift* s and a *scale* t, da = s + t·a.
//! Both are unknown. A node that moves in such a way, df = s + t·f, has an s and a t that are linear in those of the
//! parameters; one that does not is asked to stand still, which is a linear equation. The loss stands still too, and
//! what solves all equations is a symmetry: every rule is an identity, so each one found is real, while one that needs
//! more than these rules is not found. Depends on `ir` alone.

use std::collections::{BTreeMap, HashMap};

use crate::ir::graph::{Graph, Index, InputId, Node, NodeId};
use crate::ir::op::{Op, ReduceOp};

/// What is smaller than this, as a part of what it is the sum of, is what rounding has left of 0.
const ROUNDING: f64 = 1e-9;

/// What a parameter may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freedom {
    /// The parameter.
    pub input: InputId,
    /// Its elements may all be shifted by one number.
    pub shift: bool,
    /// They may all be multiplied by one number.
    pub scale: bool,
}

/// How a parameter moves in a symmetry: s and t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Motion {
    pub input: InputId,
    pub shift: f64,
    pub scale: f64,
}

/// A basis of the symmetries of the nodes `roots`: in each, the parameters that move.
pub(super) fn symmetries(graph: &Graph, roots: &[NodeId], free: &[Freedom]) -> Vec<Vec<Motion>> {
    let mut moves = Moves { graph, equations: Equations::default(), of: HashMap::new(), columns: HashMap::new() };
    for (at, freedom) in free.iter().enumerate() {
        moves.columns.insert(freedom.input, 2 * at);
        for (column, may) in [(2 * at, freedom.shift), (2 * at + 1, freedom.scale)] {
            if !may {
                moves.equations.vanishes(&Linear::unknown(column));
            }
        }
    }
    for id in graph.reachable(roots) {
        let found = moves.derive(graph.node(id));
        moves.of.insert(id, found);
    }
    moves.still(roots);
    let motions = |solution: BTreeMap<usize, f64>| {
        let rate = |column: usize| solution.get(&column).copied().unwrap_or_default();
        let all = free.iter().enumerate().map(|(at, freedom)| Motion {
            input: freedom.input,
            shift: rate(2 * at),
            scale: rate(2 * at + 1),
        });
        all.filter(|motion| motion.shift != 0.0 || motion.scale != 0.0).collect()
    };
    moves.equations.solutions(2 * free.len()).into_iter().map(motions).collect()
}

/// A linear form in the unknowns; columns without a coefficient have 0.
#[derive(Clone, Debug, Default)]
struct Linear(BTreeMap<usize, f64>);

impl Linear {
    fn unknown(column: usize) -> Self {
        Linear(BTreeMap::from([(column, 1.0)]))
    }

    /// self + factor·other
    fn plus(mut self, factor: f64, other: &Linear) -> Self {
        for (&column, &coefficient) in &other.0 {
            let (before, added) = (self.0.remove(&column).unwrap_or_default(), factor * coefficient);
            if (before + added).abs() > ROUNDING * before.abs().max(added.abs()) {
                self.0.insert(column, before + added);
            }
        }
        self
    }

    fn times(&self, factor: f64) -> Self {
        Linear::default().plus(factor, self)
    }
}

/// Linear forms that are 0, each solved for its first unknown, which no other has.
#[derive(Debug, Default)]
struct Equations(BTreeMap<usize, Linear>);

impl Equations {
    /// The form without the unknowns that are solved for.
    fn reduce(&self, form: &Linear) -> Linear {
        let solved = form.0.iter().filter_map(|(column, factor)| Some((*factor, self.0.get(column)?)));
        solved.fold(form.clone(), |form, (factor, row)| form.plus(-factor, row))
    }

    fn vanishes(&mut self, form: &Linear) {
        let form = self.reduce(form);
        let Some((&first, &leading)) = form.0.first_key_value() else { return };
        let row = form.times(1.0 / leading);
        for other in self.0.values_mut() {
            let factor = other.0.get(&first).copied().unwrap_or_default();
            *other = std::mem::take(other).plus(-factor, &row);
        }
        self.0.insert(first, row);
    }

    /// A basis of what solves them: one solution for each unknown that is left free.
    fn solutions(&self, unknowns: usize) -> Vec<BTreeMap<usize, f64>> {
        let of = |free: usize| {
            let dependent = self.0.iter().filter_map(|(&column, row)| Some((column, -row.0.get(&free)?)));
            dependent.chain([(free, 1.0)]).collect()
        };
        (0..unknowns).filter(|column| !self.0.contains_key(column)).map(of).collect()
    }
}

/// How a node moves: df = shift + scale·f.
#[derive(Clone, Debug, Default)]
struct Move {
    shift: Linear,
    scale: Linear,
}

struct Moves<'a> {
    graph: &'a Graph,
    equations: Equations,
    of: HashMap<NodeId, Move>,
    /// The unknown shift of each parameter; its scale is the next one.
    columns: HashMap<InputId, usize>,
}

impl Moves<'_> {
    fn at(&self, id: NodeId) -> Move {
        let Move { shift, scale } = self.of.get(&id).cloned().unwrap_or_default();
        Move { shift: self.equations.reduce(&shift), scale: self.equations.reduce(&scale) }
    }

    /// These stand still, and so does what is made of them.
    fn still(&mut self, ids: &[NodeId]) -> Move {
        for &id in ids {
            self.only_scaled(id);
            self.only_shifted(id);
        }
        Move::default()
    }

    fn only_scaled(&mut self, id: NodeId) -> Linear {
        let Move { shift, scale } = self.at(id);
        self.equations.vanishes(&shift);
        scale
    }

    fn only_shifted(&mut self, id: NodeId) -> Linear {
        let Move { shift, scale } = self.at(id);
        self.equations.vanishes(&scale);
        shift
    }

    /// Two that move alike.
    fn alike(&mut self, a: NodeId, b: NodeId) -> Move {
        let (first, second) = (self.at(a), self.at(b));
        self.equations.vanishes(&first.shift.plus(-1.0, &second.shift));
        self.equations.vanishes(&first.scale.plus(-1.0, &second.scale));
        second
    }

    /// a + sign·b: both grow at one rate.
    fn sum(&mut self, a: NodeId, sign: f64, b: NodeId) -> Move {
        let (a, b) = (self.at(a), self.at(b));
        self.equations.vanishes(&b.scale.clone().plus(-1.0, &a.scale));
        Move { shift: a.shift.plus(sign, &b.shift), scale: a.scale }
    }

    /// a·bᵖ, p = ±1
    fn product(&mut self, a: NodeId, power: f64, b: NodeId) -> Move {
        let (a, b) = (self.only_scaled(a), self.only_scaled(b));
        Move { shift: Linear::default(), scale: a.plus(power, &b) }
    }

    fn multiple(&self, factor: f64, id: NodeId) -> Move {
        let Move { shift, scale } = self.at(id);
        Move { shift: shift.times(factor), scale }
    }

    fn power(&mut self, id: NodeId, exponent: f64) -> Move {
        Move { shift: Linear::default(), scale: self.only_scaled(id).times(exponent) }
    }

    fn derive(&mut self, node: &Node) -> Move {
        match node {
            Node::Const(_) | Node::Var(_) | Node::Size(_) => Move::default(),
            Node::Load(input, index) => {
                let at: Vec<NodeId> =
                    index.iter().filter_map(|at| if let Index::At(id) = at { Some(*id) } else { None }).collect();
                self.still(&at);
                self.columns.get(input).map_or_else(Move::default, |&column| Move {
                    shift: Linear::unknown(column),
                    scale: Linear::unknown(column + 1),
                })
            }
            Node::Apply(op, args) => self.applied(*op, args),
            Node::Reduce { op, body, cond, .. } => {
                cond.iter().for_each(|&cond| {
                    self.still(&[cond]);
                });
                self.reduced(*op, *body)
            }
        }
    }

    fn applied(&mut self, op: Op, args: &[NodeId]) -> Move {
        let number = |id: NodeId| self.graph.as_const(id).filter(|number| number.is_finite());
        match (op, args) {
            (Op::Neg, [a]) => self.multiple(-1.0, *a),
            (Op::Add, [a, b]) => self.sum(*a, 1.0, *b),
            (Op::Sub, [a, b]) => self.sum(*a, -1.0, *b),
            (Op::Mul | Op::MulZero, [a, b]) => match (number(*a), number(*b)) {
                (Some(factor), _) => self.multiple(factor, *b),
                (_, Some(factor)) => self.multiple(factor, *a),
                _ => self.product(*a, 1.0, *b),
            },
            (Op::Div | Op::ZeroDiv, [a, b]) => match number(*b) {
                Some(divisor) if divisor != 0.0 => self.multiple(1.0 / divisor, *a),
                _ => self.product(*a, -1.0, *b),
            },
            (Op::Pow, [a, b]) => match number(*b) {
                Some(exponent) => self.power(*a, exponent),
                None => self.still(args),
            },
            (Op::Square, [a]) => self.power(*a, 2.0),
            (Op::Sqrt, [a]) => self.power(*a, 0.5),
            (Op::Abs | Op::Relu, [a]) => self.power(*a, 1.0),
            (Op::Exp, [a]) => Move { shift: Linear::default(), scale: self.only_shifted(*a) },
            (Op::Log, [a]) => Move { shift: self.only_scaled(*a), scale: Linear::default() },
            (Op::LogAddExp, [a, b]) => {
                self.only_shifted(*a);
                self.alike(*a, *b)
            }
            (Op::Min | Op::Max, [a, b]) => self.alike(*a, *b),
            (Op::Lt | Op::Le | Op::Eq, [a, b]) => {
                self.alike(*a, *b);
                Move::default()
            }
            (Op::Select, [test, a, b]) => {
                self.still(&[*test]);
                self.alike(*a, *b)
            }
            _ => self.still(args),
        }
    }

    fn reduced(&mut self, op: ReduceOp, body: NodeId) -> Move {
        match op {
            ReduceOp::Sum => Move { shift: Linear::default(), scale: self.only_scaled(body) },
            ReduceOp::Max | ReduceOp::Min => self.at(body),
            ReduceOp::LogSumExp => Move { shift: self.only_shifted(body), scale: Linear::default() },
            // The length of a vector is often left open on purpose, where only its direction is used.
            ReduceOp::Norm | ReduceOp::Prod | ReduceOp::ArgMax | ReduceOp::ArgMin => self.still(&[body]),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use crate::sema::{Options, analyze};
    use crate::source::{NoFiles, Source};

    /// The warnings that parameters are not determined.
    fn warnings(program: &str) -> Vec<String> {
        let analysis = analyze(&Source::new("test", program), &NoFiles, &Options::default());
        assert!(analysis.is_ok(), "{program}: {:?}", analysis.diagnostics);
        analysis.diagnostics.into_iter().filter(|found| found.code.0 == "W0109").map(|found| found.message).collect()
    }

    #[test]
    fn what_can_move_without_changing_the_loss() {
        let shifted = "adding one number to every element of `b` changes nothing, so the data cannot say where it lies";
        for (program, expected) in [
            ("param b : real[K]\ncategorical(y | softmax(b))", shifted),
            ("param b : real[K]\nterm: log_softmax(2·b)[0]", shifted),
            (
                "data x : real[m]\nparam W : real[K, m]\nparam b : real[K]\ncategorical(y | logits = dot(W, x) + b)",
                shifted,
            ),
            // Bradley and Terry: who wins depends on differences of strength.
            (
                "param b : real[P]\ndata i : category\ndata j : category\ndata w : bool\nbernoulli(w | logit = b[i] - b[j])",
                shifted,
            ),
            (
                "param a : real\nabs(x)·(a - a + x²)",
                "adding one number to `a` changes nothing, so the data cannot say where it lies",
            ),
            (
                "param a : positive\nlog(a·x² + a) - log(a)",
                "multiplying `a` by one number changes nothing, so the data cannot say how large it is",
            ),
            (
                "param a : real\nparam b : real\nnormal(x | max(a, 2·u + a) - b, 1)",
                "`a` and `b` can move together without changing the loss, so the data cannot tell them apart",
            ),
            (
                "param a : real\nparam b : positive\nparam c : real\nnormal(x | c·exp(3·a)/√b, 1)\nnormal(c | 0, 1) ^ (1/rows)",
                "`a` and `b` can move together without changing the loss, so the data cannot tell them apart",
            ),
        ] {
            assert_eq!(warnings(program), [expected], "{program}");
        }
    }

    #[test]
    fn what_is_determined() {
        for program in [
            // A prior, or a second use, tells them apart.
            "param b : real[K]\ncategorical(y | softmax(b))\nnormal(b | 0, 1) ^ (1/rows)",
            "param a : real\nparam b : real\nnormal(x | (a + b)·u, 1)\nnormal(z | a - b, 1)",
            "param a : real\nparam b : real\nnormal(x | a + b·u, 1)",
            "param a : real\nparam b : real\nnormal(x | a·u + b·v, 1)",
            // exp(a) scales with e^c where b is shifted by c.
            "param a : real\nparam b : real\nnormal(x | exp(a) + b, 1)",
            "param a : real\nparam b : positive\nnormal(x | a, b)",
            "param w : simplex[K]\nparam m : real[K]\nparam s : positive\n∑[k] w[k] * normal(x | m[k], s + 0.1)",
            "param cuts : ordered[K]\nordered_logistic(y | η, cuts)",
            // The first category has the logit 0.
            "param a : real\nparam b : real\ncategorical(y | softmax([0, a, b]))",
            "predict η : real[K]\nparam τ : positive\ncategorical(y | logits = η/τ)",
            // Networks have more freedom than they need, and prototypes are compared by direction alone.
            "predict η : real[K]\ncategorical(y | logits = η)",
            "predict z : real[m]\nparam w : real[K, m]\ncategorical(y | logits = 10·dot(l2_normalize(w), l2_normalize(z)))",
            // Small is not 0.
            "param a : real\nnormal(x | 1e-12·a, 1)",
            "param a : real\nnormal(x | (1 + 1e-7)·a - a, 1)",
            "param a : real\n(x - a)² + detach(a) - a",
        ] {
            assert_eq!(warnings(program), [""; 0], "{program}");
        }
    }
}
