//! What a program draws, from which log density, and in which order.

use std::collections::{HashMap, HashSet};

use crate::compile::Program;
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{AxisId, Graph, Index, InputId, InputRole, Node, NodeId, ROW, ROWS};
use crate::ir::support::Interval;
use crate::sema::{Factor, Measure, NameInfo, Set, Term, TermKind};
use crate::source::Span;

/// Elements of a name, all drawn from one log density.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The name's input.
    pub input: InputId,
    /// As the program writes it.
    pub text: String,
    /// The term.
    pub span: Span,
    /// The log density.
    pub log: NodeId,
    /// The element drawn, in the log density.
    pub load: NodeId,
    /// Where the density may peak, bend or end.
    pub landmarks: Vec<NodeId>,
    /// The support it is drawn in.
    pub support: Interval,
    /// Single values may have a probability of their own inside the density.
    pub atoms: bool,
    /// The axis whose places are its categories, where only the data say how many there are.
    pub categories: Option<AxisId>,
    /// Depends on other names that are drawn.
    pub dependent: bool,
}

/// The names that are drawn: those left of a bar that nothing gives a value.
pub(super) fn drawn(program: &Program, given: impl Fn(&NameInfo) -> bool) -> HashSet<InputId> {
    let graph = &program.hir.graph;
    let factors = program.hir.terms.iter().flat_map(|term| &term.factors);
    let loads = factors.flat_map(|factor| &factor.variates).flat_map(|(node, _)| inputs(graph, *node));
    let free = |input: &InputId| {
        let info = program.name(*input);
        info.is_some_and(|info| !matches!(info.role, InputRole::Const | InputRole::Seed) && !given(info))
    };
    loads.filter(free).collect()
}

/// The targets, each after those it depends on.
pub(super) fn plan(program: &Program, drawn: &HashSet<InputId>) -> Result<Vec<Target>, Vec<Diagnostic>> {
    let mut targets = Vec::new();
    let mut wrong = Vec::new();
    if program.hir.whole_batch {
        let message = "a program that names the batch has no rows of their own to draw";
        wrong.push(Diagnostic::new(
            codes::E0801,
            program.hir.terms.first().map_or(Span::default(), |t| t.span),
            message,
        ));
        return Err(wrong);
    }
    for term in &program.hir.terms {
        match &term.kind {
            TermKind::Cost => wrong.extend(cost(program, drawn, term)),
            TermKind::Density(_) => {
                for factor in &term.factors {
                    match target(program, drawn, term, factor) {
                        Ok(found) => targets.extend(found),
                        Err(message) => wrong.push(message),
                    }
                }
            }
        }
    }
    if wrong.is_empty() && targets.is_empty() {
        let place = program.hir.terms.first().map_or(Span::default(), |term| term.span);
        let message = "nothing stands left of a bar that could be drawn";
        let help = "a density says what is observed: `poisson(k | λ)` draws k";
        wrong.push(Diagnostic::new(codes::E0801, place, message).help(help));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    ordered(program, targets)
}

/// A cost has no say in what is drawn, unless it is about it.
fn cost(program: &Program, drawn: &HashSet<InputId>, term: &Term) -> Option<Diagnostic> {
    let about = inputs(&program.hir.graph, term.node).into_iter().find(|input| drawn.contains(input))?;
    let name = &program.hir.graph.input(about).name;
    let message =
        format!("this cost is about `{name}`, which is drawn: a cost is no probability, and says nothing of how often");
    let help = format!("write it as a density of `{name}`, or give `{name}` its values");
    Some(Diagnostic::new(codes::E0801, term.span, message).help(help))
}

/// What one factor of a density draws, if anything.
fn target(
    program: &Program,
    drawn: &HashSet<InputId>,
    term: &Term,
    factor: &Factor,
) -> Result<Option<Target>, Diagnostic> {
    let graph = &program.hir.graph;
    let about = |node: NodeId| inputs(graph, node).into_iter().any(|input| drawn.contains(&input));
    if !factor.variates.iter().any(|(node, _)| about(*node)) {
        return Ok(None);
    }
    let refuse = |Refusal { message, help }: Refusal| {
        let diagnostic = Diagnostic::new(codes::E0801, term.span, message);
        help.into_iter().fold(diagnostic, Diagnostic::help)
    };
    let (load, text) = only_variate(factor).map_err(refuse)?;
    let input = drawn_element(graph, load, &text).map_err(refuse)?;
    let (support, categories) = values(program, input, &text).map_err(refuse)?;
    if factor.measure == Measure::Continuous && support.integral {
        let message = format!("`{text}` takes whole numbers only, but its density is one of real numbers");
        let help = format!("declare `{text}` as `real`, or choose a distribution for counts");
        return Err(refuse(Refusal { message, help: Some(help) }));
    }
    Ok(Some(Target {
        input,
        text,
        span: term.span,
        log: factor.log,
        load,
        landmarks: factor.landmarks.clone(),
        support,
        categories,
        atoms: factor.masses,
        dependent: false,
    }))
}

/// Why something is not drawn, and what to do.
struct Refusal {
    message: String,
    help: Option<String>,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Refusal { message, help: None }
    }
}

/// The one variate of a factor that can be drawn from, as written.
fn only_variate(factor: &Factor) -> Result<(NodeId, String), Refusal> {
    let texts: Vec<&str> = factor.variates.iter().map(|(_, text)| text.as_str()).collect();
    let texts = texts.join("`, `");
    match (factor.obstacle, factor.variates.as_slice()) {
        (Some(obstacle), _) => Err(format!("`{texts}` cannot be drawn from {obstacle}").into()),
        (None, [variate]) => Ok(variate.clone()),
        (None, _) => {
            Err(format!("`{texts}` are observed by one density, and only one value at a time is drawn").into())
        }
    }
}

/// The name of which a variate is an element that does not depend on data.
fn drawn_element(graph: &Graph, load: NodeId, text: &str) -> Result<InputId, Refusal> {
    let Node::Load(input, index) = graph.node(load) else {
        let message = format!("`{text}` is an expression: no draw of it says what its names are");
        let help = "declare what the density is about as a name of its own, `data y : real`";
        return Err(Refusal { message, help: Some(help.into()) });
    };
    let fixed = |index: &Index| match index {
        Index::Var(_) => true,
        Index::At(node) => graph.as_const(*node).is_some(),
    };
    if index.iter().all(fixed) {
        Ok(*input)
    } else {
        Err(format!("`{text}` has a computed subscript: which element is drawn depends on data").into())
    }
}

/// The values that an element of a name can have; for categories that are counted by an axis, with that axis.
fn values(program: &Program, input: InputId, text: &str) -> Result<(Interval, Option<AxisId>), Refusal> {
    match program.name(input).map(|info| program.hir.set(info)) {
        Some(Set::Interval(support)) => Ok((support, None)),
        Some(Set::Category { size: Some(size), .. }) => Ok((Interval::integers(0.0, size as f64 - 1.0), None)),
        Some(Set::Category { axis: Some(axis), .. }) => Ok((Interval::COUNT, Some(axis))),
        Some(Set::Category { .. }) => Err(Refusal {
            message: format!("nothing says how many categories `{text}` has"),
            help: Some(format!("declare it: `data {text} : category(3)`")),
        }),
        _ => {
            Err(format!("`{text}` is an element of a vector whose elements hold together, and is not drawn alone")
                .into())
        }
    }
}

/// Topological order, by name: all of a name before what depends on it.
fn ordered(program: &Program, mut targets: Vec<Target>) -> Result<Vec<Target>, Vec<Diagnostic>> {
    let graph = &program.hir.graph;
    let names: HashSet<InputId> = targets.iter().map(|target| target.input).collect();
    let needs = |target: &Target| {
        let others =
            inputs(graph, target.log).into_iter().filter(|other| *other != target.input && names.contains(other));
        others.collect::<Vec<InputId>>()
    };
    targets.iter_mut().for_each(|target| target.dependent = !needs(target).is_empty());
    let mut done: Vec<Target> = Vec::new();
    while !targets.is_empty() {
        let waiting: HashSet<InputId> = targets.iter().map(|target| target.input).collect();
        let (ready, later): (Vec<_>, Vec<_>) =
            targets.into_iter().partition(|target| !needs(target).iter().any(|other| waiting.contains(other)));
        if ready.is_empty() {
            let circle = |target: &Target| {
                let other = needs(target).first().map_or("?", |other| graph.input(*other).name.as_str());
                let message =
                    format!("`{}` depends on `{other}`, and `{other}` on it: neither can be drawn first", target.text);
                Diagnostic::new(codes::E0801, target.span, message)
            };
            return Err(later.iter().take(1).map(circle).collect());
        }
        done.extend(ready);
        targets = later;
    }
    Ok(done)
}

/// The inputs that a node depends on.
pub(super) fn inputs(graph: &Graph, node: NodeId) -> Vec<InputId> {
    let load = |id: &NodeId| match graph.node(*id) {
        Node::Load(input, _) => Some(*input),
        _ => None,
    };
    let mut found: Vec<InputId> = graph.reachable(&[node]).iter().filter_map(load).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A log density as a function of one number: what is drawn becomes `with`, and names drawn once for all rows become names
/// drawn for each.
pub(super) fn replaced(graph: &mut Graph, root: NodeId, with: impl Fn(&mut Graph, NodeId) -> Option<NodeId>) -> NodeId {
    let mut done: HashMap<NodeId, NodeId> = HashMap::new();
    let mut reached = graph.reachable(&[root]);
    reached.sort_unstable();
    for id in reached {
        let new = match with(graph, id) {
            Some(new) => new,
            None => {
                let node = graph.node(id).clone();
                let old = graph.children(&node);
                let children: Vec<NodeId> =
                    old.iter().map(|child| done.get(child).copied().unwrap_or(*child)).collect();
                if children == old { id } else { graph.with_children(&node, &children) }
            }
        };
        done.insert(id, new);
    }
    done.get(&root).copied().unwrap_or(root)
}

/// Inputs that are drawn once get one value a row of the batch, where a row is a draw: the new input of each.
pub(super) fn by_row(graph: &mut Graph, targets: &[Target]) -> HashMap<InputId, InputId> {
    let mut made = HashMap::new();
    for target in targets {
        if graph.input(target.input).per_row() || made.contains_key(&target.input) {
            continue;
        }
        let mut input = graph.input(target.input).clone();
        input.axes.insert(0, ROWS);
        made.insert(target.input, graph.add_input(input));
    }
    made
}

/// The load of a name that is drawn once as that of a name drawn for each row.
pub(super) fn each_row(graph: &mut Graph, id: NodeId, made: &HashMap<InputId, InputId>) -> Option<NodeId> {
    let Node::Load(input, index) = graph.node(id).clone() else { return None };
    let own = made.get(&input)?;
    let index: Vec<Index> = std::iter::once(Index::Var(ROW)).chain(index.iter().copied()).collect();
    Some(graph.load(*own, &index))
}

/// The axes of an input without the rows.
pub(super) fn row_axes(graph: &Graph, input: InputId) -> Vec<AxisId> {
    graph.input(input).axes.iter().copied().filter(|axis| *axis != ROWS).collect()
}
