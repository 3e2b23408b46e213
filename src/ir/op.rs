//! The one table of primitives: arity, support transfer, reference evaluation, derivative, printed forms.
//!
//! Adding a primitive is one row in [`INFO`] (and, for speed, one row in the vector math). Derivatives are written with
//! the graph itself; they are exact, and are chosen so that no factor overflows where the product is finite.
//! Formula sources are given beside the scalar functions in `special`. Depends on `graph`, `support`, `special`.

use super::graph::{Graph, NodeId};
use super::special as sf;
use super::support::Interval;

/// Partial derivatives of a primitive as nodes: given the result and the arguments, one entry an argument; `None` where
/// the derivative is zero by definition (comparisons, floor, counts).
pub type Derivative = fn(&mut Graph, NodeId, &[NodeId]) -> Vec<Option<NodeId>>;

/// How a primitive prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `a + b`, with a precedence (higher binds tighter).
    Infix(&'static str, u8),
    /// `-a`, `not a`
    Prefix(&'static str, u8),
    /// `name(a, b)`
    Function,
}

/// One row of the table.
#[derive(Debug)]
pub struct OpInfo {
    /// The primitive.
    pub op: Op,
    /// Its name in the printed IR and, for those a program can call, in the language.
    pub name: &'static str,
    /// Number of arguments.
    pub arity: usize,
    /// How it prints.
    pub form: Form,
    /// The LaTeX template; `#1`, `#2` are the arguments.
    pub latex: &'static str,
    /// Where each argument must lie (`REAL` when anywhere).
    pub domain: &'static [Interval],
    /// The support of the result from the supports of the arguments. Sound; assumes the arguments lie in the domain.
    pub support: fn(&[Interval]) -> Interval,
    /// Reference value in f64.
    pub eval: fn(&[f64]) -> f64,
    /// Partial derivatives.
    pub derivative: Derivative,
}

macro_rules! ops {
    ($($(#[$doc:meta])* $op:ident $name:literal, $arity:literal, $form:expr, $latex:literal, $domain:expr,
        |$s:ident| $support:expr, |$e:ident| $eval:expr, |$g:ident, $y:ident, $x:ident| $derivative:expr;)*) => {
        /// The primitives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Op { $($(#[$doc])* $op),* }

        /// The table, in the order of [`Op`].
        #[allow(clippy::indexing_slicing)] // Proven: every call passes `arity` arguments (checked by the verifier).
        pub static INFO: &[OpInfo] = &[$(OpInfo {
            op: Op::$op, name: $name, arity: $arity, form: $form, latex: $latex, domain: $domain,
            support: |$s: &[Interval]| { let _ = $s; $support },
            eval: |$e: &[f64]| { let _ = $e; $eval },
            derivative: |$g: &mut Graph, $y: NodeId, $x: &[NodeId]| { let _ = (&$g, $y, $x); $derivative },
        }),*];
    };
}

const R: Interval = Interval::REAL;
const R1: &[Interval] = &[R];
const R2: &[Interval] = &[R, R];
const R3: &[Interval] = &[R, R, R];
const R5: &[Interval] = &[R, R, R, R, R];
const R8: &[Interval] = &[R, R, R, R, R, R, R, R];
const POS1: &[Interval] = &[Interval::POSITIVE];
const F: Form = Form::Function;
const INF: f64 = f64::INFINITY;

ops! {
    // ---- arithmetic -------------------------------------------------------------------------------------------------
    /// −x
    Neg "neg", 1, Form::Prefix("-", 7), "-#1", R1, |s| s[0].neg(), |e| -e[0], |g, y, x| vec![Some(g.constant(-1.0))];
    /// x + y
    Add "add", 2, Form::Infix("+", 5), "#1 + #2", R2, |s| s[0].add(s[1]), |e| e[0] + e[1],
        |g, y, x| { let one = g.constant(1.0); vec![Some(one), Some(one)] };
    /// x − y
    Sub "sub", 2, Form::Infix("-", 5), "#1 - #2", R2, |s| s[0].add(s[1].neg()), |e| e[0] - e[1],
        |g, y, x| vec![Some(g.constant(1.0)), Some(g.constant(-1.0))];
    /// x·y
    Mul "mul", 2, Form::Infix("·", 6), "#1\\,#2", R2, |s| s[0].mul(s[1]), |e| e[0] * e[1],
        |g, y, x| vec![Some(x[1]), Some(x[0])];
    /// x·y, and 0 when x is 0 whatever y is: an adjoint that was cut off stays cut off.
    MulZero "mul0", 2, Form::Infix("·", 6), "#1\\,#2", R2, |s| s[0].mul(s[1]),
        |e| if e[0] == 0.0 { 0.0 } else { e[0] * e[1] }, |g, y, x| vec![Some(x[1]), Some(x[0])];
    /// x/y
    Div "div", 2, Form::Infix("/", 6), "\\frac{#1}{#2}", &[R, R], |s| s[0].mul(s[1].recip()), |e| e[0] / e[1],
        |g, y, x| { let one = g.constant(1.0); let r = g.apply(Op::Div, &[one, x[1]]);
            let q = g.apply(Op::Div, &[y, x[1]]); vec![Some(r), Some(g.apply(Op::Neg, &[q]))] };
    /// x^y
    Pow "pow", 2, Form::Infix("^", 8), "{#1}^{#2}", R2, |s| pow_support(s[0], s[1]), |e| e[0].powf(e[1]),
        |g, y, x| pow_derivative(g, y, x);
    /// x²
    Square "square", 1, F, "{#1}^{2}", R1, |s| square_support(s[0]), |e| e[0] * e[0],
        |g, y, x| { let two = g.constant(2.0); vec![Some(g.apply(Op::Mul, &[two, x[0]]))] };
    /// √x
    Sqrt "sqrt", 1, F, "\\sqrt{#1}", &[Interval::NONNEG], |s| s[0].intersect(Interval::NONNEG.real()).monotone(sqrt_end, true),
        |e| e[0].sqrt(), |g, y, x| { let half = g.constant(0.5); vec![Some(g.apply(Op::Div, &[half, y]))] };
    /// |x|
    Abs "abs", 1, F, "\\left|#1\\right|", R1, |s| abs_support(s[0]), |e| e[0].abs(), |g, y, x| vec![Some(g.apply(Op::Sign, &[x[0]]))];
    /// −1, 0, 1
    Sign "sign", 1, F, "\\operatorname{sign}(#1)", R1, |s| sign_support(s[0]),
        |e| if e[0] > 0.0 { 1.0 } else if e[0] < 0.0 { -1.0 } else { e[0] }, |g, y, x| vec![None];
    /// Largest whole number ≤ x.
    Floor "floor", 1, F, "\\lfloor #1\\rfloor", R1, |s| floor_support(s[0]), |e| e[0].floor(), |g, y, x| vec![None];
    /// The smaller; ties go to the first.
    Min "min", 2, F, "\\min(#1, #2)", R2, |s| min_support(s[0], s[1]), |e| if e[0] <= e[1] || e[0].is_nan() { e[0] } else { e[1] },
        |g, y, x| { let c = g.apply(Op::Le, &[x[0], x[1]]); let n = g.apply(Op::Not, &[c]); vec![Some(c), Some(n)] };
    /// The larger; ties go to the first.
    Max "max", 2, F, "\\max(#1, #2)", R2, |s| min_support(s[0].neg(), s[1].neg()).neg(),
        |e| if e[0] >= e[1] || e[0].is_nan() { e[0] } else { e[1] },
        |g, y, x| { let c = g.apply(Op::Le, &[x[1], x[0]]); let n = g.apply(Op::Not, &[c]); vec![Some(c), Some(n)] };
    /// max(0, x), with derivative 0 at 0.
    Relu "relu", 1, F, "\\max(0, #1)", R1, |s| s[0].monotone(|x| x.max(0.0), false), |e| if e[0] > 0.0 || e[0].is_nan() { e[0] } else { 0.0 },
        |g, y, x| { let zero = g.constant(0.0); vec![Some(g.apply(Op::Lt, &[zero, x[0]]))] };
    /// x, seen as a constant by the derivative.
    Detach "detach", 1, F, "\\operatorname{detach}(#1)", R1, |s| s[0], |e| e[0], |g, y, x| vec![None];
    // ---- truth ------------------------------------------------------------------------------------------------------
    /// x < y
    Lt "lt", 2, Form::Infix("<", 4), "#1 < #2", R2, |s| compare_support(s[0], s[1], true), |e| truth(e[0] < e[1]), |g, y, x| vec![None, None];
    /// x ≤ y
    Le "le", 2, Form::Infix("<=", 4), "#1 \\le #2", R2, |s| compare_support(s[0], s[1], false), |e| truth(e[0] <= e[1]), |g, y, x| vec![None, None];
    /// x = y
    Eq "eq", 2, Form::Infix("==", 4), "#1 = #2", R2, |s| Interval::BOOL, |e| truth(e[0] == e[1]), |g, y, x| vec![None, None];
    /// x and y
    And "and", 2, Form::Infix("and", 2), "#1 \\wedge #2", R2, |s| Interval::BOOL, |e| truth(e[0] != 0.0 && e[1] != 0.0), |g, y, x| vec![None, None];
    /// x or y
    Or "or", 2, Form::Infix("or", 1), "#1 \\vee #2", R2, |s| Interval::BOOL, |e| truth(e[0] != 0.0 || e[1] != 0.0), |g, y, x| vec![None, None];
    /// not x
    Not "not", 1, Form::Prefix("not ", 3), "\\neg #1", R1, |s| Interval::BOOL, |e| truth(e[0] == 0.0), |g, y, x| vec![None];
    /// if c then a else b
    Select "select", 3, F, "\\begin{cases}#2 & \\text{if } #1\\\\ #3 & \\text{otherwise}\\end{cases}", &[R, R, R],
        |s| match s[0].as_point() { Some(0.0) => s[2], Some(_) => s[1], None => s[1].union(s[2]) },
        |e| if e[0] != 0.0 { e[1] } else { e[2] },
        // Handled by the differentiator, which cuts the branch that is not taken.
        |g, y, x| { let n = g.apply(Op::Not, &[x[0]]); vec![None, Some(x[0]), Some(n)] };
    // ---- exponentials and logarithms --------------------------------------------------------------------------------
    /// e^x
    Exp "exp", 1, F, "e^{#1}", R1, |s| positive(s[0], f64::exp), |e| e[0].exp(), |g, y, x| vec![Some(y)];
    /// e^x − 1
    Expm1 "expm1", 1, F, "\\operatorname{expm1}(#1)", R1, |s| keep_zero(s[0], s[0].monotone(f64::exp_m1, true)), |e| e[0].exp_m1(),
        |g, y, x| vec![Some(g.apply(Op::Exp, &[x[0]]))];
    /// log x
    Log "log", 1, F, "\\log #1", POS1, |s| s[0].monotone(log_end, true), |e| sf::log(e[0]),
        |g, y, x| { let one = g.constant(1.0); vec![Some(g.apply(Op::Div, &[one, x[0]]))] };
    /// log(1 + x)
    Log1p "log1p", 1, F, "\\log(1 + #1)", &[Interval { lo: -1.0, hi: INF, lo_open: true, hi_open: true, integral: false, zero: true }],
        |s| keep_zero(s[0], s[0].monotone(|x| if x <= -1.0 { -INF } else { x.ln_1p() }, true)), |e| e[0].ln_1p(),
        |g, y, x| { let one = g.constant(1.0); let d = g.apply(Op::Add, &[one, x[0]]); vec![Some(g.apply(Op::Div, &[one, d]))] };
    /// log(1 − e^x), x < 0
    Log1mExp "log1mexp", 1, F, "\\log(1 - e^{#1})", &[Interval { lo: -INF, hi: 0.0, lo_open: true, hi_open: true, integral: false, zero: false }],
        |s| s[0].neg().monotone(|x| if x <= 0.0 { -INF } else { sf::log1mexp(-x) }, true), |e| sf::log1mexp(e[0]),
        |g, y, x| { let n = g.apply(Op::Neg, &[x[0]]); let m = g.apply(Op::Expm1, &[n]); let mo = g.constant(-1.0); vec![Some(g.apply(Op::Div, &[mo, m]))] };
    /// log(1 − exp(−eˣ)), the log probability of at least one event at rate eˣ
    LogCloglog "log_cloglog", 1, F, "\\log(1 - e^{-e^{#1}})", R1, |s| s[0].monotone(sf::log_cloglog, true).without_zero(), |e| sf::log_cloglog(e[0]),
        |g, y, x| vec![Some(g.apply(Op::LogCloglogSlope, &[x[0]]))];
    /// eˣ/expm1(eˣ), in (0, 1)
    LogCloglogSlope "log_cloglog_slope", 1, F, "\\frac{e^{#1}}{\\operatorname{expm1}(e^{#1})}", R1, |s| Interval::UNIT, |e| sf::log_cloglog_slope(e[0]),
        |g, y, x| vec![None];
    /// log(1 + x) − x
    Log1pmx "log1pmx", 1, F, "\\left(\\log(1 + #1) - #1\\right)", &[Interval { lo: -1.0, hi: INF, lo_open: true, hi_open: true, integral: false, zero: true }],
        |s| Interval::NONPOS, |e| sf::log1pmx(e[0]),
        |g, y, x| { let one = g.constant(1.0); let d = g.apply(Op::Add, &[one, x[0]]); let q = g.apply(Op::Div, &[x[0], d]); vec![Some(g.apply(Op::Neg, &[q]))] };
    /// 1/(1 + e^−x)
    Sigmoid "sigmoid", 1, F, "\\operatorname{sigmoid}(#1)", R1, |s| positive(s[0], sf::sigmoid), |e| sf::sigmoid(e[0]),
        |g, y, x| { let n = g.apply(Op::Neg, &[x[0]]); let s = g.apply(Op::Sigmoid, &[n]); vec![Some(g.apply(Op::Mul, &[y, s]))] };
    /// log(1 + e^x)
    Softplus "softplus", 1, F, "\\operatorname{softplus}(#1)", R1, |s| positive(s[0], sf::softplus), |e| sf::softplus(e[0]),
        |g, y, x| vec![Some(g.apply(Op::Sigmoid, &[x[0]]))];
    /// log softplus x, finite for every x
    LogSoftplus "log_softplus", 1, F, "\\log\\operatorname{softplus}(#1)", R1, |s| s[0].monotone(sf::log_softplus, true), |e| sf::log_softplus(e[0]),
        |g, y, x| vec![Some(g.apply(Op::SoftplusRatio, &[x[0]]))];
    /// sigmoid(x)/softplus(x), in (0, 1)
    SoftplusRatio "softplus_ratio", 1, F, "\\frac{\\operatorname{sigmoid}(#1)}{\\operatorname{softplus}(#1)}", R1, |s| Interval::UNIT, |e| sf::softplus_ratio(e[0]),
        |g, y, x| { let n = g.apply(Op::Neg, &[x[0]]); let s = g.apply(Op::Sigmoid, &[n]); let d = g.apply(Op::Sub, &[s, y]); vec![Some(g.apply(Op::Mul, &[y, d]))] };
    /// log(e^a + e^b)
    LogAddExp "logaddexp", 2, F, "\\log(e^{#1} + e^{#2})", R2, |s| Interval::REAL, |e| sf::logaddexp(e[0], e[1]),
        |g, y, x| { let d = g.apply(Op::Sub, &[x[0], y]); let a = g.apply(Op::Exp, &[d]); let d = g.apply(Op::Sub, &[x[1], y]); let b = g.apply(Op::Exp, &[d]); vec![Some(a), Some(b)] };
    /// a·log b, 0 when a is 0
    XLogY "xlogy", 2, F, "#1\\log #2", &[R, Interval::NONNEG], |s| Interval::REAL, |e| sf::xlogy(e[0], e[1]),
        |g, y, x| { let l = g.apply(Op::Log, &[x[1]]); let q = g.apply(Op::ZeroDiv, &[x[0], x[1]]); vec![Some(l), Some(q)] };
    /// a·log(1 + b), 0 when a is 0
    XLog1pY "xlog1py", 2, F, "#1\\log(1 + #2)", &[R, Interval { lo: -1.0, hi: INF, lo_open: false, hi_open: true, integral: false, zero: true }],
        |s| Interval::REAL, |e| sf::xlog1py(e[0], e[1]),
        |g, y, x| { let l = g.apply(Op::Log1p, &[x[1]]); let one = g.constant(1.0); let d = g.apply(Op::Add, &[one, x[1]]); let q = g.apply(Op::ZeroDiv, &[x[0], d]); vec![Some(l), Some(q)] };
    /// x/y, 0 when x is 0 whatever y is
    ZeroDiv "zerodiv", 2, Form::Infix("/", 6), "\\frac{#1}{#2}", R2, |s| s[0].mul(s[1].recip()).union(Interval::point(0.0)),
        |e| if e[0] == 0.0 { 0.0 } else { e[0] / e[1] },
        |g, y, x| { let r = reciprocal_or_zero(g, x[1]); let q = g.apply(Op::ZeroDiv, &[y, x[1]]); vec![Some(r), Some(g.apply(Op::Neg, &[q]))] };
    // ---- trigonometric ----------------------------------------------------------------------------------------------
    /// sin x
    Sin "sin", 1, F, "\\sin #1", R1, |s| Interval::closed(-1.0, 1.0), |e| e[0].sin(), |g, y, x| vec![Some(g.apply(Op::Cos, &[x[0]]))];
    /// cos x
    Cos "cos", 1, F, "\\cos #1", R1, |s| Interval::closed(-1.0, 1.0), |e| e[0].cos(), |g, y, x| { let s = g.apply(Op::Sin, &[x[0]]); vec![Some(g.apply(Op::Neg, &[s]))] };
    /// Angle of the point (x, y): atan2(y, x)
    Atan2 "atan2", 2, F, "\\operatorname{atan2}(#1, #2)", R2, |s| Interval::closed(-std::f64::consts::PI, std::f64::consts::PI), |e| e[0].atan2(e[1]),
        |g, y, x| { let a = g.apply(Op::Square, &[x[0]]); let b = g.apply(Op::Square, &[x[1]]); let r = g.apply(Op::Add, &[a, b]);
            let p = g.apply(Op::Div, &[x[1], r]); let q = g.apply(Op::Div, &[x[0], r]); vec![Some(p), Some(g.apply(Op::Neg, &[q]))] };
    /// tanh x
    Tanh "tanh", 1, F, "\\tanh #1", R1, |s| keep_zero(s[0], s[0].monotone(f64::tanh, true)), |e| e[0].tanh(),
        // 1 − tanh² as 4·sigmoid(2x)·sigmoid(−2x): nothing cancels.
        |g, y, x| { let two = g.constant(2.0); let d = g.apply(Op::Mul, &[two, x[0]]); let n = g.apply(Op::Neg, &[d]);
            let a = g.apply(Op::Sigmoid, &[d]); let b = g.apply(Op::Sigmoid, &[n]); let p = g.apply(Op::Mul, &[a, b]);
            let four = g.constant(4.0); let p = g.apply(Op::Mul, &[four, p]); g.narrow(p, Interval::new(0.0, true, 1.0, false, false)); vec![Some(p)] };
    // ---- special functions ------------------------------------------------------------------------------------------
    /// log Γ(x)
    Lgamma "lgamma", 1, F, "\\log\\Gamma(#1)", POS1, |s| if s[0].lo >= 2.0 { s[0].monotone(sf::lgamma, true) } else { Interval::open(-0.122, INF) }, |e| sf::lgamma(e[0]),
        |g, y, x| vec![Some(g.apply(Op::Digamma, &[x[0]]))];
    /// ψ(x)
    Digamma "digamma", 1, F, "\\psi(#1)", POS1, |s| Interval::REAL, |e| sf::digamma(e[0]), |g, y, x| vec![Some(g.apply(Op::Trigamma, &[x[0]]))];
    /// ψ′(x)
    Trigamma "trigamma", 1, F, "\\psi'(#1)", POS1, |s| Interval::POSITIVE, |e| sf::trigamma(e[0]), |g, y, x| vec![Some(g.apply(Op::Tetragamma, &[x[0]]))];
    /// ψ″(x)
    Tetragamma "tetragamma", 1, F, "\\psi''(#1)", POS1, |s| Interval::open(-INF, 0.0), |e| sf::tetragamma(e[0]), |g, y, x| vec![None];
    /// erf x
    Erf "erf", 1, F, "\\operatorname{erf}(#1)", R1, |s| keep_zero(s[0], s[0].monotone(sf::erf, true)), |e| sf::erf(e[0]), |g, y, x| vec![Some(gauss(g, x[0], std::f64::consts::FRAC_2_SQRT_PI))];
    /// erfc x
    Erfc "erfc", 1, F, "\\operatorname{erfc}(#1)", R1, |s| Interval::open(0.0, 2.0), |e| sf::erfc(e[0]), |g, y, x| vec![Some(gauss(g, x[0], -std::f64::consts::FRAC_2_SQRT_PI))];
    /// Φ(x), the standard normal distribution function
    Ndtr "ndtr", 1, F, "\\Phi(#1)", R1, |s| Interval::UNIT, |e| sf::ndtr(e[0]),
        |g, y, x| { let q = g.apply(Op::Square, &[x[0]]); let h = g.constant(-0.5); let e = g.apply(Op::Mul, &[h, q]); let e = g.apply(Op::Exp, &[e]);
            let c = g.constant(0.398_942_280_401_432_7); vec![Some(g.apply(Op::Mul, &[c, e]))] };
    /// log Φ(x)
    LogNdtr "log_ndtr", 1, F, "\\log\\Phi(#1)", R1, |s| Interval::new(-INF, true, 0.0, true, false), |e| sf::log_ndtr(e[0]), |g, y, x| vec![Some(g.apply(Op::InvMills, &[x[0]]))];
    /// φ(x)/Φ(x)
    InvMills "inv_mills", 1, F, "\\frac{\\varphi(#1)}{\\Phi(#1)}", R1, |s| Interval::POSITIVE, |e| sf::inv_mills(e[0]),
        |g, y, x| { let s = g.apply(Op::Add, &[x[0], y]); let p = g.apply(Op::Mul, &[y, s]); vec![Some(g.apply(Op::Neg, &[p]))] };
    /// log I₀(x)
    LogBesselI0 "log_bessel_i0", 1, F, "\\log I_0(#1)", R1, |s| Interval::NONNEG, |e| sf::log_bessel_i0(e[0]), |g, y, x| vec![Some(g.apply(Op::BesselRatio, &[x[0]]))];
    /// I₁(x)/I₀(x)
    BesselRatio "bessel_ratio", 1, F, "\\frac{I_1(#1)}{I_0(#1)}", R1, |s| Interval::open(-1.0, 1.0), |e| sf::bessel_i1_ratio(e[0]), |g, y, x| vec![None];
    // ---- distribution functions ---------------------------------------------------------------------------------------
    /// log P(a, x) of (a, x, log x), P the regularised incomplete gamma function
    LogGammaP "log_gamma_p", 3, F, "\\log P(#1, #2)", R3, |s| Interval::NONPOS, |e| sf::log_gamma_p(e[0], e[1], e[2]),
        |g, y, x| vec![Some(g.apply(Op::LogGammaPDa, x)), None, Some(g.apply(Op::GammaTailSlope, &[x[0], x[1], x[2], y]))];
    /// log Q(a, x) of (a, x, log x), Q = 1 − P
    LogGammaQ "log_gamma_q", 3, F, "\\log Q(#1, #2)", R3, |s| Interval::NONPOS, |e| sf::log_gamma_q(e[0], e[1], e[2]),
        |g, y, x| { let d = g.apply(Op::GammaTailSlope, &[x[0], x[1], x[2], y]); vec![Some(g.apply(Op::LogGammaQDa, x)), None, Some(g.apply(Op::Neg, &[d]))] };
    /// ∂ log P/∂a
    LogGammaPDa "log_gamma_p_da", 3, F, "\\partial_a\\log P(#1, #2)", R3, |s| Interval::NONPOS, |e| sf::log_gamma_p_da(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// ∂ log Q/∂a
    LogGammaQDa "log_gamma_q_da", 3, F, "\\partial_a\\log Q(#1, #2)", R3, |s| Interval::NONNEG, |e| sf::log_gamma_q_da(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// xᵃe⁻ˣ/Γ(a)·e⁻ʸ of (a, x, log x, y)
    GammaTailSlope "gamma_tail_slope", 4, F, "\\frac{#2^{#1} e^{-#2}}{\\Gamma(#1)\\,e^{#4}}", &[R, R, R, R], |s| Interval::NONNEG, |e| sf::gamma_tail_slope(e[0], e[1], e[2], e[3]), |g, y, x| vec![None; 4];
    /// Poisson log probability of k given k ≥ a, of (k, a, λ, log λ)
    PoissonAboveLp "poisson_above_lp", 4, F, "\\left(#1\\,#4 - #3 - \\log\\Gamma(#1 + 1) - \\log P(#2, #3)\\right)", &[R, R, R, R], |s| R, |e| sf::poisson_above_lp(e[0], e[1], e[2], e[3]),
        |g, y, x| { let one = g.constant(1.0); let k1 = g.apply(Op::Add, &[x[0], one]); let psi = g.apply(Op::Digamma, &[k1]); let dk = g.apply(Op::Sub, &[x[3], psi]);
            let da = g.apply(Op::LogGammaPDa, &[x[1], x[2], x[3]]); let da = g.apply(Op::Neg, &[da]); vec![Some(dk), Some(da), None, Some(g.apply(Op::PoissonAboveSlope, x))] };
    /// Its derivative in log λ
    PoissonAboveSlope "poisson_above_slope", 4, F, "\\left(#1 - #3 - \\frac{#3^{#2} e^{-#3}}{\\Gamma(#2)\\,P(#2, #3)}\\right)", &[R, R, R, R], |s| R, |e| sf::poisson_above_slope(e[0], e[1], e[2], e[3]), |g, y, x| vec![None; 4];
    /// log I_x(a, b) of (logit x, a, b), I the regularised incomplete beta function
    LogBetaI "log_beta_i", 3, F, "\\log I_{\\operatorname{sigmoid}(#1)}(#2, #3)", R3, |s| Interval::NONPOS, |e| sf::log_beta_i(e[0], e[1], e[2]),
        |g, y, x| vec![Some(g.apply(Op::LogBetaIDt, &[x[0], x[1], x[2], y])), Some(g.apply(Op::LogBetaIDa, x)), Some(g.apply(Op::LogBetaIDb, x))];
    /// Its derivative in logit x, of (logit x, a, b, log I)
    LogBetaIDt "log_beta_i_dt", 4, F, "\\partial_t\\log I_{\\operatorname{sigmoid}(#1)}(#2, #3)", &[R, R, R, R], |s| Interval::NONNEG, |e| sf::log_beta_i_dt(e[0], e[1], e[2], e[3]), |g, y, x| vec![None; 4];
    /// Its derivative in a
    LogBetaIDa "log_beta_i_da", 3, F, "\\partial_a\\log I_{\\operatorname{sigmoid}(#1)}(#2, #3)", R3, |s| Interval::NONPOS, |e| sf::log_beta_i_da(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// Its derivative in b
    LogBetaIDb "log_beta_i_db", 3, F, "\\partial_b\\log I_{\\operatorname{sigmoid}(#1)}(#2, #3)", R3, |s| Interval::NONNEG, |e| sf::log_beta_i_db(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// Log distribution function of Student's t of (z, ν, log ν)
    LogStudentTCdf "log_student_t_cdf", 3, F, "\\log T_{#2}(#1)", R3, |s| Interval::NONPOS, |e| sf::log_student_t_cdf(e[0], e[1], e[2]),
        |g, y, x| { let (one, zero) = (g.constant(1.0), g.constant(0.0)); let l = g.apply(Op::StudentTLp, &[x[0], one, zero, x[1], x[2]]);
            let l = g.apply(Op::Sub, &[l, y]); vec![Some(g.apply(Op::Exp, &[l])), Some(g.apply(Op::LogStudentTCdfDnu, x)), None] };
    /// Its derivative in ν
    LogStudentTCdfDnu "log_student_t_cdf_dnu", 3, F, "\\partial_\\nu\\log T_{#2}(#1)", R3, |s| R, |e| sf::log_student_t_cdf_dnu(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    // ---- fused log densities: pairs (θ, log θ) carry the derivative in log θ (see `special`) ---------------------------
    /// k·ℓ − λ − log Γ(k+1), ℓ = log λ
    PoissonLp "poisson_lp", 3, F, "\\left(#1\\,#3 - #2 - \\log\\Gamma(#1 + 1)\\right)", R3, |s| R, |e| sf::poisson_lp(e[0], e[1], e[2]),
        |g, y, x| { let one = g.constant(1.0); let k1 = g.apply(Op::Add, &[x[0], one]); let psi = g.apply(Op::Digamma, &[k1]);
            let dk = g.apply(Op::Sub, &[x[2], psi]); let minus = g.constant(-1.0); vec![Some(dk), Some(minus), Some(x[0])] };
    /// a·log a − a − log Γ(a+1)
    PoissonPeak "poisson_peak", 1, F, "\\operatorname{peak}(#1)", POS1, |s| R, |e| sf::poisson_peak(e[0]), |g, y, x| vec![Some(g.apply(Op::PoissonPeakDa, &[x[0]]))];
    /// log a − ψ(a+1)
    PoissonPeakDa "poisson_peak_da", 1, F, "\\left(\\log #1 - \\psi(#1 + 1)\\right)", POS1, |s| R, |e| sf::poisson_peak_da(e[0]), |g, y, x| vec![None];
    /// ℓ + 1 − r, ℓ = log r
    LogDev "log_dev", 2, F, "\\left(#2 + 1 - #1\\right)", R2, |s| Interval::NONPOS, |e| sf::log_dev(e[0], e[1]),
        |g, y, x| { let one = g.constant(1.0); vec![None, Some(g.apply(Op::Sub, &[one, x[0]]))] };
    /// Negative binomial log probability of (k, μ, log μ, φ, log φ)
    NegBinomialLp "neg_binomial_lp", 5, F, "\\log\\operatorname{NegBin}(#1; #2, #4)", R5, |s| R, |e| sf::neg_binomial_lp(e[0], e[1], e[2], e[3], e[4]),
        |g, y, x| { let (dmean, dlogmean) = neg_binomial_by_mean(g, x); vec![None, dmean, Some(dlogmean), None, Some(g.apply(Op::NegBinomialDlogsize, x))] };
    /// Its derivative in log μ
    NegBinomialDlogmean "neg_binomial_dlogmean", 5, F, "\\frac{(#1 - #2)\\,#4}{#4 + #2}", R5, |s| R, |e| sf::neg_binomial_dlogmean(e[0], e[1], e[2], e[3], e[4]), |g, y, x| vec![None; 5];
    /// Its derivative in log φ
    NegBinomialDlogsize "neg_binomial_dlogsize", 5, F, "\\partial_{\\log #4}\\log\\operatorname{NegBin}(#1; #2, #4)", R5, |s| R, |e| sf::neg_binomial_dlogsize(e[0], e[1], e[2], e[3], e[4]), |g, y, x| vec![None; 5];
    /// Normal log density of (x − μ, σ, log σ)
    NormalLp "normal_lp", 3, F, "\\left(-\\tfrac12\\left(\\frac{#1}{#2}\\right)^2 - #3 - \\tfrac12\\log 2\\pi\\right)", R3, |s| R, |e| sf::normal_lp(e[0], e[1], e[2]),
        |g, y, x| vec![Some(g.apply(Op::NormalDr, &[x[0], x[1]])), None, Some(g.apply(Op::NormalDlogscale, &[x[0], x[1]]))];
    /// Its derivative in x − μ: −r/σ²
    NormalDr "normal_dr", 2, F, "\\frac{-(#1)}{{#2}^2}", R2, |s| R, |e| sf::normal_dr(e[0], e[1]), |g, y, x| vec![None; 2];
    /// Its derivative in log σ: (r/σ)² − 1
    NormalDlogscale "normal_dlogscale", 2, F, "\\left(\\left(\\frac{#1}{#2}\\right)^2 - 1\\right)", R2, |s| Interval::new(-1.0, false, INF, true, false), |e| sf::normal_dlogscale(e[0], e[1]), |g, y, x| vec![None; 2];
    /// Laplace log density of (x − μ, b, log b)
    LaplaceLp "laplace_lp", 3, F, "\\left(-\\frac{|#1|}{#2} - #3 - \\log 2\\right)", R3, |s| R, |e| sf::laplace_lp(e[0], e[1], e[2]),
        |g, y, x| vec![Some(g.apply(Op::LaplaceDr, &[x[0], x[1]])), None, Some(g.apply(Op::LaplaceDlogscale, &[x[0], x[1]]))];
    /// Its derivative in x − μ: −sign(r)/b
    LaplaceDr "laplace_dr", 2, F, "\\frac{-\\operatorname{sign}(#1)}{#2}", R2, |s| R, |e| sf::laplace_dr(e[0], e[1]), |g, y, x| vec![None; 2];
    /// Its derivative in log b: |r|/b − 1
    LaplaceDlogscale "laplace_dlogscale", 2, F, "\\left(\\frac{|#1|}{#2} - 1\\right)", R2, |s| Interval::new(-1.0, false, INF, true, false), |e| sf::laplace_dlogscale(e[0], e[1]), |g, y, x| vec![None; 2];
    /// Student t log density of (x − μ, σ, log σ, ν, log ν)
    StudentTLp "student_t_lp", 5, F, "\\log t_{#4}(#1/#2)", R5, |s| R, |e| sf::student_t_lp(e[0], e[1], e[2], e[3], e[4]),
        |g, y, x| vec![Some(g.apply(Op::StudentTDr, x)), None, Some(g.apply(Op::StudentTDlogscale, x)), None, Some(g.apply(Op::StudentTDlognu, x))];
    /// Its derivative in x − μ
    StudentTDr "student_t_dr", 5, F, "\\partial_r\\log t_{#4}(#1/#2)", R5, |s| R, |e| sf::student_t_dr(e[0], e[1], e[2], e[3], e[4]), |g, y, x| vec![None; 5];
    /// Its derivative in log σ
    StudentTDlogscale "student_t_dlogscale", 5, F, "\\partial_{\\log #2}\\log t_{#4}(#1/#2)", R5, |s| R, |e| sf::student_t_dlogscale(e[0], e[1], e[2], e[3], e[4]), |g, y, x| vec![None; 5];
    /// Its derivative in log ν
    StudentTDlognu "student_t_dlognu", 5, F, "\\partial_{\\log #4}\\log t_{#4}(#1/#2)", R5, |s| R, |e| sf::student_t_dlognu(e[0], e[1], e[2], e[3], e[4]), |g, y, x| vec![None; 5];
    /// Binomial log probability of (k, n, p, 1 − p, log p, log(1 − p))
    BinomialLp "binomial_lp", 6, F, "\\log\\operatorname{Binomial}(#1; #2, #3)", &[R, R, R, R, R, R], |s| R, |e| sf::binomial_lp(e[0], e[1], e[2], e[3], e[4], e[5]),
        |g, y, x| { let rest = g.apply(Op::Sub, &[x[1], x[0]]); let (p, log_p) = by_log(g, x[0], x[2]); let (q, log_q) = by_log(g, rest, x[3]); vec![None, None, p, q, log_p, log_q] };
    /// Beta log density of (x, 1 − x, α, β)
    BetaLp "beta_lp", 4, F, "\\log\\operatorname{Beta}(#1; #3, #4)", &[R, R, R, R], |s| R, |e| sf::beta_lp(e[0], e[1], e[2], e[3]),
        |g, y, x| { let one = g.constant(1.0); let a = g.apply(Op::Sub, &[x[2], one]); let b = g.apply(Op::Sub, &[x[3], one]);
            let dx = g.apply(Op::ZeroDiv, &[a, x[0]]); let dy = g.apply(Op::ZeroDiv, &[b, x[1]]);
            let da = g.apply(Op::BetaDa, x); let db = g.apply(Op::BetaDa, &[x[1], x[0], x[3], x[2]]); vec![Some(dx), Some(dy), Some(da), Some(db)] };
    /// Its derivative in α: log x − ψ(α) + ψ(α + β)
    BetaDa "beta_da", 4, F, "\\left(\\log #1 - \\psi(#3) + \\psi(#3 + #4)\\right)", &[R, R, R, R], |s| R, |e| sf::beta_da(e[0], e[1], e[2], e[3]), |g, y, x| vec![None; 4];
    /// Beta log density by mean and precision: (x, 1 − x, m, 1 − m, log m, log(1 − m), κ, log κ)
    BetaMeanLp "beta_mean_lp", 8, F, "\\log\\operatorname{Beta}(#1; #3\\,#7, #4\\,#7)", R8, |s| R, |e| sf::beta_mean_lp(e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]),
        |g, y, x| { let one = g.constant(1.0); let a = g.apply(Op::Mul, &[x[6], x[2]]); let a = g.apply(Op::Sub, &[a, one]); let b = g.apply(Op::Mul, &[x[6], x[3]]); let b = g.apply(Op::Sub, &[b, one]);
            let dx = g.apply(Op::ZeroDiv, &[a, x[0]]); let dy = g.apply(Op::ZeroDiv, &[b, x[1]]); let dm = g.apply(Op::BetaMeanDlogmean, x);
            let dn = g.apply(Op::BetaMeanDlogmean, &[x[1], x[0], x[3], x[2], x[5], x[4], x[6], x[7]]); let dk = g.apply(Op::BetaMeanDlogprec, x);
            vec![Some(dx), Some(dy), None, None, Some(dm), Some(dn), None, Some(dk)] };
    /// Its derivative in log m
    BetaMeanDlogmean "beta_mean_dlogmean", 8, F, "\\partial_{\\log #3}\\log\\operatorname{Beta}(#1)", R8, |s| R, |e| sf::beta_mean_dlogmean(e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]), |g, y, x| vec![None; 8];
    /// Its derivative in log κ
    BetaMeanDlogprec "beta_mean_dlogprec", 8, F, "\\partial_{\\log #7}\\log\\operatorname{Beta}(#1)", R8, |s| R, |e| sf::beta_mean_dlogprec(e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]), |g, y, x| vec![None; 8];
    /// log(π + (1 − π)·e^l) of (π, 1 − π, l)
    LogMix0 "log_mix0", 3, F, "\\log(#1 + #2\\,e^{#3})", R3, |s| Interval::NONPOS, |e| sf::log_mix0(e[0], e[1], e[2]),
        |g, y, x| vec![Some(g.apply(Op::LogMix0Dpi, x)), None, Some(g.apply(Op::LogMix0Dl, x))];
    /// Its derivative in π
    LogMix0Dpi "log_mix0_dpi", 3, F, "\\frac{1 - e^{#3}}{#1 + #2\\,e^{#3}}", R3, |s| R, |e| sf::log_mix0_dpi(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// Its derivative in l
    LogMix0Dl "log_mix0_dl", 3, F, "\\frac{#2\\,e^{#3}}{#1 + #2\\,e^{#3}}", R3, |s| Interval::PROB, |e| sf::log_mix0_dl(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// The same with π = sigmoid(z)
    LogMix0Logit "log_mix0_logit", 2, F, "\\log(\\operatorname{sigmoid}(#1) + \\operatorname{sigmoid}(-#1)\\,e^{#2})", R2, |s| Interval::NONPOS, |e| sf::log_mix0_logit(e[0], e[1]),
        |g, y, x| vec![Some(g.apply(Op::LogMix0LogitDz, x)), Some(g.apply(Op::LogMix0LogitDl, x))];
    /// Its derivative in z
    LogMix0LogitDz "log_mix0_logit_dz", 2, F, "\\partial_z(#1, #2)", R2, |s| R, |e| sf::log_mix0_logit_dz(e[0], e[1]), |g, y, x| vec![None; 2];
    /// Its derivative in l
    LogMix0LogitDl "log_mix0_logit_dl", 2, F, "\\partial_l(#1, #2)", R2, |s| Interval::PROB, |e| sf::log_mix0_logit_dl(e[0], e[1]), |g, y, x| vec![None; 2];
    /// log(w₁e^a + w₂e^b) of (w₁, w₂, a, b), w₁ + w₂ = 1
    LogMix2 "log_mix2", 4, F, "\\log(#1\\,e^{#3} + #2\\,e^{#4})", &[R, R, R, R], |s| R, |e| sf::log_mix2(e[0], e[1], e[2], e[3]),
        |g, y, x| { let a = g.apply(Op::Sub, &[x[2], y]); let a = g.apply(Op::Exp, &[a]); let b = g.apply(Op::Sub, &[x[3], y]); let b = g.apply(Op::Exp, &[b]);
            let da = g.apply(Op::LogMix2Dl, &[x[0], x[2], y]); let db = g.apply(Op::LogMix2Dl, &[x[1], x[3], y]); vec![Some(a), Some(b), Some(da), Some(db)] };
    /// The share w·e^(l − y) of a component, 0 when w is 0
    LogMix2Dl "log_mix2_dl", 3, F, "#1\\,e^{#2 - #3}", R3, |s| Interval::PROB, |e| sf::log_mix2_dl(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// The same with weights sigmoid(z) and sigmoid(−z), of (z, l₁, l₂)
    LogMix2Logit "log_mix2_logit", 3, F, "\\log(\\operatorname{sigmoid}(#1)\\,e^{#2} + \\operatorname{sigmoid}(-#1)\\,e^{#3})", R3, |s| R, |e| sf::log_mix2_logit(e[0], e[1], e[2]),
        |g, y, x| { let n = g.apply(Op::Neg, &[x[0]]); let a = g.apply(Op::LogMix2LogitDl, x); let b = g.apply(Op::LogMix2LogitDl, &[n, x[2], x[1]]); vec![Some(g.apply(Op::LogMix2LogitDz, x)), Some(a), Some(b)] };
    /// Its derivative in z
    LogMix2LogitDz "log_mix2_logit_dz", 3, F, "\\partial_z(#1, #2, #3)", R3, |s| Interval::new(-1.0, false, 1.0, false, false), |e| sf::log_mix2_logit_dz(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// Its derivative in l₁, the share of the first component
    LogMix2LogitDl "log_mix2_logit_dl", 3, F, "\\partial_l(#1, #2, #3)", R3, |s| Interval::PROB, |e| sf::log_mix2_logit_dl(e[0], e[1], e[2]), |g, y, x| vec![None; 3];
    /// log Γ(x + k) − log Γ(x)
    LogRising "log_rising", 2, F, "\\left(\\log\\Gamma(#1 + #2) - \\log\\Gamma(#1)\\right)", R2, |s| R, |e| sf::log_rising(e[0], e[1]),
        |g, y, x| { let d = g.apply(Op::DigammaDiff, x); let s = g.apply(Op::Add, &[x[0], x[1]]); let p = g.apply(Op::Digamma, &[s]); vec![Some(d), Some(p)] };
    /// ψ(x + k) − ψ(x)
    DigammaDiff "digamma_diff", 2, F, "\\left(\\psi(#1 + #2) - \\psi(#1)\\right)", R2, |s| R, |e| sf::digamma_diff(e[0], e[1]),
        |g, y, x| { let s = g.apply(Op::Add, &[x[0], x[1]]); let up = g.apply(Op::Trigamma, &[s]); let low = g.apply(Op::Trigamma, &[x[0]]); vec![Some(g.apply(Op::Sub, &[up, low])), Some(up)] };
    /// log Γ(x + k) − log Γ(x) − k·log x
    LogRisingRatio "log_rising_ratio", 2, F, "\\left(\\log\\frac{\\Gamma(#1 + #2)}{\\Gamma(#1)} - #2\\log #1\\right)", R2, |s| R, |e| sf::log_rising_ratio(e[0], e[1]),
        |g, y, x| { let d = g.apply(Op::DigammaDiffRatio, x); let s = g.apply(Op::Add, &[x[0], x[1]]); let p = g.apply(Op::Digamma, &[s]); let l = g.apply(Op::Log, &[x[0]]); vec![Some(d), Some(g.apply(Op::Sub, &[p, l]))] };
    /// ψ(x + k) − ψ(x) − k/x
    DigammaDiffRatio "digamma_diff_ratio", 2, F, "\\left(\\psi(#1 + #2) - \\psi(#1) - \\frac{#2}{#1}\\right)", R2, |s| R, |e| sf::digamma_diff_ratio(e[0], e[1]), |g, y, x| vec![None; 2];
    /// log B(a, b)
    Lbeta "lbeta", 2, F, "\\log\\mathrm{B}(#1, #2)", &[Interval::POSITIVE, Interval::POSITIVE], |s| R, |e| sf::lbeta(e[0], e[1]),
        |g, y, x| { let a = g.apply(Op::DigammaDiff, x); let b = g.apply(Op::DigammaDiff, &[x[1], x[0]]); vec![Some(g.apply(Op::Neg, &[a])), Some(g.apply(Op::Neg, &[b]))] };
}

impl Op {
    /// The row of the table.
    #[allow(clippy::indexing_slicing)] // Proven: the table is made from the same list as the enum.
    pub fn info(self) -> &'static OpInfo {
        &INFO[self as usize]
    }

    /// The primitive of a printed name.
    pub fn named(name: &str) -> Option<Op> {
        INFO.iter().find(|info| info.name == name).map(|info| info.op)
    }
}

/// Reductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReduceOp {
    /// Σ; empty 0
    Sum,
    /// Π; empty 1
    Prod,
    /// Largest; empty −∞
    Max,
    /// Smallest; empty +∞
    Min,
    /// log Σ exp; empty −∞
    LogSumExp,
    /// √Σx², scaled against overflow and underflow; empty 0
    Norm,
    /// Lowest index of the largest; empty −1
    ArgMax,
    /// Lowest index of the smallest; empty −1
    ArgMin,
}

impl ReduceOp {
    /// Its name in the printed IR.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Max => "max",
            ReduceOp::Min => "min",
            ReduceOp::LogSumExp => "logsumexp",
            ReduceOp::Norm => "norm",
            ReduceOp::ArgMax => "argmax",
            ReduceOp::ArgMin => "argmin",
        }
    }

    /// The value of an empty reduction, and the start of every other one.
    pub fn identity(self) -> f64 {
        match self {
            ReduceOp::Sum | ReduceOp::Norm => 0.0,
            ReduceOp::Prod => 1.0,
            ReduceOp::Max | ReduceOp::LogSumExp => f64::NEG_INFINITY,
            ReduceOp::Min => INF,
            ReduceOp::ArgMax | ReduceOp::ArgMin => -1.0,
        }
    }

    /// Support of the result over `size` elements (unknown: any number ≥ 1), some perhaps left out.
    pub fn support(self, body: Interval, size: Option<usize>, partial: bool) -> Interval {
        let may_be_empty = partial || size == Some(0);
        match self {
            ReduceOp::Sum => sum_support(body, size, may_be_empty),
            ReduceOp::Prod if body.is_subset(Interval::PROB) => {
                let unit = Interval::new(0.0, false, 1.0, body.hi_open && !may_be_empty, false);
                if body.is_positive() { unit.without_zero() } else { unit }
            }
            ReduceOp::Prod if body.is_nonneg() => {
                if body.is_positive() {
                    Interval::POSITIVE
                } else {
                    Interval::NONNEG
                }
            }
            ReduceOp::Prod => Interval::REAL,
            ReduceOp::Max | ReduceOp::Min => body,
            ReduceOp::LogSumExp => Interval::REAL,
            ReduceOp::Norm => {
                if body.is_nonzero() && !may_be_empty {
                    Interval::POSITIVE
                } else {
                    Interval::NONNEG
                }
            }
            ReduceOp::ArgMax | ReduceOp::ArgMin => Interval::integers(-1.0, size.map_or(INF, |size| size as f64 - 1.0)),
        }
    }
}

fn sum_support(body: Interval, size: Option<usize>, may_be_empty: bool) -> Interval {
    let terms = match size {
        Some(size) => Interval::closed(if may_be_empty { 0.0 } else { size as f64 }, size as f64),
        None => Interval::new(if may_be_empty { 0.0 } else { 1.0 }, false, INF, true, false),
    };
    let product = body.mul(terms);
    let sum = Interval::new(product.lo, product.lo_open, product.hi, product.hi_open, body.integral);
    let one_sign = body.is_positive() || body.is_negative();
    if one_sign && !may_be_empty { sum.without_zero() } else { sum }
}

fn truth(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

fn log_end(x: f64) -> f64 {
    if x <= 0.0 { f64::NEG_INFINITY } else { x.ln() }
}

fn sqrt_end(x: f64) -> f64 {
    x.max(0.0).sqrt()
}

/// The image under an increasing positive function; where all of it underflows, the least positive number bounds it.
fn positive(x: Interval, f: fn(f64) -> f64) -> Interval {
    let image = x.monotone(f, true).without_zero();
    if image.hi == 0.0 { Interval::new(0.0, true, f64::from_bits(1), false, false) } else { image }
}

/// The image of a function with f(0) = 0 and f(x) ≠ 0 elsewhere.
fn keep_zero(argument: Interval, image: Interval) -> Interval {
    if argument.zero { image } else { image.without_zero() }
}

fn square_support(x: Interval) -> Interval {
    let magnitude = abs_support(x);
    let square = magnitude.monotone(|x| x * x, true);
    let square = Interval::new(square.lo, square.lo_open, square.hi, square.hi_open, x.integral);
    keep_zero(x, square)
}

fn abs_support(x: Interval) -> Interval {
    if x.lo >= 0.0 {
        return x;
    }
    if x.hi <= 0.0 {
        return x.neg();
    }
    let negative = Interval::new(0.0, false, -x.lo, x.lo_open, x.integral);
    let positive = Interval::new(0.0, false, x.hi, x.hi_open, x.integral);
    keep_zero(x, negative.union(positive))
}

fn sign_support(x: Interval) -> Interval {
    let low = if x.is_positive() {
        1.0
    } else if x.is_nonneg() {
        0.0
    } else {
        -1.0
    };
    let high = if x.is_negative() {
        -1.0
    } else if x.is_nonpos() {
        0.0
    } else {
        1.0
    };
    keep_zero(x, Interval::integers(low, high))
}

fn floor_support(x: Interval) -> Interval {
    // floor of an open upper end at a whole number is one less.
    let hi = if x.hi_open && x.hi.fract() == 0.0 { x.hi - 1.0 } else { x.hi.floor() };
    Interval::new(x.lo.floor(), false, hi, false, true)
}

fn min_support(a: Interval, b: Interval) -> Interval {
    let neg_lo = a.lo.min(b.lo);
    let lo_open = [a, b].iter().all(|i| i.lo != neg_lo || i.lo_open);
    let hi = a.hi.min(b.hi);
    let hi_open = [a, b].iter().any(|i| i.hi == hi && i.hi_open);
    let result = Interval::new(neg_lo, lo_open, hi, hi_open, a.integral && b.integral);
    if a.zero || b.zero { result } else { result.without_zero() }
}

fn compare_support(a: Interval, b: Interval, strict: bool) -> Interval {
    let always = a.hi < b.lo || (a.hi == b.lo && (!strict || a.hi_open || b.lo_open));
    let never = b.hi < a.lo || (b.hi == a.lo && (strict || b.hi_open || a.lo_open));
    match (always, never) {
        (true, false) => Interval::point(1.0),
        (false, true) => Interval::point(0.0),
        _ => Interval::BOOL,
    }
}

fn pow_support(x: Interval, y: Interval) -> Interval {
    let image = match y.as_point() {
        Some(0.0) => return Interval::point(1.0),
        Some(n) if n.fract() == 0.0 && n % 2.0 == 0.0 => {
            let even = abs_support(x).monotone(|x| x.powf(n.abs()), true);
            if n > 0.0 { keep_zero(x, even) } else { even.recip() }
        }
        Some(n) if n.fract() == 0.0 => {
            let odd = x.monotone(|x| x.powf(n.abs()), true);
            if n > 0.0 { keep_zero(x, odd) } else { keep_zero(x, odd).recip() }
        }
        Some(n) if x.is_nonneg() => {
            let power = keep_zero(x, x.monotone(|x| x.powf(n.abs()), true));
            if n > 0.0 { power } else { power.recip() }
        }
        _ if x.is_positive() && x.hi <= 1.0 && y.is_nonneg() => Interval::new(0.0, true, 1.0, false, false),
        _ if x.is_positive() => Interval::POSITIVE,
        _ if x.is_nonneg() && y.is_nonneg() => Interval::NONNEG,
        _ => Interval::REAL,
    };
    let integral = x.integral && y.integral && y.is_nonneg();
    Interval { integral, ..image }
}

#[allow(clippy::indexing_slicing)] // Proven: two arguments.
fn pow_derivative(g: &mut Graph, y: NodeId, x: &[NodeId]) -> Vec<Option<NodeId>> {
    let one = g.constant(1.0);
    let less = g.apply(Op::Sub, &[x[1], one]);
    let power = g.apply(Op::Pow, &[x[0], less]);
    // x^0 has derivative 0, also at x = 0.
    let times = if g.support(x[1]).is_nonzero() { Op::Mul } else { Op::MulZero };
    let base = g.apply(times, &[x[1], power]);
    let exponent = (g.as_const(x[1]).is_none() && g.support(x[0]).is_nonneg()).then(|| {
        let log = g.apply(Op::Log, &[x[0]]);
        g.apply(Op::MulZero, &[y, log])
    });
    vec![Some(base), exponent]
}

/// c·exp(−x²)
fn gauss(g: &mut Graph, x: NodeId, c: f64) -> NodeId {
    let square = g.apply(Op::Square, &[x]);
    let negative = g.apply(Op::Neg, &[square]);
    let exp = g.apply(Op::Exp, &[negative]);
    let c = g.constant(c);
    g.apply(Op::Mul, &[c, exp])
}

/// Derivatives of a negative binomial log mass in μ and log μ. Where μ can be 0 no derivative in log μ can say what a zero
/// count tells: there the one in μ is φ/(φ+μ) downwards.
#[allow(clippy::indexing_slicing)] // Proven: five arguments.
fn neg_binomial_by_mean(g: &mut Graph, x: &[NodeId]) -> (Option<NodeId>, NodeId) {
    let by_log = g.apply(Op::NegBinomialDlogmean, x);
    if g.support(x[1]).is_positive() {
        return (None, by_log);
    }
    let [zero, one, minus] = [0.0, 1.0, -1.0].map(|value| g.constant(value));
    let none = g.apply(Op::Eq, &[x[0], zero]);
    let odds = g.apply(Op::Div, &[x[1], x[3]]);
    let inverse_share = g.apply(Op::Add, &[one, odds]);
    let share = g.apply(Op::Div, &[minus, inverse_share]);
    let by_mean = g.apply(Op::Select, &[none, share, zero]);
    (Some(by_mean), g.apply(Op::Select, &[none, zero, by_log]))
}

/// 1/y, and 0 at y = 0.
fn reciprocal_or_zero(g: &mut Graph, y: NodeId) -> NodeId {
    let [zero, one] = [0.0, 1.0].map(|value| g.constant(value));
    if g.support(y).is_nonzero() {
        return g.apply(Op::Div, &[one, y]);
    }
    let reciprocal = g.apply(Op::Div, &[one, y]);
    g.apply(Op::Select, &[y, reciprocal, zero])
}

/// Where k·log p is derived: in log p, or in p where that can be 0 and k with it.
fn by_log(g: &mut Graph, k: NodeId, p: NodeId) -> (Option<NodeId>, Option<NodeId>) {
    if g.support(p).is_positive() { (None, Some(k)) } else { (Some(g.apply(Op::ZeroDiv, &[k, p])), None) }
}
