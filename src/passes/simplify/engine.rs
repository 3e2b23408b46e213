//! The rewriting engine: from the leaves up, to a fixed point, each node once.

use std::collections::HashMap;

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

/// Rewriting does not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules do not come to an end (last: `{last}`); this is an error in lossc itself")]
pub struct SimplifyError {
    /// The rules that spent the last steps.
    pub last: String,
}

/// Steps allowed whatever the size.
const FREE_STEPS: usize = 4096;

/// Steps allowed for every node of the expression as it came.
const STEPS_PER_NODE: usize = 64;

/// Simplifies expressions of one graph and remembers what it has seen.
#[derive(Debug)]
pub struct Simplifier {
    phase: Phase,
    done: HashMap<NodeId, NodeId>,
    steps: Vec<Step>,
}

enum Task {
    Visit(NodeId),
    /// The arguments are done.
    Finish(NodeId),
    /// The node became another one, which is done now.
    Link(NodeId, NodeId),
}

impl Simplifier {
    /// A simplifier that has seen nothing.
    pub fn new(phase: Phase) -> Simplifier {
        Simplifier { phase, done: HashMap::new(), steps: Vec::new() }
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
    ///
    /// # Errors
    /// The step budget ran out.
    pub fn run(&mut self, graph: &mut Graph, root: NodeId) -> Result<NodeId, SimplifyError> {
        let mut tasks = vec![Task::Visit(root)];
        let start = self.steps.len();
        let mut budget = FREE_STEPS;
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
            if self.steps.len() - start > budget {
                // Counting nodes is worth it only for large expressions.
                budget = FREE_STEPS + STEPS_PER_NODE * graph.reachable(&[root]).len();
                if self.steps.len() - start > budget {
                    return Err(self.endless());
                }
            }
        }
        Ok(self.result(root))
    }

    fn endless(&self) -> SimplifyError {
        let mut last: Vec<&'static str> = self.steps.iter().rev().take(8).map(|step| step.rule.name).collect();
        last.reverse();
        SimplifyError { last: last.join("`, `") }
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
        if let Some(step) = first_step(graph, rebuilt, self.phase) {
            transfer(graph, rebuilt, step.after);
            self.steps.push(step);
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
    if graph.as_const(to).is_none() {
        let known = graph.support(from);
        if !known.intersect(graph.support(to)).is_empty() {
            graph.narrow(to, known);
        }
    }
}

fn first_step(graph: &mut Graph, id: NodeId, phase: Phase) -> Option<Step> {
    let node = graph.node(id).clone();
    rules().filter(|rule| rule.on.admits(&node) && rule.phase.is_none_or(|only| only == phase)).find_map(|rule| {
        let after = (rule.apply)(graph, id)?;
        (after != id).then_some(Step { rule, before: id, after })
    })
}
