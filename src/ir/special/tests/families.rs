//! The families of the standard library, written with the fused primitives as the compiler writes them, against
//! `tests/cases/reference`: value and every derivative within the case's tolerance class.

use super::super::*;
use serde_json::Value;
use std::collections::BTreeMap;

const DENSITIES: &str = include_str!("../../../../tests/cases/reference/density.jsonl");
const COMPOSED: &str = include_str!("../../../../tests/cases/reference/compositional.jsonl");

/// A case's arguments by name.
struct Arguments<'a>(&'a Value);

impl Arguments<'_> {
    fn get(&self, name: &str) -> f64 {
        self.0[name].as_str().unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    }
}

/// The value, and the derivatives by argument.
type Answer = (f64, Vec<(&'static str, f64)>);

/// A positive parameter by its value: (θ, log θ, d log θ/d argument applied to D).
fn natural(x: f64) -> (f64, f64, impl Fn(f64) -> f64) {
    (x, x.ln(), move |d: f64| zero_div(d, x))
}

fn exponential(x: f64) -> (f64, f64, impl Fn(f64) -> f64) {
    (x.exp(), x, |d: f64| d)
}

fn plus(x: f64) -> (f64, f64, impl Fn(f64) -> f64) {
    (softplus(x), log_softplus(x), move |d: f64| d * softplus_ratio(x))
}

/// A scale with its logarithm and the chain to its argument.
type Positive<F> = (f64, f64, F);

fn poisson_of<F: Fn(f64) -> f64>(k: f64, (rate, log_rate, _): &Positive<F>) -> f64 {
    poisson_lp(k, *rate, *log_rate)
}

fn normal_of<F: Fn(f64) -> f64>(r: f64, (s, ls, chain): Positive<F>, name: &'static str) -> Answer {
    let dr = normal_dr(r, s);
    (normal_lp(r, s, ls), vec![("x", dr), ("mu", -dr), (name, chain(normal_dlogscale(r, s)))])
}

fn laplace_of<F: Fn(f64) -> f64>(r: f64, (s, ls, chain): Positive<F>, name: &'static str) -> Answer {
    let dr = laplace_dr(r, s);
    (laplace_lp(r, s, ls), vec![("x", dr), ("mu", -dr), (name, chain(laplace_dlogscale(r, s)))])
}

fn student_of<F: Fn(f64) -> f64, G: Fn(f64) -> f64>(
    r: f64,
    s: (Positive<F>, &'static str),
    n: (Positive<G>, &'static str),
) -> Answer {
    let ((scale, ls, by_scale), scale_name) = s;
    let ((nu, ln, by_nu), nu_name) = n;
    let dr = student_t_dr(r, scale, ls, nu, ln);
    let dscale = by_scale(student_t_dlogscale(r, scale, ls, nu, ln));
    let dnu = by_nu(student_t_dlognu(r, scale, ls, nu, ln));
    (student_t_lp(r, scale, ls, nu, ln), vec![("x", dr), ("mu", -dr), (scale_name, dscale), (nu_name, dnu)])
}

fn neg_binomial_of<F: Fn(f64) -> f64, G: Fn(f64) -> f64>(
    k: f64,
    m: (Positive<F>, &'static str),
    s: (Positive<G>, &'static str),
) -> Answer {
    let ((mean, lm, by_mean), mean_name) = m;
    let ((size, ls, by_size), size_name) = s;
    let dmean = neg_binomial_dlogmean(k, mean, lm, size, ls);
    let dsize = neg_binomial_dlogsize(k, mean, lm, size, ls);
    (neg_binomial_lp(k, mean, lm, size, ls), vec![(mean_name, by_mean(dmean)), (size_name, by_size(dsize))])
}

/// Inflation of a mass at zero, by π.
fn inflated(k: f64, pi: f64, at_zero: f64, value: f64, slopes: &[(&'static str, f64)]) -> Answer {
    let omega = 1.0 - pi;
    if k > 0.0 {
        let mut all = vec![("pi", -1.0 / omega)];
        all.extend_from_slice(slopes);
        return ((-pi).ln_1p() + value, all);
    }
    let weight = log_mix0_dl(pi, omega, at_zero);
    let mut all = vec![("pi", log_mix0_dpi(pi, omega, at_zero))];
    all.extend(slopes.iter().map(|(name, d)| (*name, weight * d)));
    (log_mix0(pi, omega, at_zero), all)
}

fn counts(dist: &str, a: &Arguments) -> Option<Answer> {
    let k = a.0.get("k").map_or(0.0, |_| a.get("k"));
    Some(match dist {
        "poisson" => {
            let rate = a.get("lambda");
            (poisson_of(k, &natural(rate)), vec![("lambda", zero_div(k, rate) - 1.0)])
        }
        "poisson_log" => {
            let rate = exponential(a.get("eta"));
            (poisson_of(k, &rate), vec![("eta", k - rate.0)])
        }
        "poisson_softplus" => {
            let s = a.get("s");
            (poisson_of(k, &plus(s)), vec![("s", k * softplus_ratio(s) - sigmoid(s))])
        }
        "neg_binomial_2" => neg_binomial_of(k, (natural(a.get("mu")), "mu"), (natural(a.get("phi")), "phi")),
        "neg_binomial_2_log" => neg_binomial_of(k, (exponential(a.get("eta")), "eta"), (natural(a.get("phi")), "phi")),
        "neg_binomial" => {
            let (alpha, beta) = (a.get("alpha"), a.get("beta"));
            let (mean, lm, lb) = (alpha / beta, alpha.ln() - beta.ln(), alpha.ln());
            let dmean = neg_binomial_dlogmean(k, mean, lm, alpha, lb);
            let dsize = neg_binomial_dlogsize(k, mean, lm, alpha, lb);
            (neg_binomial_lp(k, mean, lm, alpha, lb), vec![("alpha", (dmean + dsize) / alpha), ("beta", -dmean / beta)])
        }
        "nb2_exp_exp" => neg_binomial_of(k, (exponential(a.get("eta")), "eta"), (exponential(a.get("a")), "a")),
        "zi_poisson" => {
            let rate = a.get("lambda");
            inflated(k, a.get("pi"), -rate, poisson_of(k, &natural(rate)), &[("lambda", zero_div(k, rate) - 1.0)])
        }
        "zi_poisson_logit_log" => {
            let (z, rate) = (a.get("z"), exponential(a.get("eta")));
            let slope = k - rate.0;
            if k > 0.0 {
                (poisson_of(k, &rate) - softplus(z), vec![("z", -sigmoid(z)), ("eta", slope)])
            } else {
                let value = log_mix0_logit(z, -rate.0);
                (value, vec![("z", log_mix0_logit_dz(z, -rate.0)), ("eta", log_mix0_logit_dl(z, -rate.0) * slope)])
            }
        }
        "zi_neg_binomial_2" => {
            let (mu, phi) = (a.get("mu"), a.get("phi"));
            let (at_zero, _) = neg_binomial_of(0.0, (natural(mu), "mu"), (natural(phi), "phi"));
            let (value, slopes) = neg_binomial_of(k, (natural(mu), "mu"), (natural(phi), "phi"));
            inflated(k, a.get("pi"), at_zero, value, &slopes)
        }
        "binomial" => {
            let (n, p) = (a.get("n"), a.get("p"));
            let q = 1.0 - p;
            (binomial_lp(k, n, p, q, p.ln(), (-p).ln_1p()), vec![("p", zero_div(k, p) - zero_div(n - k, q))])
        }
        "binomial_logit" => {
            let (n, z) = (a.get("n"), a.get("logit"));
            let value = binomial_lp(k, n, sigmoid(z), sigmoid(-z), -softplus(-z), -softplus(z));
            (value, vec![("logit", k * sigmoid(-z) - (n - k) * sigmoid(z))])
        }
        "bernoulli" => {
            let p = a.get("p");
            (xlogy(k, p) + xlog1py(1.0 - k, -p), vec![("p", zero_div(k, p) - zero_div(1.0 - k, 1.0 - p))])
        }
        "bernoulli_logit" => {
            let z = a.get("logit");
            (-(k * softplus(-z) + (1.0 - k) * softplus(z)), vec![("logit", k * sigmoid(-z) - (1.0 - k) * sigmoid(z))])
        }
        _ => return None,
    })
}

fn reals(dist: &str, a: &Arguments) -> Option<Answer> {
    let r = || a.get("x") - a.get("mu");
    Some(match dist {
        "normal" => normal_of(r(), natural(a.get("sigma")), "sigma"),
        "normal_exp" => normal_of(r(), exponential(a.get("s")), "s"),
        "normal_softplus" => normal_of(r(), plus(a.get("s")), "s"),
        "laplace" => laplace_of(r(), natural(a.get("b")), "b"),
        "laplace_exp" => laplace_of(r(), exponential(a.get("s")), "s"),
        "student_t" => student_of(r(), (natural(a.get("sigma")), "sigma"), (natural(a.get("nu")), "nu")),
        "student_t_softplus" => {
            let n = a.get("n");
            let nu = 2.0 + softplus(n);
            student_of(r(), (plus(a.get("s")), "s"), ((nu, nu.ln(), move |d: f64| d / nu * sigmoid(n)), "n"))
        }
        "lognormal" => {
            let (x, s) = (a.get("x"), a.get("sigma"));
            let r = x.ln() - a.get("mu");
            let dr = normal_dr(r, s);
            let slopes = vec![("x", (dr - 1.0) / x), ("mu", -dr), ("sigma", normal_dlogscale(r, s) / s)];
            (normal_lp(r, s, s.ln()) - x.ln(), slopes)
        }
        "exponential" => {
            let (x, rate) = (a.get("x"), a.get("lambda"));
            (rate.ln() - rate * x, vec![("x", -rate), ("lambda", 1.0 / rate - x)])
        }
        "gamma" => {
            let (x, shape, rate) = (a.get("x"), a.get("alpha"), a.get("beta"));
            let (z, lz) = (rate * x, rate.ln() + x.ln());
            let value = poisson_lp(shape, z, lz) + shape.ln() - x.ln();
            let dshape = lz - digamma(shape + 1.0) + 1.0 / shape;
            (value, vec![("x", zero_div(shape - 1.0, x) - rate), ("alpha", dshape), ("beta", shape / rate - x)])
        }
        "gamma_mean_exp" => {
            let (x, eta, log_shape) = (a.get("x"), a.get("eta"), a.get("a"));
            let shape = log_shape.exp();
            let (ratio, log_ratio) = (x / eta.exp(), x.ln() - eta);
            let deviance = log_dev(ratio, log_ratio);
            let value = log_shape - x.ln() + poisson_peak(shape) + shape * deviance;
            let slopes = vec![
                ("x", (shape * (1.0 - ratio) - 1.0) / x),
                ("eta", -shape * (1.0 - ratio)),
                ("a", 1.0 + shape * (poisson_peak_da(shape) + deviance)),
            ];
            (value, slopes)
        }
        "beta" => {
            let (x, p, q) = (a.get("x"), a.get("alpha"), a.get("beta"));
            let y = 1.0 - x;
            let dx = zero_div(p - 1.0, x) - zero_div(q - 1.0, y);
            (beta_lp(x, y, p, q), vec![("x", dx), ("alpha", beta_da(x, y, p, q)), ("beta", beta_da(y, x, q, p))])
        }
        "beta_proportion" => {
            let (x, m, kappa) = (a.get("x"), a.get("mu"), a.get("kappa"));
            let (value, slopes) = beta_mean(x, m, 1.0 - m, m.ln(), (-m).ln_1p(), kappa, kappa.ln());
            (value, vec![("x", slopes[0]), ("mu", slopes[1] / m - slopes[2] / (1.0 - m)), ("kappa", slopes[3] / kappa)])
        }
        "beta_sigmoid_exp" => {
            let (x, z, s) = (a.get("x"), a.get("m"), a.get("a"));
            let (m, n) = (sigmoid(z), sigmoid(-z));
            let (value, slopes) = beta_mean(x, m, n, -softplus(-z), -softplus(z), s.exp(), s);
            (value, vec![("x", slopes[0]), ("m", slopes[1] * n - slopes[2] * m), ("a", slopes[3])])
        }
        "mix2_normal" => {
            let w = a.get("w");
            let (l1, d1) = normal_of(a.get("x") - a.get("m1"), natural(a.get("s1")), "s");
            let (l2, d2) = normal_of(a.get("x") - a.get("m2"), natural(a.get("s2")), "s");
            let y = log_mix2(w, 1.0 - w, l1, l2);
            let (p1, p2) = shares(w, l1, l2);
            let slopes = vec![
                ("x", p1 * d1[0].1 + p2 * d2[0].1),
                ("w", p1 / w - p2 / (1.0 - w)),
                ("m1", p1 * d1[1].1),
                ("s1", p1 * d1[2].1),
                ("m2", p2 * d2[1].1),
                ("s2", p2 * d2[2].1),
            ];
            (y, slopes)
        }
        "mix2_poisson" => {
            let (k, w, r1, r2) = (a.get("k"), a.get("w"), a.get("l1"), a.get("l2"));
            let (l1, l2) = (poisson_of(k, &natural(r1)), poisson_of(k, &natural(r2)));
            let y = log_mix2(w, 1.0 - w, l1, l2);
            let (p1, p2) = shares(w, l1, l2);
            let slopes = vec![
                ("w", p1 / w - p2 / (1.0 - w)),
                ("l1", p1 * (zero_div(k, r1) - 1.0)),
                ("l2", p2 * (zero_div(k, r2) - 1.0)),
            ];
            (y, slopes)
        }
        _ => return None,
    })
}

/// The shares of two components: they saturate where both log densities are large.
fn shares(w: f64, l1: f64, l2: f64) -> (f64, f64) {
    let odds = l1 - l2 + w.ln() - (-w).ln_1p();
    (sigmoid(odds), sigmoid(-odds))
}

/// The value and the derivatives in x, log m, log n and log κ.
fn beta_mean(x: f64, m: f64, n: f64, lm: f64, ln: f64, kappa: f64, lk: f64) -> (f64, [f64; 4]) {
    let y = 1.0 - x;
    let dx = zero_div(kappa * m - 1.0, x) - zero_div(kappa * n - 1.0, y);
    let slopes = [
        dx,
        beta_mean_dlogmean(x, y, m, n, lm, ln, kappa, lk),
        beta_mean_dlogmean(y, x, n, m, ln, lm, kappa, lk),
        beta_mean_dlogprec(x, y, m, n, lm, ln, kappa, lk),
    ];
    (beta_mean_lp(x, y, m, n, lm, ln, kappa, lk), slopes)
}

/// Whether a number is within the case's tolerance of the truth.
fn holds(value: f64, truth: &str, condition: f64, case: &Value) -> bool {
    let exact: f64 = truth.parse().unwrap();
    let tolerance = match case["tol"].as_str().unwrap() {
        "A" => 1e-13,
        "B" => 1e-11,
        _ => 1e-8,
    };
    let flag = case["flag"].as_str().unwrap_or("");
    let close = (value - exact).abs() <= tolerance * condition.max(1.0) * exact.abs();
    close || value == exact || (flag == "underflow64" && value == 0.0) || (exact.abs() < 1e-307 && value.abs() < 1e-307)
}

#[test]
fn families_meet_the_reference() {
    let mut failures = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in DENSITIES.lines().chain(COMPOSED.lines()) {
        // An infinite condition number is written in a way that JSON does not know.
        let case: Value = serde_json::from_str(&line.replace("Infinity", "1e300")).unwrap();
        let dist = case["dist"].as_str().unwrap();
        let arguments = Arguments(&case["args"]);
        let Some((value, slopes)) = counts(dist, &arguments).or_else(|| reals(dist, &arguments)) else { continue };
        *seen.entry(dist.to_string()).or_default() += 1;
        let truth = case["logp"].as_str().unwrap();
        if !holds(value, truth, case["cond"].as_f64().unwrap_or(f64::INFINITY), &case) {
            failures.push(format!("{}: {value:e}, exactly {truth} {}", case["id"], case["args"]));
        }
        for (name, slope) in slopes {
            let truth = case["grad"][name].as_str().unwrap_or_else(|| panic!("{dist} has no {name}"));
            if !holds(slope, truth, case["gcond"][name].as_f64().unwrap_or(f64::INFINITY), &case) {
                failures.push(format!("{} d/d{name}: {slope:e}, exactly {truth} {}", case["id"], case["args"]));
            }
        }
    }
    println!("{seen:?}");
    assert!(seen.len() >= 27, "{} families", seen.len());
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
