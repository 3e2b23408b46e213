//! The table of block functions: each a kernel (lanes and reference), its entry points, and the primitives it gives.

use super::block::{Kernel, run};
use super::elementary as e;
use super::gamma as g;
use super::lane::Lane;
use super::level::level;
use super::{Address, Function};
use crate::ir::op::Op;
use crate::ir::special as sf;

/// A kernel from its lanes and reference, and its two entry points.
macro_rules! kernels {
    ($($name:ident ($($x:ident),+) -> [$($y:ident),+]; |$lane:ident| $lanes:expr; $scalar:expr; [$($op:ident),+], $f32:ident, $f64:ident;)*) => {
        $(
            pub(super) struct $name;

            impl Kernel<{ count!($($x)+) }, { count!($($y)+) }> for $name {
                #[inline(always)]
                fn lanes<$lane: Lane>(x: [$lane; count!($($x)+)]) -> ([$lane; count!($($y)+)], $lane::Mask) {
                    let [$($x),+] = x;
                    $lanes
                }
                fn scalar(x: [f64; count!($($x)+)]) -> [f64; count!($($y)+)] {
                    let [$($x),+] = x;
                    $scalar
                }
            }

            kernels!(@entry $name, $f32, f32, [$($x),+], [$($y),+]);
            kernels!(@entry $name, $f64, f64, [$($x),+], [$($y),+]);
        )*

        /// The table. A function with several outputs stands before those with one, and is used when all are asked for.
        pub(in super::super) static TABLE: &[Function] = &[
            $(Function { name: stringify!($f64), ops: &[$(Op::$op),+], f32: Address($f32 as *const ()), f64: Address($f64 as *const ()) }),*
        ];
    };
    (@entry $name:ident, $entry:ident, $element:ident, [$($x:ident),+], [$($y:ident),+]) => {
        /// # Safety
        /// Every pointer is valid for `n` elements; an output equals an input or overlaps nothing.
        unsafe extern "C" fn $entry($($y: *mut $element,)+ $($x: *const $element,)+ n: usize) {
            // SAFETY: the caller's promise; the level is the machine's.
            unsafe { run::<$element, $name, { count!($($x)+) }, { count!($($y)+) }>(level(), [$($y),+], [$($x),+], n) }
        }
    };
}

macro_rules! count {
    ($a:ident) => {
        1
    };
    ($a:ident $b:ident) => {
        2
    };
    ($a:ident $b:ident $c:ident) => {
        3
    };
    ($a:ident $b:ident $c:ident $d:ident) => {
        4
    };
    ($a:ident $b:ident $c:ident $d:ident $f:ident) => {
        5
    };
}

/// All lanes hold.
#[inline(always)]
fn always<L: Lane>() -> L::Mask {
    L::splat(0.0).le(L::splat(0.0))
}

kernels! {
    SoftplusFamily(x) -> [a, b, c, d]; |L| (e::softplus_family(x), finite(x));
        [sf::softplus(x), sf::sigmoid(x), sf::log_softplus(x), sf::softplus_ratio(x)];
        [Softplus, Sigmoid, LogSoftplus, SoftplusRatio], softplus_family_f32, softplus_family_f64;
    SoftplusLogRatio(x) -> [a, b, c]; |L| { let [a, _, b, c] = e::softplus_family(x); ([a, b, c], finite(x)) };
        [sf::softplus(x), sf::log_softplus(x), sf::softplus_ratio(x)];
        [Softplus, LogSoftplus, SoftplusRatio], softplus_log_ratio_f32, softplus_log_ratio_f64;
    SoftplusLog(x) -> [a, b]; |L| { let [a, _, b, _] = e::softplus_family(x); ([a, b], finite(x)) };
        [sf::softplus(x), sf::log_softplus(x)]; [Softplus, LogSoftplus], softplus_log_f32, softplus_log_f64;
    SoftplusSigmoid(x) -> [y, z]; |L| { let (y, z) = e::softplus_sigmoid(x); ([y, z], always::<L>()) };
        [sf::softplus(x), sf::sigmoid(x)]; [Softplus, Sigmoid], softplus_sigmoid_f32, softplus_sigmoid_f64;
    LogSoftplusRatio(x) -> [y, z]; |L| { let [_, _, y, z] = e::softplus_family(x); ([y, z], finite(x)) };
        [sf::log_softplus(x), sf::softplus_ratio(x)]; [LogSoftplus, SoftplusRatio], log_softplus_ratio_f32, log_softplus_ratio_f64;
    LgammaDigamma(x) -> [y, z]; |L| g::lgamma_digamma(x);
        [sf::lgamma(x), sf::digamma(x)]; [Lgamma, Digamma], lgamma_digamma_f32, lgamma_digamma_f64;
    Exp(x) -> [y]; |L| ([e::exp(x)], always::<L>()); [sf::exp(x)]; [Exp], exp_f32, exp_f64;
    Expm1(x) -> [y]; |L| ([e::expm1(x)], always::<L>()); [sf::expm1(x)]; [Expm1], expm1_f32, expm1_f64;
    Log(x) -> [y]; |L| ([e::log(x)], e::is_normal(x)); [sf::log(x)]; [Log], log_f32, log_f64;
    Log1p(x) -> [y]; |L| ([e::log1p(x)], e::log1p_domain(x)); [sf::log1p(x)]; [Log1p], log1p_f32, log1p_f64;
    Log1pmx(x) -> [y]; |L| ([e::log1pmx(x)], e::log1p_domain(x)); [sf::log1pmx(x)]; [Log1pmx], log1pmx_f32, log1pmx_f64;
    Softplus(x) -> [y]; |L| ([e::softplus_sigmoid(x).0], always::<L>()); [sf::softplus(x)]; [Softplus], softplus_f32, softplus_f64;
    Sigmoid(x) -> [y]; |L| ([e::softplus_sigmoid(x).1], always::<L>()); [sf::sigmoid(x)]; [Sigmoid], sigmoid_f32, sigmoid_f64;
    LogSoftplus(x) -> [y]; |L| { let [_, _, y, _] = e::softplus_family(x); ([y], finite(x)) }; [sf::log_softplus(x)]; [LogSoftplus], log_softplus_f32, log_softplus_f64;
    SoftplusRatio(x) -> [y]; |L| { let [_, _, _, y] = e::softplus_family(x); ([y], finite(x)) }; [sf::softplus_ratio(x)]; [SoftplusRatio], softplus_ratio_f32, softplus_ratio_f64;
    Tanh(x) -> [y]; |L| ([e::tanh(x)], always::<L>()); [sf::tanh(x)]; [Tanh], tanh_f32, tanh_f64;
    LogAddExp(a, b) -> [y]; |L| ([e::logaddexp(a, b)], L::and(finite(a), finite(b))); [sf::logaddexp(a, b)]; [LogAddExp], logaddexp_f32, logaddexp_f64;
    Lgamma(x) -> [y]; |L| { let ([y, _], good) = g::lgamma_digamma(x); ([y], good) }; [sf::lgamma(x)]; [Lgamma], lgamma_f32, lgamma_f64;
    Digamma(x) -> [y]; |L| { let ([_, y], good) = g::lgamma_digamma(x); ([y], good) }; [sf::digamma(x)]; [Digamma], digamma_f32, digamma_f64;
    PoissonLp(k, rate, log_rate) -> [y]; |L| { let (y, good) = g::poisson_lp(k, rate, log_rate); ([y], good) };
        [sf::poisson_lp(k, rate, log_rate)]; [PoissonLp], poisson_lp_f32, poisson_lp_f64;
    NegBinomial(k, mean, log_mean, size, log_size) -> [y, dmean, dsize];
        |L| { let _ = (log_mean, log_size); g::neg_binomial(k, mean, size) };
        [sf::neg_binomial_lp(k, mean, log_mean, size, log_size), sf::neg_binomial_dlogmean(k, mean, log_mean, size, log_size), sf::neg_binomial_dlogsize(k, mean, log_mean, size, log_size)];
        [NegBinomialLp, NegBinomialDlogmean, NegBinomialDlogsize], neg_binomial_f32, neg_binomial_f64;
    NegBinomialLp(k, mean, log_mean, size, log_size) -> [y];
        |L| { let _ = (log_mean, log_size); let ([y, _, _], good) = g::neg_binomial(k, mean, size); ([y], good) };
        [sf::neg_binomial_lp(k, mean, log_mean, size, log_size)]; [NegBinomialLp], neg_binomial_lp_f32, neg_binomial_lp_f64;
    NegBinomialDlogmean(k, mean, log_mean, size, log_size) -> [y];
        |L| { let _ = (log_mean, log_size); let ([_, y, _], good) = g::neg_binomial(k, mean, size); ([y], good) };
        [sf::neg_binomial_dlogmean(k, mean, log_mean, size, log_size)]; [NegBinomialDlogmean], neg_binomial_dlogmean_f32, neg_binomial_dlogmean_f64;
    NegBinomialDlogsize(k, mean, log_mean, size, log_size) -> [y];
        |L| { let _ = (log_mean, log_size); let ([_, _, y], good) = g::neg_binomial(k, mean, size); ([y], good) };
        [sf::neg_binomial_dlogsize(k, mean, log_mean, size, log_size)]; [NegBinomialDlogsize], neg_binomial_dlogsize_f32, neg_binomial_dlogsize_f64;
}

/// Neither infinite nor NaN.
#[inline(always)]
fn finite<L: Lane>(x: L) -> L::Mask {
    x.abs().le(L::splat(e::limits::<L>().huge))
}
