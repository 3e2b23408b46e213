//! The tree as text, every bracket shown: what `lossc emit --stage ast` prints and the parser's tests compare.
//!
//! One statement a line, expressions as S-expressions. Keeps its own stack, so depth costs no recursion.

use std::borrow::Cow;

use super::ast::{
    Ast, Axis, BinaryOp, Clause, ClauseKind, Declaration, ExprId, ExprKind, Formal, Name, Role, Stmt, StmtKind,
    SupportExpr, UnaryOp,
};
use super::print::reducer_word;

/// The whole tree, one statement or clause a line.
pub fn dump(ast: &Ast) -> String {
    let mut out = String::new();
    for stmt in &ast.stmts {
        statement(ast, stmt, &mut out);
    }
    out
}

/// One expression.
pub fn dump_expr(ast: &Ast, id: ExprId) -> String {
    let mut out = String::new();
    let mut work = vec![Work::Expr(id)];
    while let Some(next) = work.pop() {
        match next {
            Work::Text(text) => out.push_str(&text),
            Work::Expr(id) => {
                let mut parts = Vec::new();
                expression(ast, id, &mut parts);
                work.extend(parts.into_iter().rev());
            }
        }
    }
    out
}

enum Work<'a> {
    Expr(ExprId),
    Text(Cow<'a, str>),
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Work<'a> {
    Work::Text(text.into())
}

fn expression<'a>(ast: &'a Ast, id: ExprId, parts: &mut Vec<Work<'a>>) {
    match &ast.expr(id).kind {
        ExprKind::Number { text: digits, .. } => parts.push(text(digits.as_str())),
        ExprKind::Bool(value) => parts.push(text(value.to_string())),
        ExprKind::Name(name) => parts.push(text(name.key.as_str())),
        ExprKind::Hole => parts.push(text("_")),
        ExprKind::Error => parts.push(text("<error>")),
        ExprKind::Vector(items) => all("[", items, "]", parts),
        ExprKind::Index { base, indices } => {
            parts.extend([text("(index "), Work::Expr(*base)]);
            all(" ", indices, ")", parts);
        }
        ExprKind::Call { callee, variates, args } => {
            parts.push(text(format!("(call {}", callee.key)));
            if let Some(variates) = variates {
                all(" ", variates, " |", parts);
            }
            for arg in args {
                parts.push(text(arg.name.as_ref().map_or_else(|| " ".to_owned(), |name| format!(" {}=", name.key))));
                parts.push(Work::Expr(arg.value));
            }
            parts.push(text(")"));
        }
        ExprKind::Unary(UnaryOp::Neg, operand) => parts.extend([text("(- "), Work::Expr(*operand), text(")")]),
        ExprKind::Unary(UnaryOp::Not, operand) => parts.extend([text("(not "), Work::Expr(*operand), text(")")]),
        ExprKind::Binary { op, lhs, rhs, .. } => {
            let head = text(format!("({} ", operator(*op)));
            parts.extend([head, Work::Expr(*lhs), text(" "), Work::Expr(*rhs), text(")")]);
        }
        ExprKind::If { cond, then, other } => all("(if ", &[*cond, *then, *other], ")", parts),
        ExprKind::Reduce { reducer, binders, cond, body } => {
            let binders: Vec<String> = binders
                .iter()
                .map(|binder| match &binder.axis {
                    Some(over) => format!("{} in {}", binder.name.key, axis(over)),
                    None => binder.name.key.clone(),
                })
                .collect();
            parts.push(text(format!("({} [{}", reducer_word(*reducer), binders.join(", "))));
            if let Some(cond) = cond {
                parts.extend([text(" where "), Work::Expr(*cond)]);
            }
            parts.push(text("]"));
            if let Some(body) = body {
                parts.extend([text(" "), Work::Expr(*body)]);
            }
            parts.push(text(")"));
        }
    }
}

fn all<'a>(open: &'static str, items: &[ExprId], close: &'static str, parts: &mut Vec<Work<'a>>) {
    parts.push(text(open));
    for (position, &item) in items.iter().enumerate() {
        if position > 0 {
            parts.push(text(" "));
        }
        parts.push(Work::Expr(item));
    }
    parts.push(text(close));
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Pow => "^",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}

fn axis(axis: &Axis) -> String {
    match axis {
        Axis::Named(name) => name.key.clone(),
        Axis::Sized(size, _) => size.to_string(),
    }
}

fn statement(ast: &Ast, stmt: &Stmt, out: &mut String) {
    let line = match &stmt.kind {
        StmtKind::Declare(declaration) => declared(ast, declaration),
        StmtKind::Define(name, value) => format!("define {} = {}", name.key, dump_expr(ast, *value)),
        StmtKind::Function(function) => {
            let bar = function.bar.unwrap_or(function.formals.len());
            let before = formals(ast, function.formals.get(..bar).unwrap_or(&[]));
            let after = function.bar.map(|bar| formals(ast, function.formals.get(bar..).unwrap_or(&[])));
            let after = after.map_or_else(String::new, |after| format!(" | {after}"));
            format!("fn {}({before}{after}) = {}", function.name.key, dump_expr(ast, function.body))
        }
        StmtKind::Distribution(distribution) => {
            let (variates, params) = (formals(ast, &distribution.variates), formals(ast, &distribution.params));
            format!("distribution {}({variates} | {params})", distribution.name.key)
        }
        StmtKind::Use(file, _) => format!("use {file:?}"),
        StmtKind::Reduce(reducer, _) => format!("reduce {}", reducer_word(*reducer)),
        StmtKind::Term { label, tilde, body } => {
            let label = label.as_ref().map_or_else(String::new, |label| format!(" {}:", label.key));
            let tilde = tilde.map_or_else(String::new, |tilde| format!(" {} ~", dump_expr(ast, tilde)));
            format!("term{label}{tilde} {}", dump_expr(ast, *body))
        }
        StmtKind::Error => "<error>".to_owned(),
    };
    out.push_str(&line);
    out.push('\n');
    let clauses: &[Clause] = match &stmt.kind {
        StmtKind::Function(function) => &function.clauses,
        StmtKind::Distribution(distribution) => &distribution.clauses,
        _ => &[],
    };
    for clause in clauses {
        out.push_str(&format!("  {}\n", clause_line(ast, clause)));
    }
}

fn clause_line(ast: &Ast, clause: &Clause) -> String {
    match &clause.kind {
        ClauseKind::LogDensity(value) => format!("log density {}", dump_expr(ast, *value)),
        ClauseKind::Or { params, equations, log_density } => {
            let params: Vec<String> = params
                .iter()
                .map(|param| {
                    let domain = domain(ast, param.support.as_ref(), &param.axes);
                    format!("{} = {}{domain}", param.name.key, param.symbol.key)
                })
                .collect();
            let equations: Vec<String> =
                equations.iter().map(|(name, value)| format!("{} = {}", name.key, dump_expr(ast, *value))).collect();
            let density = log_density.map_or_else(String::new, |value| format!(" density {}", dump_expr(ast, value)));
            format!("or {} where {}{density}", params.join(", "), equations.join(", "))
        }
        ClauseKind::Property(name, value) => format!("{} {}", name.key, dump_expr(ast, *value)),
        ClauseKind::Text(name, text) => format!("{} {text:?}", name.key),
        ClauseKind::Instead(name, text) => format!("instead {} when {text:?}", name.key),
        ClauseKind::Example { call, what, number } => {
            format!("example {} has {} {}", dump_expr(ast, *call), what.key, dump_expr(ast, *number))
        }
    }
}

fn declared(ast: &Ast, declaration: &Declaration) -> String {
    let role = match declaration.role {
        Role::Data => "data",
        Role::Predict => "predict",
        Role::Param => "param",
        Role::Const => "const",
    };
    let domain = domain(ast, declaration.support.as_ref(), &declaration.axes);
    let unit = declaration.unit.as_ref().map_or_else(String::new, |unit| format!(" in {}", unit.key));
    let value = declaration.value.map_or_else(String::new, |value| format!(" = {}", dump_expr(ast, value)));
    format!("{role} {}{domain}{unit}{value}", declaration.name.key)
}

fn formals(ast: &Ast, formals: &[Formal]) -> String {
    let formals: Vec<String> = formals
        .iter()
        .map(|formal| {
            let domain = domain(ast, formal.support.as_ref(), &formal.axes);
            let default = formal.default.map_or_else(String::new, |value| format!(" = {}", dump_expr(ast, value)));
            format!("{}{domain}{default}", formal.name.key)
        })
        .collect();
    formals.join(", ")
}

fn domain(ast: &Ast, support: Option<&SupportExpr>, axes: &[Axis]) -> String {
    let support_text = support.map_or_else(String::new, |support| support_text(ast, support));
    let axes_text: Vec<String> = axes.iter().map(axis).collect();
    let axes_text = if axes.is_empty() { String::new() } else { format!("[{}]", axes_text.join(", ")) };
    if support_text.is_empty() && axes_text.is_empty() {
        String::new()
    } else {
        format!(" : {support_text}{axes_text}")
    }
}

fn support_text(ast: &Ast, support: &SupportExpr) -> String {
    let Name { key, .. } = &support.name;
    let args: Vec<String> = support.args.iter().map(|&arg| dump_expr(ast, arg)).collect();
    match support.closed {
        Some((low, high)) => {
            let (open, close) = (if low { "[" } else { "(" }, if high { "]" } else { ")" });
            format!("{key} {open}{}{close}", args.join(", "))
        }
        None if args.is_empty() => key.clone(),
        None => format!("{key}({})", args.join(", ")),
    }
}
