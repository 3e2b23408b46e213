//! Expressions as text: mathematics to read, LaTeX, and the exact listing of a graph.
//!
//! Brackets are minimal: they stand where leaving them out would change the meaning. An expression that would grow
//! beyond [`LIMIT`] characters because its parts are shared is cut at `%12`, the node's id. Depends on `graph` and `op`.

mod latex;
mod text;

pub use latex::name as latex_name;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::graph::{Graph, Index, Node, NodeId, ROW, ROWS, VarId};
use super::op::Op;

/// Length in bytes at which a subexpression is printed by its id.
pub const LIMIT: usize = 16_384;

/// How tightly an expression binds, from a choice to an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Choice,
    Or,
    And,
    Not,
    Compare,
    Sum,
    /// A reducer: its body extends over products.
    Reduction,
    Product,
    Power,
    Atom,
}

/// A printed expression.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    level: Level,
    /// Begins with a minus sign.
    minus: bool,
}

impl Piece {
    fn atom(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), level: Level::Atom, minus: false }
    }
}

/// What differs between text and LaTeX.
trait Style {
    fn constant(&self, value: f64) -> Piece;
    fn load(&self, name: &str, index: &[String]) -> Piece;
    fn size(&self, axis: &str) -> Piece;
    fn apply(&self, graph: &Graph, node: &Node, args: &[&Piece]) -> Piece;
    /// `a ≠ b`, where that is how `not (a == b)` is written.
    fn unequal(&self, _a: &Piece, _b: &Piece) -> Option<Piece> {
        None
    }
    fn reduce(&self, graph: &Graph, node: &Node, var: &str, body: &Piece, cond: Option<&Piece>) -> Piece;
}

/// An expression as text, in the language's spelling where it has one. The row's index is left out where there is but one.
pub fn to_text(graph: &Graph, root: NodeId) -> String {
    Letters::of(graph, &[], &[root]).text(graph, root)
}

/// An expression as LaTeX (math mode). The row's index is left out where there is but one.
pub fn to_latex(graph: &Graph, root: NodeId) -> String {
    Letters::of(graph, &[], &[root]).latex(graph, root)
}

/// The exact listing of a graph: one line a node that is used more than once or ends a root, each
/// `%12 = …` with its support, then `label = …` a root.
pub fn listing(graph: &Graph, roots: &[(String, NodeId)]) -> String {
    let ids: Vec<NodeId> = roots.iter().map(|(_, id)| *id).collect();
    let order = graph.reachable(&ids);
    let names = Names::of(graph, &[], &ids, &order, &[]);
    let mut users: HashMap<NodeId, usize> = HashMap::new();
    for &id in &order {
        graph.children(graph.node(id)).into_iter().for_each(|child| *users.entry(child).or_default() += 1);
    }
    let mut pieces: HashMap<NodeId, Piece> = HashMap::new();
    let mut out = String::new();
    for &id in &order {
        let piece = piece(graph, &names, &text::Exact, id, &pieces);
        let leaf = graph.children(graph.node(id)).is_empty();
        if !leaf && (users.get(&id).is_some_and(|&users| users > 1) || piece.text.len() > 100) {
            let _ = writeln!(out, "%{} = {}  # {}", id.0, piece.text, graph.support(id));
            pieces.insert(id, Piece::atom(format!("%{}", id.0)));
        } else {
            pieces.insert(id, piece);
        }
    }
    for (label, id) in roots {
        let _ = writeln!(out, "{label} = {}", pieces.get(id).map_or("", |piece| piece.text.as_str()));
    }
    out
}

/// The letters of index variables, for formulas that belong together.
pub struct Letters(Names);

impl Letters {
    /// Letters for `vars`, in this order, and then for what else occurs in the expressions.
    pub fn of(graph: &Graph, vars: &[VarId], roots: &[NodeId]) -> Letters {
        Letters(Names::of(graph, vars, roots, &graph.reachable(roots), &[]))
    }

    /// Letters for an expression in which some variables have names already.
    pub fn with(graph: &Graph, named: &[(VarId, String)], root: NodeId) -> Letters {
        Letters(Names::of(graph, &[], &[root], &graph.reachable(&[root]), named))
    }

    /// An expression as text, as [`to_text`] has it.
    pub fn text(&self, graph: &Graph, root: NodeId) -> String {
        print(graph, root, &self.0, &text::Text)
    }

    /// An expression as LaTeX, as [`to_latex`] has it.
    pub fn latex(&self, graph: &Graph, root: NodeId) -> String {
        print(graph, root, &self.0, &latex::Latex)
    }

    /// The variable's letter.
    pub fn var(&self, var: VarId) -> String {
        self.0.var(var)
    }

    /// A name with its indices, as text and as LaTeX.
    pub fn indexed(&self, name: &str, vars: &[VarId]) -> (String, String) {
        let index: Vec<String> = vars.iter().filter(|var| self.0.shows(**var)).map(|var| self.var(*var)).collect();
        (text::Text.load(name, &index).text, latex::Latex.load(name, &index).text)
    }
}

fn print(graph: &Graph, root: NodeId, names: &Names, style: &dyn Style) -> String {
    let order = graph.reachable(&[root]);
    let mut pieces: HashMap<NodeId, Piece> = HashMap::new();
    for &id in &order {
        let mut piece = piece(graph, names, style, id, &pieces);
        if piece.text.len() > LIMIT {
            piece = Piece::atom(format!("%{}", id.0));
        }
        pieces.insert(id, piece);
    }
    pieces.remove(&root).map(|piece| piece.text).unwrap_or_default()
}

fn piece(graph: &Graph, names: &Names, style: &dyn Style, id: NodeId, pieces: &HashMap<NodeId, Piece>) -> Piece {
    let missing = Piece::atom("?");
    let of = |id: NodeId| pieces.get(&id).unwrap_or(&missing);
    match graph.node(id) {
        Node::Const(bits) => style.constant(f64::from_bits(*bits)),
        Node::Var(var) => Piece::atom(names.var(*var)),
        Node::Size(axis) => style.size(graph.axis(*axis).name.as_deref().unwrap_or("?")),
        Node::Load(input, index) => {
            let shown = index.iter().filter(|index| !matches!(index, Index::Var(var) if !names.shows(*var)));
            let index: Vec<String> = shown
                .map(|index| match index {
                    Index::Var(var) => names.var(*var),
                    Index::At(node) => of(*node).text.clone(),
                })
                .collect();
            style.load(&graph.input(*input).name, &index)
        }
        Node::Apply(Op::Not, args)
            if let [arg] = args[..]
                && let Node::Apply(Op::Eq, sides) = graph.node(arg)
                && let [a, b] = sides[..]
                && let Some(piece) = style.unequal(of(a), of(b)) =>
        {
            piece
        }
        node @ Node::Apply(_, args) => {
            let args: Vec<&Piece> = args.iter().map(|&arg| of(arg)).collect();
            style.apply(graph, node, &args)
        }
        node @ Node::Reduce { var, body, cond, .. } => {
            style.reduce(graph, node, &names.var(*var), of(*body), cond.map(of))
        }
    }
}

/// Letters for the index variables of one expression.
struct Names {
    vars: HashMap<VarId, String>,
    /// Whether several indices run over the rows, so that each has to be seen.
    rows: bool,
}

impl Names {
    fn of(graph: &Graph, first: &[VarId], roots: &[NodeId], order: &[NodeId], named: &[(VarId, String)]) -> Names {
        let inputs = graph.inputs().iter().map(|input| input.name.as_str());
        let taken: HashSet<&str> = inputs.chain(named.iter().map(|(_, name)| name.as_str())).collect();
        let mut letters = ["i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "u"]
            .into_iter()
            .filter(|letter| !taken.contains(letter))
            .map(str::to_string);
        // What the whole depends on comes first in the alphabet.
        let free = std::iter::once(first.to_vec()).chain(roots.iter().map(|&root| graph.free(root).to_vec()));
        let inside = order.iter().map(|&id| {
            let used: Vec<VarId> = match graph.node(id) {
                Node::Var(var) | Node::Reduce { var, .. } => vec![*var],
                Node::Load(_, index) => index
                    .iter()
                    .filter_map(|index| if let Index::Var(var) = index { Some(*var) } else { None })
                    .collect(),
                _ => Vec::new(),
            };
            used
        });
        let used: Vec<VarId> = free.chain(inside).flatten().collect();
        let rows = used.iter().any(|&var| var != ROW && graph.var(var).axis == ROWS);
        let mut vars: HashMap<VarId, String> = named.iter().cloned().collect();
        if !rows {
            vars.insert(ROW, "row".to_string());
        }
        let mut next = 0;
        for var in used {
            vars.entry(var).or_insert_with(|| {
                letters.next().unwrap_or_else(|| {
                    next += 1;
                    format!("i{next}")
                })
            });
        }
        Names { vars, rows }
    }

    /// Whether a subscript is printed: the row's only where it is not the only one.
    fn shows(&self, var: VarId) -> bool {
        var != ROW || self.rows
    }

    fn var(&self, var: VarId) -> String {
        self.vars.get(&var).cloned().unwrap_or_else(|| format!("v{}", var.0))
    }
}

#[cfg(test)]
mod tests;
