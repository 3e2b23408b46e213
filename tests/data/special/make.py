"""Write the high-precision tables of this folder (mpmath, 60 digits): one case a line, tab-separated:
function, value, relative condition number, arguments (shortest decimals of the exact binary64 numbers).

Run:  python tests/data/special/make.py   (needs mpmath)
"""
import itertools
import os
import random

import mpmath as mp

mp.mp.dps = 60
HERE = os.path.dirname(os.path.abspath(__file__))
random.seed(20240611)
inf = float("inf")
E = [5e-324, 1e-310, 1e-300, 1e-100, 1e-20, 1e-10, 1e-5, 0.01, 0.1, 0.3, 0.5, 0.7, 1.0, 1.2, 1.5, 2.0, 3.0, 5.5, 10.0, 15.9, 16.1, 33.0, 100.0, 1e3, 1e5, 1e8, 1e12, 1e15, 1e20, 1e100, 1e200, 1e300]


def tables():
    m = mp
    reals = sorted({s * v for v in E for s in (1, -1)} | {0.0} | {random.uniform(-50, 50) for _ in range(40)} | {random.uniform(-800, 800) for _ in range(20)})
    positive = sorted(set(E) | {10 ** random.uniform(-6, 6) for _ in range(60)} | {random.uniform(0.2, 30) for _ in range(60)})
    softplus = lambda x: m.log1p(m.exp(x))
    sigmoid = lambda x: 1 / (1 + m.exp(-x))
    logphi = lambda x: m.log1p(-m.erfc(x / m.sqrt(2)) / 2) if x > 0 else m.log(m.erfc(-x / m.sqrt(2)) / 2)
    mills = lambda x: m.exp(-x * x / 2) / m.sqrt(2 * m.pi) * 2 / m.erfc(-x / m.sqrt(2))
    one = {
        "sigmoid": (sigmoid, [x for x in reals if abs(x) < 1e4]),
        "softplus": (softplus, [x for x in reals if abs(x) < 1e4]),
        "log_softplus": (lambda x: m.log(softplus(x)), [x for x in reals if abs(x) < 1e4]),
        "softplus_ratio": (lambda x: sigmoid(x) / softplus(x), [x for x in reals if abs(x) < 1e4]),
        "log1mexp": (lambda x: m.log1p(-m.exp(x)), [-x for x in positive if x < 1e4]),
        "log_cloglog": (lambda x: m.log(-m.expm1(-m.exp(x))) if x < 0 else m.log1p(-m.exp(-m.exp(x))), [x for x in reals if abs(x) < 800]),
        "log_cloglog_slope": (lambda x: m.exp(x) / m.expm1(m.exp(x)), [x for x in reals if abs(x) < 800]),
        "log1pmx": (lambda x: m.log1p(x) - x, [x for x in positive if x > 1e-150] + [-x for x in positive if 1e-150 < x < 1] + [-1 + 1e-10]),
        "log_cosh": (lambda x: abs(x) + m.log1p(m.exp(-2 * abs(x))) - m.log(2), [x for x in reals if abs(x) > 1e-150 and abs(x) < 1e4]),
        "lgamma": (lambda x: m.loggamma(x), positive),
        "digamma": (m.digamma, positive + [-0.5, -1.5, -20.3]),
        "trigamma": (lambda x: m.polygamma(1, x), [x for x in positive if 1e-150 < x < 1e100] + [-0.5, -1.5]),
        "tetragamma": (lambda x: m.polygamma(2, x), [x for x in positive if 1e-100 < x < 1e100] + [-0.25, -1.7]),
        "log_minus_digamma": (lambda x: m.log(x) - m.digamma(x), positive),
        "stirlerr": (lambda x: m.loggamma(x + 1) - (x + m.mpf(1) / 2) * m.log(x) + x - m.log(2 * m.pi) / 2, positive),
        "poisson_peak": (lambda x: x * m.log(x) - x - m.loggamma(x + 1), positive),
        "poisson_peak_da": (lambda x: m.log(x) - m.digamma(x + 1), positive),
        "erf": (m.erf, [x for x in reals if abs(x) < 30]),
        "erfc": (m.erfc, [x for x in reals if -30 < x < 26]),
        "ndtr": (lambda x: m.erfc(-x / m.sqrt(2)) / 2, [x for x in reals if -37 < x < 50]),
        "log_ndtr": (logphi, [x for x in reals if -1e4 < x < 37]),
        "inv_mills": (mills, [x for x in reals if -1e4 < x < 37]),
        "log_bessel_i0": (lambda x: m.log(m.besseli(0, x)), [x for x in positive if 1e-150 < x < 1e5] + [24.9, 25.1, 30.0, 60.0]),
        "bessel_i1_ratio": (lambda x: m.besseli(1, x) / m.besseli(0, x), [x for x in positive if x < 1e5] + [24.9, 25.1, 30.0, 60.0, -3.0]),
    }
    for name, (f, xs) in one.items():
        for x in xs:
            yield name, f, (x,)
    xs = [1e-300, 1e-10, 0.1, 0.5, 1.0, 3.0, 10.0, 15.5, 17.0, 100.0, 1e4, 1e8, 1e15, 1e100, 1e300]
    ks = [1e-10, 0.01, 0.5, 1.0, 2.0, 3.5, 7.0, 100.0, 1e6, 1e15]
    rising = lambda x, k: m.loggamma(x + k) - m.loggamma(x)
    psi = lambda x, k: m.digamma(x + k) - m.digamma(x)
    for x, k in itertools.product(xs, ks):
        yield "log_rising", rising, (x, k)
        yield "log_rising_ratio", lambda x, k: rising(x, k) - k * m.log(x), (x, k)
        yield "digamma_diff", psi, (x, k)
        if k != 1 or x < 1e100:
            yield "digamma_diff_ratio", lambda x, k: psi(x, k) - k / x, (x, k)
    for a, b in itertools.product([1e-300, 1e-8, 0.3, 1.0, 2.5, 20.0, 1e3, 1e8, 1e15, 1e100], repeat=2):
        yield "lbeta", lambda a, b: m.loggamma(a) + m.loggamma(b) - m.loggamma(a + b), (a, b)
    for a, b in itertools.product([-800.0, -30.0, -1.0, 0.0, 1e-9, 2.0, 700.0], repeat=2):
        yield "logaddexp", lambda a, b: m.log(m.exp(a) + m.exp(b)), (a, b)
    poisson = lambda k, l: k * m.log(l) - l - m.loggamma(k + 1)
    for k in [1e-10, 0.3, 0.99, 1.0, 2.0, 7.5, 20.0, 1e3, 1e6, 1e9, 1e15]:
        for r in [1e-300, 1e-5, 0.4, 0.6, 0.99, 1.0, 1.0001, 1.7, 2.5, 1e3]:
            yield "poisson_lp", poisson, (k, k * r)
    binomial = lambda k, n, p: m.loggamma(n + 1) - m.loggamma(k + 1) - m.loggamma(n - k + 1) + k * m.log(p) + (n - k) * m.log1p(-p)
    for n in [2.0, 7.0, 1e3, 1e9, 1e15]:
        for f in [0.001, 0.3, 0.5, 0.999]:
            for r in [1e-250, 0.1, 0.9, 1.0, 0.9999999, 1.0005]:
                k, p = round(n * f), f * r
                if 0 < k < n and p < 1:
                    yield "binomial_lp", binomial, (float(k), n, p)

    def nb(k, mu, phi):
        return rising(phi, k) - m.loggamma(k + 1) - phi * m.log1p(mu / phi) - k * m.log1p(phi / mu)

    nb_mu = lambda k, mu, phi: (k - mu) * phi / (phi + mu)
    nb_phi = lambda k, mu, phi: phi * (psi(phi, k) - m.log1p(mu / phi) + (mu - k) / (phi + mu))
    for k, mu, phi in itertools.product([0.0, 1.0, 3.0, 57.0, 1e6, 1e9], [1e-300, 1e-5, 0.5, 3.0, 60.0, 1.0001e6, 1e9, 1e200], [1e-300, 1e-8, 0.1, 1.0, 7.5, 100.0, 1e6, 1e10, 1e15, 1e40, 1e300]):
        yield "neg_binomial_lp", nb, (k, mu, phi)
        yield "neg_binomial_dlogmean", nb_mu, (k, mu, phi)
        yield "neg_binomial_dlogsize", nb_phi, (k, mu, phi)

    def t(r, s, nu):
        return m.loggamma((nu + 1) / 2) - m.loggamma(nu / 2) - m.log(nu * m.pi) / 2 - m.log(s) - (nu + 1) / 2 * m.log1p((r / s) ** 2 / nu)

    t_r = lambda r, s, nu: -(nu + 1) * r / (nu * s * s + r * r)
    t_s = lambda r, s, nu: nu * (r * r - s * s) / (nu * s * s + r * r)

    def t_nu(r, s, nu):
        u = (r / s) ** 2 / nu
        return nu / 2 * (m.digamma((nu + 1) / 2) - m.digamma(nu / 2) - 1 / nu - m.log1p(u) + (nu + 1) / nu * u / (1 + u))

    for r, s, nu in itertools.product([0.0, 1e-5, 1.0, -1.3, 30.0, 1e8], [1e-200, 1e-3, 1.0, 1.3, 1e5], [1e-3, 0.5, 1.0, 3.7, 30.0, 1e5, 1e10, 1e20]):
        yield "student_t_lp", t, (r, s, nu)
        yield "student_t_dr", t_r, (r, s, nu)
        yield "student_t_dlogscale", t_s, (r, s, nu)
        yield "student_t_dlognu", t_nu, (r, s, nu)
    lb = lambda a, b: m.loggamma(a) + m.loggamma(b) - m.loggamma(a + b)
    beta = lambda x, a, b: (a - 1) * m.log(x) + (b - 1) * m.log1p(-x) - lb(a, b)
    beta_a = lambda x, a, b: m.log(x) - m.digamma(a) + m.digamma(a + b)
    for a, b in itertools.product([1e-8, 0.3, 1.0, 2.5, 40.0, 1e4, 1e8, 1e15], repeat=2):
        for x in [1e-20, 0.01, 0.3, 0.5, 0.9, 1 - 2.0**-53, a / (a + b)]:
            if 0 < x < 1:
                yield "beta_lp", beta, (x, a, b)
                yield "beta_da", beta_a, (x, a, b)
    mean = lambda x, mu, k: beta(x, k * mu, k * (1 - mu))
    mean_k = lambda x, mu, k: k * (mu * beta_a(x, k * mu, k * (1 - mu)) + (1 - mu) * beta_a(1 - x, k * (1 - mu), k * mu))
    for mu, k in itertools.product([1e-8, 0.1, 0.3, 0.5, 0.875], [1e-8, 0.5, 3.0, 45.0, 1e4, 1e8, 1e15]):
        for x in [1e-20, 0.01, 0.3, 0.5, 0.96875, mu]:
            yield "beta_mean_lp", mean, (x, mu, k)
            yield "beta_mean_dlogprec", mean_k, (x, mu, k)
    # Far below 0 the sum with 1 would need hundreds of digits.
    mix0 = lambda z, l: m.log1p(m.expm1(l) / (1 + m.exp(z))) if z > -100 else m.log(m.exp(z) + m.exp(l)) - m.log1p(m.exp(z))
    mix0_z = lambda z, l: m.exp(z) * (1 - m.exp(l)) / (1 + m.exp(z)) / (m.exp(z) + m.exp(l))
    mix0_l = lambda z, l: m.exp(l) / (m.exp(z) + m.exp(l))
    for z, l in itertools.product([-800.0, -40.0, -1.0, 0.0, 1.0, 36.0, 700.0], [-1000.0, -50.0, -1.0, -0.4, -1e-10, -1e-300]):
        yield "log_mix0_logit", mix0, (z, l)
        yield "log_mix0_logit_dz", mix0_z, (z, l)
        yield "log_mix0_logit_dl", mix0_l, (z, l)


def condition(f, args, y):
    """Largest |x·f'(x)/f(x)| over the arguments, by central differences in high precision."""
    if y == 0:
        return 0.0
    worst = mp.mpf(0)
    for i, x in enumerate(args):
        if x == 0:
            continue
        h = mp.mpf(x) * mp.mpf(10) ** (-20)
        up, down = list(args), list(args)
        up[i], down[i] = x + h, x - h
        try:
            worst = max(worst, abs((mp.re(f(*up)) - mp.re(f(*down))) / (2 * mp.mpf(10) ** (-20)) / y))
        except (ValueError, ZeroDivisionError):
            pass
    return float(mp.nstr(worst, 3))


def main():
    with open(os.path.join(HERE, "table.tsv"), "w") as out:
        for name, f, args in tables():
            exact = [mp.mpf(a) for a in args]
            # Enough digits that 1 + x, x + k and the differences keep 30 after cancelling.
            spread = [abs(mp.log10(abs(e))) for e in exact if e != 0]
            mp.mp.dps = 60 + int(2 * max(spread, default=0)) + int(sum(spread))
            exact = [mp.mpf(a) for a in args]
            y = mp.re(f(*exact))
            cond = condition(f, exact, y)
            row = [name, mp.nstr(y, 25), repr(cond)] + [repr(float(a)) for a in args]
            out.write("\t".join(row) + "\n")


if __name__ == "__main__":
    main()
