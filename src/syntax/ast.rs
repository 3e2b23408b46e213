//! The syntax tree: an arena of expressions and a list of statements, with spans into the source.
//!
//! Trees are flat (`ExprId` into a vector), so walking and dropping them needs no recursion that the input
//! controls: every expression stands after its parts (`child.0 < parent.0`), so one pass over [`Ast::exprs`]
//! sees parts before wholes. Names are kept as written (after NFC) together with their canonical ASCII form, by which they
//! compare.

use crate::source::Span;

/// An expression in [`Ast::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// A name: what was written, and the ASCII form by which names compare (`λ` and `lambda` are one name).
#[derive(Clone, Debug)]
pub struct Name {
    /// As written, NFC.
    pub text: String,
    /// Canonical ASCII form.
    pub key: String,
    /// Where.
    pub span: Span,
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands: brackets around it excluded, brackets around its parts included, so that the text under
    /// it is an expression by itself.
    pub span: Span,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `not c`
    Not,
}

/// Binary operators. Chains are folded to the left, powers to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`, `·`
    Mul,
    /// `/`
    Div,
    /// `^` and superscript digits
    Pow,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `and`
    And,
    /// `or`
    Or,
}

/// Reducers over a bound index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reducer {
    /// `sum`, `∑`
    Sum,
    /// `prod`, `∏`
    Prod,
    /// `mean`
    Mean,
    /// `max`
    Max,
    /// `min`
    Min,
    /// `logsumexp`
    LogSumExp,
    /// `count`
    Count,
    /// `any`
    Any,
    /// `all`
    All,
}

/// One bound index of a reducer: `i`, or `i in N`.
#[derive(Clone, Debug)]
pub struct Binder {
    /// The index name.
    pub name: Name,
    /// The axis it runs over when that is given.
    pub axis: Option<Axis>,
}

/// An axis as written in brackets: a name or a size.
#[derive(Clone, Debug)]
pub enum Axis {
    /// `N`, `batch`
    Named(Name),
    /// `3`
    Sized(u64, Span),
}

/// A call's argument: `x`, or `mean = x`.
#[derive(Clone, Debug)]
pub struct Arg {
    /// The parameter's name when given.
    pub name: Option<Name>,
    /// The value.
    pub value: ExprId,
}

/// Expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number, already parsed (`1e400` is a diagnostic, not infinity), with its text for exact decimals.
    Number {
        /// The value.
        value: f64,
        /// As written, underscores removed.
        text: String,
    },
    /// `true`, `false`
    Bool(bool),
    /// A bare name: variable, `π`, `inf`, axis size, index.
    Name(Name),
    /// `_`, the variate's place.
    Hole,
    /// `[a, b, c]`
    Vector(Vec<ExprId>),
    /// `x[i, j]`
    Index {
        /// What is indexed.
        base: ExprId,
        /// The subscripts.
        indices: Vec<ExprId>,
    },
    /// `f(a, b)`, `f x`, `√x`, `‖v‖` (as `norm`).
    Call {
        /// The function or distribution.
        callee: Name,
        /// Left of `|`; `None` when there is no bar.
        variates: Option<Vec<ExprId>>,
        /// Right of the bar, or all arguments when there is none.
        args: Vec<Arg>,
    },
    /// Prefix operators.
    Unary(UnaryOp, ExprId),
    /// Infix operators.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        lhs: ExprId,
        /// Right operand.
        rhs: ExprId,
    },
    /// `if c then a else b`
    If {
        /// The condition.
        cond: ExprId,
        /// Value when true.
        then: ExprId,
        /// Value when false.
        other: ExprId,
    },
    /// `sum[i in N, j where c] body`; `count[i where c]` has no body.
    Reduce {
        /// Which.
        reducer: Reducer,
        /// Bound indices, outermost first.
        binders: Vec<Binder>,
        /// The condition after `where`.
        cond: Option<ExprId>,
        /// What is reduced.
        body: Option<ExprId>,
    },
    /// A place where parsing failed and said so; later stages stay silent about it.
    Error,
}

/// A support as written: `positive`, `real(0, 10]`, `category(10)`.
#[derive(Clone, Debug)]
pub struct SupportExpr {
    /// The set's name (`real`, `count`, …).
    pub name: Name,
    /// `category(10)`: the argument; an interval's ends otherwise.
    pub args: Vec<ExprId>,
    /// For an interval: whether the lower and upper ends are included.
    pub closed: Option<(bool, bool)>,
    /// Where.
    pub span: Span,
}

/// What a declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `data`
    Data,
    /// `predict`
    Predict,
    /// `param`
    Param,
    /// `const`
    Const,
}

/// `data k : count[N] in Hz = 1`
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Which keyword.
    pub role: Role,
    /// The declared name.
    pub name: Name,
    /// The support, when given.
    pub support: Option<SupportExpr>,
    /// The axes, when brackets are given.
    pub axes: Vec<Axis>,
    /// The unit after `in`, as written.
    pub unit: Option<Name>,
    /// The value after `=`.
    pub value: Option<ExprId>,
}

/// A formal parameter of `fn` or `distribution`.
#[derive(Clone, Debug)]
pub struct Formal {
    /// Its name.
    pub name: Name,
    /// Its support, when given.
    pub support: Option<SupportExpr>,
    /// Its axes (`v : real[m]`), when given.
    pub axes: Vec<Axis>,
    /// Default value (`fn triplet(a, p, n, margin = 0.2)`).
    pub default: Option<ExprId>,
}

impl Formal {
    /// Whether it stands for a distribution (`p : density`).
    pub fn is_density(&self) -> bool {
        self.support.as_ref().is_some_and(|support| support.name.key == "density")
    }
}

/// `fn name(a, b) = body`
#[derive(Clone, Debug)]
pub struct FnDef {
    /// Its name.
    pub name: Name,
    /// Parameters.
    pub formals: Vec<Formal>,
    /// How many of them stand left of a bar (`fn huber(x | δ)` has 1); `None` when there is no bar.
    pub bar: Option<usize>,
    /// What it computes.
    pub body: ExprId,
    /// Notes: `about "…"`, `latex "…"`, `example …`, as clauses.
    pub clauses: Vec<Clause>,
}

/// `distribution name(k : count | λ : nonneg)` with its clauses.
#[derive(Clone, Debug)]
pub struct DistDef {
    /// Its name.
    pub name: Name,
    /// Left of the bar.
    pub variates: Vec<Formal>,
    /// Right of the bar.
    pub params: Vec<Formal>,
    /// The indented clauses, in order.
    pub clauses: Vec<Clause>,
}

/// One indented clause of a `distribution` or `fn`.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: ClauseKind,
}

/// Clauses.
#[derive(Clone, Debug)]
pub enum ClauseKind {
    /// `log density e`
    LogDensity(ExprId),
    /// `or a = x : real, b = y : positive where λ = exp(x), …`: another parameterisation.
    Or {
        /// The new parameters (call name, the name used in the equations, support).
        params: Vec<OrParam>,
        /// How the main parameters follow.
        equations: Vec<(Name, ExprId)>,
        /// `log density e` of this parameterisation, when it has one of its own.
        log_density: Option<ExprId>,
    },
    /// `mean e`, `variance e`, `cdf e`, `log_cdf e`, `log_ccdf e`, `quantile e`, `sample e`, `mass_at_zero e` …: a named expression.
    Property(Name, ExprId),
    /// `assumes "…"`, `ask "…"`, `latex "…"`, `about "…"`, `reference "…"`: a named text.
    Text(Name, String),
    /// `instead neg_binomial when "…"`
    Instead(Name, String),
    /// `example call has nll number` (or `has value number`)
    Example {
        /// The call.
        call: ExprId,
        /// `nll` or `value`.
        what: Name,
        /// The number.
        number: ExprId,
    },
}

/// A parameter of another parameterisation: `log_rate = η : real`.
#[derive(Clone, Debug)]
pub struct OrParam {
    /// The name used in calls.
    pub name: Name,
    /// The name in the equations (the same when only one is written).
    pub symbol: Name,
    /// Its support.
    pub support: Option<SupportExpr>,
    /// Its axes (`logits = z : real[K]`), when given.
    pub axes: Vec<Axis>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// The whole statement.
    pub span: Span,
}

/// Statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `data`, `predict`, `param`, `const`
    Declare(Declaration),
    /// `λ = softplus(η)`
    Define(Name, ExprId),
    /// `fn …`
    Function(FnDef),
    /// `distribution …`
    Distribution(DistDef),
    /// `use "file.loss"`
    Use(String, Span),
    /// `reduce sum` / `reduce mean`
    Reduce(Reducer, Span),
    /// A term: `e`, `label: e`, `minimize e`, `k ~ e`.
    Term {
        /// `label:`
        label: Option<Name>,
        /// Left of `~`.
        tilde: Option<ExprId>,
        /// The density or cost.
        body: ExprId,
    },
    /// A statement that did not parse; its diagnostic has been given.
    Error,
}

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    /// All expressions.
    pub exprs: Vec<Expr>,
    /// All statements, in order.
    pub stmts: Vec<Stmt>,
}

impl Ast {
    /// Adds an expression.
    pub fn push(&mut self, kind: ExprKind, span: Span) -> ExprId {
        let id = ExprId(u32::try_from(self.exprs.len()).unwrap_or(u32::MAX));
        self.exprs.push(Expr { kind, span });
        id
    }

    /// The expression behind an id (an `Error` expression for an id of another tree).
    pub fn expr(&self, id: ExprId) -> &Expr {
        static MISSING: Expr = Expr { kind: ExprKind::Error, span: Span { start: 0, end: 0 } };
        self.exprs.get(id.0 as usize).unwrap_or(&MISSING)
    }
}
