//! The parameterisations of a distribution: what its definition says of each, and which one a call means.

use super::calls::{Argument, plural};
use super::elaborate::{Ctx, Elaborator};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::ast::{ClauseKind, DistDef, ExprId, Formal, Name};

impl Elaborator<'_> {
    /// Which parameterisation the names choose: `None` the main one, else an `or` clause. `bar`: whether something is
    /// known to be observed.
    pub(super) fn parameterisation(
        &mut self,
        ctx: &Ctx,
        def: &DistDef,
        arguments: &[Argument],
        callee: &Name,
        span: Span,
        bar: bool,
    ) -> Option<Option<usize>> {
        let given: Vec<&str> = arguments.iter().filter_map(|a| a.name.as_ref().map(|name| name.key.as_str())).collect();
        let positional = arguments.len() - given.len();
        if let Some((via, _)) = form_that_fits(def, &given, positional) {
            return Some(via);
        }
        let forms = forms_of(def);
        let mut known: Vec<(&str, &str)> = Vec::new();
        for key in forms.iter().flat_map(|(_, names)| names) {
            if !known.iter().any(|(other, _)| other == key) {
                known.push((key, shown(def, key)));
            }
        }
        let unknown = |name: &&Name| !known.iter().any(|(key, _)| *key == name.key);
        if let Some(wrong) = arguments.iter().filter_map(|a| a.name.as_ref()).find(unknown) {
            self.unknown_parameter(ctx, callee, wrong, &known);
            return None;
        }
        let listed = |names: &Vec<String>| names.iter().map(|key| shown(def, key)).collect::<Vec<_>>().join(", ");
        let ways: Vec<String> = forms.iter().map(|(_, names)| format!("({})", listed(names))).collect();
        let message = format!(
            "these are not the parameters of `{}`: {} given",
            callee.text,
            plural(arguments.len(), "parameter")
        );
        let mut diagnostic = Diagnostic::new(codes::E0303, self.place(ctx, span), message);
        if let Some((observed, fixed)) = self.missing_bar(ctx, def, &forms, arguments, bar) {
            diagnostic = diagnostic.fix("what is observed stands left of a bar", observed, fixed);
        }
        self.report(diagnostic.help(format!("it takes {}", ways.join(" or "))));
        None
    }

    /// `normal(x, μ, σ)`: the place of the comma that should be a bar.
    fn missing_bar(
        &self,
        ctx: &Ctx,
        def: &DistDef,
        forms: &[(Option<usize>, Vec<String>)],
        arguments: &[Argument],
        bar: bool,
    ) -> Option<(Span, &'static str)> {
        let observed = def.variates.len();
        let fits = forms.iter().any(|(_, names)| names.len() + observed == arguments.len());
        if bar || !fits || ctx.call.is_some() {
            return None;
        }
        let (last, next) = (arguments.get(observed.checked_sub(1)?)?, arguments.get(observed)?);
        if last.name.is_some() || next.name.is_some() {
            return None;
        }
        let (from, to) = (last.span.end as usize, next.span.start as usize);
        Some((Span::new(from, to), " | "))
    }

    pub(super) fn name_arguments(
        &self,
        def: &DistDef,
        via: Option<usize>,
        arguments: Vec<Argument>,
    ) -> Vec<(String, Argument)> {
        let names = forms_of(def).into_iter().find(|(form, _)| *form == via).map_or_else(Vec::new, |(_, names)| names);
        let mut rest = names.iter();
        let named = arguments.into_iter().map(|argument| {
            let key = match &argument.name {
                Some(name) => name.key.clone(),
                None => rest.next().cloned().unwrap_or_default(),
            };
            (key, argument)
        });
        named.collect()
    }
}

/// The formula of the log density that a parameterisation states for itself.
pub(super) fn own_formula(def: &DistDef, via: Option<usize>) -> Option<ExprId> {
    match &def.clauses.get(via?)?.kind {
        ClauseKind::Or { log_density, .. } => *log_density,
        _ => None,
    }
}

/// The log density as a book writes it.
pub(super) fn textbook_formula(def: &DistDef) -> Option<ExprId> {
    def.clauses.iter().find_map(|clause| match clause.kind {
        ClauseKind::LogDensity(id) => Some(id),
        _ => None,
    })
}

/// The formula that is computed: the parameterisation's own, the one that keeps its digits, or the textbook's.
pub(super) fn formula(def: &DistDef, via: Option<usize>) -> Option<ExprId> {
    let stable = || {
        def.clauses.iter().find_map(|clause| match &clause.kind {
            ClauseKind::Property(name, id) if name.key == "stable" => Some(*id),
            _ => None,
        })
    };
    own_formula(def, via).or_else(stable).or_else(|| textbook_formula(def))
}

/// The parameterisations: which clause, and the names of its parameters in order.
pub(super) fn forms_of(def: &DistDef) -> Vec<(Option<usize>, Vec<String>)> {
    let main: Vec<String> = def.params.iter().map(|formal| formal.name.key.clone()).collect();
    let mut forms = vec![(None, main.clone())];
    for (at, clause) in def.clauses.iter().enumerate() {
        if let ClauseKind::Or { params, equations, .. } = &clause.kind {
            let own = params.iter().map(|param| param.name.key.clone());
            let kept = main.iter().filter(|name| !equations.iter().any(|(equation, _)| equation.key == **name));
            // A parameter named again keeps its place among the clause's own.
            let own: Vec<String> = own.collect();
            let kept: Vec<String> = kept.filter(|name| !own.contains(name)).cloned().collect();
            // What is kept comes in the main order around what replaces the rest.
            let first_replaced = main.iter().position(|name| !kept.contains(name)).unwrap_or(main.len());
            let (before, after) = kept.split_at(first_replaced.min(kept.len()));
            forms.push((Some(at), before.iter().chain(&own).chain(after).cloned().collect()));
        }
    }
    forms
}

/// The parameterisation that takes parameters of these names and so many before them.
pub(super) fn form_that_fits(def: &DistDef, given: &[&str], positional: usize) -> Option<(Option<usize>, Vec<String>)> {
    forms_of(def).into_iter().find(|(_, names)| {
        names.len() == given.len() + positional
            && given.iter().all(|name| names.iter().any(|known| known == name))
            && names.iter().take(positional).all(|name| !given.contains(&name.as_str()))
    })
}

/// The formal behind a parameter's name in a parameterisation, under the symbol its equations use.
pub(super) fn formal_named(def: &DistDef, via: Option<usize>, key: &str) -> Option<Formal> {
    if let Some(ClauseKind::Or { params, .. }) = via.and_then(|at| def.clauses.get(at)).map(|clause| &clause.kind)
        && let Some(param) = params.iter().find(|param| param.name.key == key)
    {
        return Some(Formal {
            name: param.symbol.clone(),
            support: param.support.clone(),
            axes: param.axes.clone(),
            default: None,
        });
    }
    def.params.iter().find(|formal| formal.name.key == key).cloned()
}

/// A parameter's name as its file spells it.
pub(super) fn shown<'a>(def: &'a DistDef, key: &'a str) -> &'a str {
    let own = def.params.iter().map(|formal| &formal.name);
    let other = def.clauses.iter().flat_map(|clause| match &clause.kind {
        ClauseKind::Or { params, .. } => params.as_slice(),
        _ => &[],
    });
    let mut names = own.chain(other.map(|param| &param.name));
    names.find(|name| name.key == key).map_or(key, |name| name.text.as_str())
}
