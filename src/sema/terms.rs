//! Terms: the statements that say what is to be minimised.

use std::sync::Arc;

use super::elaborate::{Definition, Elaborator};
use super::value::{Factor, Kind, Num, Value};
use super::{Term, TermKind};
use crate::diag::{Diagnostic, codes};
use crate::ir::graph::{NodeId, VarId};
use crate::source::Span;
use crate::syntax::ast::{ExprId, StmtKind};

impl Elaborator<'_> {
    /// The program's terms in order.
    pub(super) fn terms(&mut self) -> Vec<Term> {
        let program = Arc::clone(&self.program);
        let mut terms = Vec::new();
        for stmt in &program.ast.stmts {
            let StmtKind::Term { label, tilde, body } = &stmt.kind else { continue };
            if label.as_ref().is_some_and(|label| self.forgotten_role(label, *body)) {
                continue;
            }
            let Some((kind, node, axes, factors)) = self.minimised(*tilde, *body) else { continue };
            if let TermKind::Density(_) = kind {
                self.check_possible(node, program.ast.expr(*body).span);
            }
            let labelled = label.is_some();
            let label = label.as_ref().map_or_else(|| format!("term{}", terms.len() + 1), |name| name.text.clone());
            terms.push(Term { label, labelled, kind, node, axes, factors, span: stmt.span });
        }
        terms
    }

    /// What a term is made of: kind, node, leftover axes, factors.
    fn minimised(
        &mut self,
        tilde: Option<ExprId>,
        body: ExprId,
    ) -> Option<(TermKind, NodeId, Vec<VarId>, Vec<Factor>)> {
        let mut ctx = self.program_ctx();
        if let Some(tilde) = tilde {
            ctx.tilde = Some(self.variates(&ctx, &[tilde])?);
        }
        let place = self.program.ast.expr(body).span;
        match self.eval(&ctx, body) {
            Value::Density(density) => {
                Some((TermKind::Density(Box::new(density.form)), density.log, density.axes, density.factors))
            }
            Value::Num(num) => Some((TermKind::Cost, self.cost(num, place)?, Vec::new(), Vec::new())),
            Value::Mixing(parts) => {
                self.incomplete_mixture(&parts, place);
                None
            }
            Value::Dist(dist) => {
                self.missing_variate(&dist, place);
                None
            }
            Value::Error => None,
        }
    }

    /// A density that is 0 whatever is observed says nothing.
    fn check_possible(&mut self, node: NodeId, place: Span) {
        let condition = super::inside::inside(&mut self.graph, node);
        if self.graph.as_const(condition) == Some(0.0) {
            let message = "nothing can be observed here: the density is 0 everywhere";
            let help = "its bounds leave no value between them: the lower one must be below the upper one, and both where \
                        the distribution has values";
            self.report(Diagnostic::new(codes::E0204, place, message).help(help));
        }
    }

    fn cost(&mut self, num: Num, place: Span) -> Option<NodeId> {
        if num.kind == Kind::Bool {
            let message = "a condition is not a cost: this is true or false, and a term is a number";
            self.report(
                Diagnostic::new(codes::E0504, place, message).help("write `if … then … else …`, or `sum[i where …] …`"),
            );
            return None;
        }
        if num.axes.is_empty() {
            return Some(num.node);
        }
        let text = self.program.source.slice(place).to_string();
        let axes = self.axes_text(&num.axes);
        let message = format!("a cost is one number a row, but this is an array over {axes}");
        let mut diagnostic = Diagnostic::new(codes::E0403, place, message).note(axes);
        for reducer in ["sum", "mean"] {
            diagnostic = diagnostic.fix(format!("{reducer}({text}) adds it up"), place, format!("{reducer}({text})"));
        }
        self.report(diagnostic);
        None
    }

    pub(super) fn report_no_term(&mut self) {
        let end = self.program.source.text.len();
        let message = "the program has no term: nothing says what is to be minimised";
        let density = |(_, key): &&(String, String)| {
            matches!(self.definitions.get(key), Some(Definition::Done(Value::Density(_))))
        };
        let help = match self.defined.iter().rfind(density) {
            Some((name, _)) => format!("`{name} = …` only names it: a term has a colon, `{name}: …`"),
            None => match self.defined.last() {
                Some((name, _)) => {
                    format!("`{name} = …` only names a value: to minimise it, write `{name}` on a line of its own")
                }
                None => "add a likelihood, such as `poisson(k | λ)`, or a cost".into(),
            },
        };
        self.report(Diagnostic::new(codes::E0606, Span::new(end, end), message).help(help));
    }
}
