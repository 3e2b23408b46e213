//! Checks against `tests/data/special/{table,tails}.tsv`, made with mpmath by `make.py` and `tails.py` beside them, and at the ends of the range.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use std::collections::BTreeMap;

#[cfg(feature = "data")]
mod families;

const TABLES: [&str; 2] =
    [include_str!("../../../tests/data/special/table.tsv"), include_str!("../../../tests/data/special/tails.tsv")];

/// Error bounds, in units of 2⁻⁵³ relative to |value|·max(1, condition number). Measured maxima are about half of these.
/// Of the distribution functions the worst are shapes of 10⁻⁸, whose integral has a plateau of hundreds and an edge of 1;
/// and the derivative in ν next to the median, a difference of numbers 10⁴ times as large.
const BOUNDS: &[(&str, f64)] = &[
    ("bessel_i1_ratio", 16.0),
    ("beta_da", 64.0),
    ("beta_lp", 32.0),
    ("beta_mean_dlogprec", 32.0),
    ("beta_mean_lp", 64.0),
    ("log_beta_i", 1024.0),
    ("log_beta_i_da", 1024.0),
    ("log_beta_i_db", 2048.0),
    ("log_gamma_p", 64.0),
    ("log_gamma_p_da", 64.0),
    ("log_gamma_q", 64.0),
    ("log_gamma_q_da", 128.0),
    ("log_mix0_logit_dz", 16.0),
    ("log_student_t_cdf", 16.0),
    ("log_student_t_cdf_dnu", 4e4),
    ("poisson_above_slope", 32.0),
    ("student_t_lp", 400.0),
];

fn evaluate(name: &str, x: &[f64]) -> f64 {
    let one: Option<fn(f64) -> f64> = match name {
        "sigmoid" => Some(sigmoid),
        "softplus" => Some(softplus),
        "log_softplus" => Some(log_softplus),
        "softplus_ratio" => Some(softplus_ratio),
        "log1mexp" => Some(log1mexp),
        "log_cloglog" => Some(log_cloglog),
        "log_cloglog_slope" => Some(log_cloglog_slope),
        "log1pmx" => Some(log1pmx),
        "log_cosh" => Some(log_cosh),
        "lgamma" => Some(lgamma),
        "digamma" => Some(digamma),
        "trigamma" => Some(trigamma),
        "tetragamma" => Some(tetragamma),
        "log_minus_digamma" => Some(log_minus_digamma),
        "stirlerr" => Some(stirlerr),
        "poisson_peak" => Some(poisson_peak),
        "poisson_peak_da" => Some(poisson_peak_da),
        "erf" => Some(erf),
        "erfc" => Some(erfc),
        "ndtr" => Some(ndtr),
        "log_ndtr" => Some(log_ndtr),
        "inv_mills" => Some(inv_mills),
        "log_bessel_i0" => Some(log_bessel_i0),
        "bessel_i1_ratio" => Some(bessel_i1_ratio),
        _ => None,
    };
    match (one, x) {
        (Some(f), [x]) => f(*x),
        (None, [a, b]) => two(name, *a, *b),
        (None, [a, b, c]) => three(name, *a, *b, *c),
        _ => panic!("{name} with {} arguments", x.len()),
    }
}

fn two(name: &str, a: f64, b: f64) -> f64 {
    match name {
        "log_rising" => log_rising(a, b),
        "log_rising_ratio" => log_rising_ratio(a, b),
        "digamma_diff" => digamma_diff(a, b),
        "digamma_diff_ratio" => digamma_diff_ratio(a, b),
        "lbeta" => lbeta(a, b),
        "logaddexp" => logaddexp(a, b),
        "poisson_lp" => poisson_lp(a, b, b.ln()),
        "log_gamma_p" => log_gamma_p(a, b, b.ln()),
        "log_gamma_q" => log_gamma_q(a, b, b.ln()),
        "log_gamma_p_da" => log_gamma_p_da(a, b, b.ln()),
        "log_gamma_q_da" => log_gamma_q_da(a, b, b.ln()),
        "log_student_t_cdf" => log_student_t_cdf(a, b, b.ln()),
        "log_student_t_cdf_dnu" => log_student_t_cdf_dnu(a, b, b.ln()),
        "log_mix0_logit" => log_mix0_logit(a, b),
        "log_mix0_logit_dz" => log_mix0_logit_dz(a, b),
        "log_mix0_logit_dl" => log_mix0_logit_dl(a, b),
        _ => panic!("{name}"),
    }
}

fn three(name: &str, a: f64, b: f64, c: f64) -> f64 {
    let mean = |f: fn(f64, f64, f64, f64, f64, f64, f64, f64) -> f64| {
        f(a, 1.0 - a, b, 1.0 - b, b.ln(), (-b).ln_1p(), c, c.ln())
    };
    match name {
        "poisson_above_lp" => poisson_above_lp(a, b, c, c.ln()),
        "poisson_above_slope" => poisson_above_slope(a, b, c, c.ln()),
        "binomial_lp" => binomial_lp(a, b, c, 1.0 - c, c.ln(), (-c).ln_1p()),
        "neg_binomial_lp" => neg_binomial_lp(a, b, b.ln(), c, c.ln()),
        "neg_binomial_dlogmean" => neg_binomial_dlogmean(a, b, b.ln(), c, c.ln()),
        "neg_binomial_dlogsize" => neg_binomial_dlogsize(a, b, b.ln(), c, c.ln()),
        "student_t_lp" => student_t_lp(a, b, b.ln(), c, c.ln()),
        "student_t_dr" => student_t_dr(a, b, b.ln(), c, c.ln()),
        "student_t_dlogscale" => student_t_dlogscale(a, b, b.ln(), c, c.ln()),
        "student_t_dlognu" => student_t_dlognu(a, b, b.ln(), c, c.ln()),
        "beta_lp" => beta_lp(a, 1.0 - a, b, c),
        "log_beta_i" => log_beta_i(a, b, c),
        "log_beta_i_da" => log_beta_i_da(a, b, c),
        "log_beta_i_db" => log_beta_i_db(a, b, c),
        "beta_da" => beta_da(a, 1.0 - a, b, c),
        "beta_mean_lp" => mean(beta_mean_lp),
        "beta_mean_dlogprec" => mean(beta_mean_dlogprec),
        _ => panic!("{name}"),
    }
}

/// Error in units of 2⁻⁵³·|truth|·max(1, cond); an infinity where the truth overflows and a 0 where it underflows are right.
fn error(value: f64, truth: f64, condition: f64) -> f64 {
    if value == truth || (truth.abs() < 1e-307 && value.abs() < 1e-307) {
        return 0.0;
    }
    let scale = truth.abs() * condition.max(1.0) * 2f64.powi(-53);
    let error = ((value - truth) / scale).abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn agrees_with_the_table() {
    let mut worst: BTreeMap<&str, (f64, &str, f64)> = BTreeMap::new();
    for line in TABLES.iter().flat_map(|table| table.lines()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let x: Vec<f64> = cells[3..].iter().map(|c| c.parse().unwrap()).collect();
        let value = evaluate(cells[0], &x);
        let error = error(value, cells[1].parse().unwrap(), cells[2].parse().unwrap());
        let entry = worst.entry(cells[0]).or_insert((-1.0, line, value));
        if error > entry.0 {
            *entry = (error, line, value);
        }
    }
    let mut failures = Vec::new();
    for (name, (error, line, value)) in worst {
        let bound = BOUNDS.iter().find(|b| b.0 == name).map_or(8.0, |b| b.1);
        println!("{name}: {error:.1} of {bound} ({value:e}) {line}");
        if error.is_nan() || error > bound {
            failures.push(format!("{name}: {error:.3e} > {bound} ({value:e}) {line}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Arguments at the ends of the range: an answer, and at once.
#[test]
fn distribution_functions_end() {
    let ends = [0.0, 5e-324, 1e-300, 1e-20, 1.0, 1e20, 1e200, 1e300, f64::INFINITY];
    for a in ends {
        for x in ends {
            let p = [log_gamma_p(a, x, x.ln()), log_gamma_q(a, x, x.ln())];
            // One of two probabilities that add to 1 is at least ½; both limits at once have none.
            let known = !(a == x && (a < 1e-307 || a == f64::INFINITY)) && a.max(x) > 1e-307;
            assert!(!known || p[0].max(p[1]) > -0.7, "P, Q({a}, {x}): {p:?}");
            for t in [-1e5, -800.0, 0.0, 3.0, 800.0] {
                let i = [log_beta_i(t, a, x), log_beta_i(-t, x, a)];
                let known = !(a == x && (a < 1e-307 || a == f64::INFINITY)) && a.max(x) > 1e-307;
                assert!(!known || i[0].max(i[1]) > -0.7, "I at {t} of ({a}, {x}): {i:?}");
            }
        }
        for z in [-1e300, -1.0, 0.0, 1e300] {
            assert!(log_student_t_cdf(z, a, a.ln()) <= 0.0 || a == 0.0, "T({z}, {a})");
        }
    }
}
