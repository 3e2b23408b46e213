//! What index variables are called in formulas: as the program wrote them, or by letters.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::latex::Latex;
use super::text::Text;
use super::{Style, print};
use crate::ir::graph::{Graph, Index, Node, NodeId, ROW, ROWS, VarId};

/// The letters of index variables, for formulas that belong together.
pub struct Letters(Names);

impl Letters {
    /// Letters for `vars`, in this order, and then for what else occurs in the expressions.
    pub fn of(graph: &Graph, vars: &[VarId], roots: &[NodeId]) -> Letters {
        Letters(Names::of(graph, vars, roots, &[]))
    }

    /// Letters for an expression in which some variables have names already.
    pub fn with(graph: &Graph, named: &[(VarId, String)], root: NodeId) -> Letters {
        Letters(Names::of(graph, &[], &[root], named))
    }

    /// An expression as text, as [`super::to_text`] has it.
    pub fn text(&self, graph: &Graph, root: NodeId) -> String {
        print(graph, root, &self.0, &Text)
    }

    /// An expression as LaTeX, as [`super::to_latex`] has it.
    pub fn latex(&self, graph: &Graph, root: NodeId) -> String {
        print(graph, root, &self.0, &Latex)
    }

    /// The variable's letter.
    pub fn var(&self, var: VarId) -> String {
        self.0.var(var)
    }

    /// A name with its indices, as text and as LaTeX.
    pub fn indexed(&self, name: &str, vars: &[VarId]) -> (String, String) {
        let shown: Vec<String> = vars.iter().filter(|var| self.0.shows(**var)).map(|var| self.var(*var)).collect();
        let load =
            |style: &dyn Style| style.load(name, &shown.iter().map(|var| style.index(var)).collect::<Vec<_>>()).text;
        (load(&Text), load(&Latex))
    }
}

/// Names for the index variables of one expression: those that the program writes, and letters for the others.
#[derive(Clone)]
pub(super) struct Names {
    vars: HashMap<VarId, String>,
    /// Names of inputs, which no index shares.
    inputs: Rc<HashSet<String>>,
    /// Whether several indices run over the rows, so that each has to be seen.
    rows: bool,
}

impl Names {
    /// Names for what `first` and the expressions depend on, in this order, and then for what else occurs in them.
    fn of(graph: &Graph, first: &[VarId], roots: &[NodeId], named: &[(VarId, String)]) -> Names {
        let written = |id| graph.index_name(id);
        let free = roots.iter().flat_map(|&root| graph.free(root).iter().copied());
        let free: Vec<VarId> = first.iter().copied().chain(free).collect();
        Names::by(written, graph, &free, &graph.reachable(roots), named)
    }

    /// The same for the nodes `order`, of which `free` is what the whole depends on and `written` what reducers call
    /// their index.
    pub fn by<'a>(
        written: impl Fn(NodeId) -> Option<&'a str>,
        graph: &Graph,
        free: &[VarId],
        order: &[NodeId],
        named: &[(VarId, String)],
    ) -> Names {
        let inputs: HashSet<String> = graph.inputs().iter().map(|input| input.name.clone()).collect();
        let own = order.iter().filter_map(|&id| written(id));
        let taken: HashSet<&str> = named.iter().map(|(_, name)| name.as_str()).chain(own).collect();
        let mut letters = ["i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "u"]
            .into_iter()
            .filter(|letter| !taken.contains(letter) && !inputs.contains(*letter))
            .map(str::to_string);
        // What the whole depends on comes first in the alphabet.
        let used: Vec<VarId> = free.iter().copied().chain(order.iter().flat_map(|&id| variables(graph, id))).collect();
        let rows = used.iter().any(|&var| var != ROW && graph.var(var).axis == ROWS);
        // A variable that only reducers with written names bind needs no letter.
        let nameless = order.iter().filter(|&&id| written(id).is_none()).filter_map(|&id| bound(graph, id));
        let lettered: HashSet<VarId> = free.iter().copied().chain(nameless).collect();
        let mut vars: HashMap<VarId, String> = named.iter().cloned().collect();
        if !rows {
            vars.insert(ROW, "row".to_string());
        }
        let mut next = 0;
        for var in used.into_iter().filter(|var| lettered.contains(var)) {
            vars.entry(var).or_insert_with(|| {
                letters.next().unwrap_or_else(|| {
                    next += 1;
                    format!("i{next}")
                })
            });
        }
        Names { vars, inputs: inputs.into(), rows }
    }

    /// The names inside a reducer: its index has the one that was written, with a number behind it where that is taken.
    pub fn inside(&self, graph: &Graph, reduction: NodeId, var: VarId) -> Names {
        let mut inside = self.clone();
        if let Some(name) = graph.index_name(reduction) {
            let visible: Vec<String> = graph.free(reduction).iter().map(|&var| self.var(var)).collect();
            let free = |name: &String| !visible.contains(name) && !self.inputs.contains(name);
            let numbered = (2..).map(|number| format!("{name}_{number}"));
            inside.vars.extend(std::iter::once(name.to_string()).chain(numbered).find(free).map(|name| (var, name)));
        }
        inside
    }

    /// Whether a subscript is printed: the row's only where it is not the only one.
    pub fn shows(&self, var: VarId) -> bool {
        var != ROW || self.rows
    }

    pub fn var(&self, var: VarId) -> String {
        self.vars.get(&var).cloned().unwrap_or_else(|| format!("v{}", var.0))
    }
}

/// The variables that a node itself names.
fn variables(graph: &Graph, id: NodeId) -> Vec<VarId> {
    let index = |index: &Index| if let Index::Var(var) = index { Some(*var) } else { None };
    match graph.node(id) {
        Node::Var(var) | Node::Reduce { var, .. } => vec![*var],
        Node::Load(_, indices) => indices.iter().filter_map(index).collect(),
        _ => Vec::new(),
    }
}

fn bound(graph: &Graph, id: NodeId) -> Option<VarId> {
    if let Node::Reduce { var, .. } = graph.node(id) { Some(*var) } else { None }
}
