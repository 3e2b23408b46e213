//! Expressions as text: mathematics to read, LaTeX, and the exact listing of a graph.
//!
//! Brackets are minimal: they stand where leaving them out would change the meaning. An expression that would grow
//! beyond [`LIMIT`] characters because its parts are shared is cut at `%12`, the node's id. Depends on `graph` and `op`.

mod latex;
mod letters;
mod text;

pub use latex::name as latex_name;
pub use letters::Letters;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use self::letters::Names;
use super::graph::{Graph, Index, Node, NodeId, VarId};
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
    /// The name of an index variable.
    fn index(&self, name: &str) -> String {
        name.to_string()
    }
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
    // The listing shows binders as they are.
    let free: Vec<VarId> = ids.iter().flat_map(|&id| graph.free(id).iter().copied()).collect();
    let names = Names::by(|_| None, graph, &free, &order, &[]);
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

fn print(graph: &Graph, root: NodeId, names: &Names, style: &dyn Style) -> String {
    let mut printer = Printer { graph, style, done: HashMap::new() };
    printer.scope(root, names).text
}

/// Prints scope by scope: what a reducer binds has its name only inside.
struct Printer<'a> {
    graph: &'a Graph,
    style: &'a dyn Style,
    /// By the names of the variables that an expression depends on.
    done: HashMap<(NodeId, Vec<String>), Piece>,
}

impl Printer<'_> {
    fn scope(&mut self, root: NodeId, names: &Names) -> Piece {
        let graph = self.graph;
        let key = (root, graph.free(root).iter().map(|&var| names.var(var)).collect());
        if let Some(piece) = self.done.get(&key) {
            return piece.clone();
        }
        let mut pieces: HashMap<NodeId, Piece> = HashMap::new();
        for id in outside_reducers(graph, root) {
            if let Node::Reduce { var, body, cond, .. } = graph.node(id) {
                let inner = names.inside(graph, id, *var);
                let parts: Vec<NodeId> = std::iter::once(*body).chain(*cond).collect();
                let parts: Vec<(NodeId, Piece)> =
                    parts.into_iter().map(|part| (part, self.scope(part, &inner))).collect();
                pieces.insert(id, limited(id, piece(graph, &inner, self.style, id, &parts.into_iter().collect())));
            } else {
                pieces.insert(id, limited(id, piece(graph, names, self.style, id, &pieces)));
            }
        }
        let piece = pieces.remove(&root).unwrap_or_else(|| Piece::atom("?"));
        self.done.insert(key, piece.clone());
        piece
    }
}

fn limited(id: NodeId, piece: Piece) -> Piece {
    if piece.text.len() > LIMIT { Piece::atom(format!("%{}", id.0)) } else { piece }
}

/// The nodes of an expression that are in the scope of no reducer of its own, arguments before users.
fn outside_reducers(graph: &Graph, root: NodeId) -> Vec<NodeId> {
    let (mut seen, mut stack) = (BTreeSet::new(), vec![root]);
    while let Some(id) = stack.pop() {
        if seen.insert(id) && !matches!(graph.node(id), Node::Reduce { .. }) {
            stack.extend(graph.children(graph.node(id)));
        }
    }
    seen.into_iter().collect()
}

fn piece(graph: &Graph, names: &Names, style: &dyn Style, id: NodeId, pieces: &HashMap<NodeId, Piece>) -> Piece {
    let missing = Piece::atom("?");
    let of = |id: NodeId| pieces.get(&id).unwrap_or(&missing);
    match graph.node(id) {
        Node::Const(bits) => style.constant(f64::from_bits(*bits)),
        Node::Var(var) => Piece::atom(style.index(&names.var(*var))),
        Node::Size(axis) => style.size(graph.axis(*axis).name.as_deref().unwrap_or("?")),
        Node::Load(input, index) => {
            let shown = index.iter().filter(|index| !matches!(index, Index::Var(var) if !names.shows(*var)));
            let index: Vec<String> = shown
                .map(|index| match index {
                    Index::Var(var) => style.index(&names.var(*var)),
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
            style.reduce(graph, node, &style.index(&names.var(*var)), of(*body), cond.map(of))
        }
    }
}

#[cfg(test)]
mod tests;
