"""Write tails.tsv, in the format of make.py's table: the distribution functions of the gamma, beta and Student t densities, and
their derivatives in the shapes (mpmath, 60 digits).

Run:  python tests/data/special/tails.py   (needs mpmath; some minutes)
"""
import itertools
import os

import mpmath as mp

from make import condition

mp.mp.dps = 60
HERE = os.path.dirname(os.path.abspath(__file__))


def tables():
    m = mp

    def log_tails(low, high):
        """Logarithms of two functions that add to 1, from whichever keeps its digits."""
        return m.log(low) if low < 0.5 else m.log1p(-high), m.log(high) if high < 0.5 else m.log1p(-low)

    def gamma(a, x):
        a, x = m.mpf(a), m.mpf(x)
        if a < 1e4:
            return log_tails(m.gammainc(a, 0, x, regularized=True), m.gammainc(a, x, m.inf, regularized=True))
        # Far from 0 the density in s = log x is nearly normal, of width 1/sqrt(a), or falls at the rate |x - a|; its series do not converge in time.
        s, width = m.log(x), min(1 / m.sqrt(a), 1 / abs(x - a) if x != a else 1)
        f = lambda s: m.exp(a * s - m.exp(s) - m.loggamma(a))
        steps = [0, 1, 2, 4, 8, 12, 16, 20, 40, 80, 160]
        low = lambda: m.quad(f, [s - k * width for k in reversed(steps)])
        high = lambda: m.quad(f, [s + k * width for k in steps])
        low, high = (low(), None) if x < a else (None, high())
        return log_tails(1 - high if low is None else low, 1 - low if high is None else high)

    def beta(t, a, b):
        t, a, b = m.mpf(t), m.mpf(a), m.mpf(b)
        x, y = 1 / (1 + m.exp(-t)), 1 / (1 + m.exp(t))
        # DLMF 8.17.8
        part = lambda x, y, a, b: x**a * y**b / (a * m.beta(a, b)) * m.hyp2f1(a + b, 1, a + 1, x)
        low = part(x, y, a, b) if x < 0.99 else 1 - part(y, x, b, a)
        high = part(y, x, b, a) if y < 0.99 else 1 - part(x, y, a, b)
        return log_tails(low, high)

    def student(z, nu):
        z, nu = m.mpf(z), m.mpf(nu)
        low, high = beta(m.log(nu) - 2 * m.log(abs(z)), nu / 2, m.mpf(1) / 2)
        below = low - m.log(2)
        return below if z < 0 else m.log1p(-m.exp(below))

    def slope(f, x):
        h = m.mpf(x) * m.mpf(10) ** -20
        return (f(x + h) - f(x - h)) / (2 * h)

    for a, r in itertools.product([1e-12, 1e-5, 0.01, 0.5, 1.0, 3.7, 60.0, 1e3, 1e5], [1e-200, 1e-20, 1e-5, 0.3, 0.9, 0.99, 1.0, 1.01, 1.2, 3.0, 50.0]):
        x = a * r
        for at, name in enumerate(["log_gamma_p", "log_gamma_q"]):
            yield name, lambda a, x, at=at: gamma(a, x)[at], (a, x)
            yield name + "_da", lambda a, x, at=at: slope(lambda a: gamma(a, x)[at], m.mpf(a)), (a, x)
    for a, z in itertools.product([1e8, 1e12], [-9.0, -3.0, -0.1, 0.2, 1.0, 7.0]):
        x = a + z * a**0.5
        name, at = ("log_gamma_p", 0) if z < 0 else ("log_gamma_q", 1)
        yield name, lambda a, x, at=at: gamma(a, x)[at], (a, x)
        yield name + "_da", lambda a, x, at=at: slope(lambda a: gamma(a, x)[at], m.mpf(a)), (a, x)
    given = lambda k, a, x: k * m.log(x) - x - m.loggamma(k + 1) - gamma(a, x)[0]
    given_slope = lambda k, a, x: k - x - m.exp(a * m.log(x) - x - m.loggamma(a) - gamma(a, x)[0])
    for a, more, r in itertools.product([1.0, 3.0, 40.0, 1e3], [0, 1, 6], [1e-20, 1e-8, 0.1, 0.49, 0.6, 1.3, 2.0, 30.0]):
        for name, f in [("poisson_above_lp", given), ("poisson_above_slope", given_slope)]:
            yield name, lambda k, a, x, f=f: f(m.mpf(k), m.mpf(a), m.mpf(x)), (a + more, a, a * r)
    for a, b in itertools.product([1e-8, 0.01, 0.5, 1.0, 4.3, 80.0, 2e3], repeat=2):
        middle = float(m.log(a) - m.log(b))
        for t in [-300.0, -20.0, -1.0, 0.0, 2.0, 40.0, middle, middle + 0.1, middle - 1.0]:
            yield "log_beta_i", lambda t, a, b: beta(t, a, b)[0], (t, a, b)
            yield "log_beta_i_da", lambda t, a, b: slope(lambda a: beta(t, a, b)[0], m.mpf(a)), (t, a, b)
            yield "log_beta_i_db", lambda t, a, b: slope(lambda b: beta(t, a, b)[0], m.mpf(b)), (t, a, b)
    for z, nu in itertools.product([-1e150, -1e8, -40.0, -3.0, -1.0, -1e-3, 1e-10, 0.7, 2.0, 15.0, 1e6], [1e-3, 0.5, 1.0, 2.5, 30.0, 1e3]):
        yield "log_student_t_cdf", student, (z, nu)
        yield "log_student_t_cdf_dnu", lambda z, nu: slope(lambda nu: student(z, nu), m.mpf(nu)), (z, nu)


def main():
    with open(os.path.join(HERE, "tails.tsv"), "w") as out:
        for name, f, args in tables():
            y = f(*args)
            row = [name, mp.nstr(mp.re(y), 25), repr(condition(f, args, y))] + [repr(float(a)) for a in args]
            out.write("\t".join(row) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
