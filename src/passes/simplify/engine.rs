//! The rewriting engine: from the leaves up, to a fixed point, each node once.
//!
//! It ends whatever the rules do. A node takes at most one step: should rewriting come back to a node whose own form is
//! still being sought, that node stays as it is. Rules that make ever new nodes spend a budget, after which none applies.
//! Either way the result is equal to what came in, only less simplified, and the fault is kept for [`Simplifier::fault`],
//! which fails every debug build and so every test.

use std::collections::{HashMap, HashSet};

use super::{Phase, Rule, facts, rules};
use crate::ir::graph::{Graph, Node, NodeId};

/// One application of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The rule.
    pub rule: &'static Rule,
    /// The node before, its arguments already simplified.
    pub before: NodeId,
    /// The node after, to be simplified further.
    pub after: NodeId,
}

/// Rewriting would not have ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules do not come to an end (last: `{last}`); this is an error in lossc itself")]
pub struct SimplifyError {
    /// The rules of the last steps.
    pub last: String,
}

/// Steps allowed whatever the size.
const FREE_STEPS: usize = 4096;

/// Steps allowed for every node of the expression as it came.
const STEPS_PER_NODE: usize = 64;

/// Simplifies expressions of one graph and remembers what it has seen.
#[derive(Debug)]
pub struct Simplifier {
    rules: Vec<&'static Rule>,
    done: HashMap<NodeId, NodeId>,
    steps: Vec<Step>,
    /// The nodes that have taken their step.
    stepped: HashSet<NodeId>,
    /// The budget is spent: no rule applies any more.
    spent: bool,
    fault: Option<SimplifyError>,
}

enum Task {
    Visit(NodeId),
    /// The arguments are done.
    Finish(NodeId),
    /// The node became another one, which is done now.
    Link(NodeId, NodeId),
}

impl Simplifier {
    /// A simplifier that has seen nothing, with the rules of a phase.
    pub fn new(phase: Phase) -> Simplifier {
        Simplifier::of(rules().filter(|rule| rule.phase.is_none_or(|only| only == phase)))
    }

    /// A simplifier with these rules.
    pub fn of(rules: impl Iterator<Item = &'static Rule>) -> Simplifier {
        Simplifier {
            rules: rules.collect(),
            done: HashMap::new(),
            steps: Vec::new(),
            stepped: HashSet::new(),
            spent: false,
            fault: None,
        }
    }

    /// The first time that rules undid each other or made ever larger expressions: an error in lossc itself.
    pub fn fault(&self) -> Option<&SimplifyError> {
        self.fault.as_ref()
    }

    /// The steps taken so far, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps taken, in order.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// The simplified form of an expression. Ids of one graph only.
    pub fn run(&mut self, graph: &mut Graph, root: NodeId) -> NodeId {
        let mut tasks = vec![Task::Visit(root)];
        let (start, mut budget) = (self.steps.len(), FREE_STEPS);
        while let Some(task) = tasks.pop() {
            match task {
                Task::Visit(id) if self.done.contains_key(&id) => {}
                Task::Visit(id) => {
                    tasks.push(Task::Finish(id));
                    let children = graph.children(graph.node(id));
                    tasks.extend(children.into_iter().filter(|child| !self.done.contains_key(child)).map(Task::Visit));
                }
                Task::Finish(id) if self.done.contains_key(&id) => {}
                Task::Finish(id) => self.finish(graph, id, &mut tasks),
                Task::Link(id, to) => {
                    let to = self.result(to);
                    self.done.insert(id, to);
                }
            }
            if self.steps.len() - start > budget && !self.spent {
                // Counting nodes is worth it only for large expressions.
                budget = FREE_STEPS + STEPS_PER_NODE * graph.reachable(&[root]).len();
                self.spent = self.steps.len() - start > budget;
                if self.spent {
                    self.endless();
                }
            }
        }
        self.result(root)
    }

    fn endless(&mut self) {
        let mut last: Vec<&'static str> = self.steps.iter().rev().take(8).map(|step| step.rule.name).collect();
        last.reverse();
        self.fault.get_or_insert(SimplifyError { last: last.join("`, `") });
    }

    fn result(&self, id: NodeId) -> NodeId {
        self.done.get(&id).copied().unwrap_or(id)
    }

    fn finish(&mut self, graph: &mut Graph, id: NodeId, tasks: &mut Vec<Task>) {
        let rebuilt = self.rebuild(graph, id);
        if rebuilt != id {
            transfer(graph, id, rebuilt);
            if self.done.contains_key(&rebuilt) {
                self.done.insert(id, self.result(rebuilt));
                return;
            }
        }
        graph.refresh_support(rebuilt);
        if let Some(step) = self.step(graph, rebuilt) {
            transfer(graph, rebuilt, step.after);
            tasks.push(Task::Link(id, step.after));
            tasks.push(Task::Link(rebuilt, step.after));
            tasks.push(Task::Visit(step.after));
            return;
        }
        if let Some(fact) = facts::derive(graph, rebuilt) {
            graph.narrow(rebuilt, fact);
        }
        self.done.insert(rebuilt, rebuilt);
        self.done.insert(id, rebuilt);
    }

    /// The step of a node, if a rule applies and the node has not taken one before.
    fn step(&mut self, graph: &mut Graph, id: NodeId) -> Option<Step> {
        if self.spent {
            return None;
        }
        let node = graph.node(id).clone();
        let step = self.rules.iter().filter(|rule| rule.on.admits(&node)).find_map(|&rule| {
            let after = (rule.apply)(graph, id)?;
            (after != id).then_some(Step { rule, before: id, after })
        })?;
        if !self.stepped.insert(id) {
            self.endless();
            return None;
        }
        self.steps.push(step);
        Some(step)
    }

    /// The node with its arguments replaced by their simplified forms.
    fn rebuild(&self, graph: &mut Graph, id: NodeId) -> NodeId {
        let node = graph.node(id).clone();
        let old = graph.children(&node);
        let new: Vec<NodeId> = old.iter().map(|&child| self.result(child)).collect();
        if new == old {
            return id;
        }
        match (&node, new.as_slice()) {
            // With fewer reducers inside, the canonical binder is another one.
            (Node::Reduce { op, var, cond, .. }, [body, rest @ ..]) => {
                graph.reduce(*op, *var, *body, cond.and(rest.first().copied()))
            }
            _ => graph.with_children(&node, &new),
        }
    }
}

/// Equal expressions have equal values: what is known of one is known of the other.
fn transfer(graph: &mut Graph, from: NodeId, to: NodeId) {
    graph.keep_index_name(from, to);
    if graph.as_const(to).is_none() {
        let known = graph.support(from);
        if !known.intersect(graph.support(to)).is_empty() {
            graph.narrow(to, known);
        }
    }
}
