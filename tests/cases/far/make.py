"""Writes cases.jsonl: losses far out, by the textbook formula with 900 digits, derivatives by differences of them.

Run:  python tests/cases/far/make.py   (needs mpmath)
"""
import json
import os

import mpmath as mp

mp.mp.dps = 900
exp, log, gamma = mp.exp, mp.log, mp.loggamma
sigmoid = lambda z: 1 / (1 + exp(-z))
softplus = lambda z: log(1 + exp(z))
phi = lambda z: mp.erfc(-z / mp.sqrt(2)) / 2
normal = lambda x, m, s: exp(-(((x - m) / s) ** 2) / 2) / (s * mp.sqrt(2 * mp.pi))
bernoulli = lambda y, p: -log(p if y == 1 else 1 - p)
poisson = lambda k, r: r - k * log(r) + gamma(k + 1)
inflated = lambda k, p, q: -log(p + (1 - p) * q) if k == 0 else -log((1 - p) * q)


def neg_binomial(k, mean, size):
    return -(gamma(k + size) - gamma(size) - gamma(k + 1) + size * log(size / (size + mean)) + k * log(mean / (size + mean)))


BOTH = ("f32", "f64")
# program, its names in order (derivatives by those in capitals are not asked for), the formula, rows, number types
CASES = [
    ("data k : count\npredict φ : positive\nlgamma(k + φ) - lgamma(φ)", "K φ", lambda k, f: gamma(k + f) - gamma(f), [(3, 1e6), (3, 1e8), (40, 0.5)], BOTH),
    ("data k : count\npredict φ : positive\nlgamma(k + φ) - lgamma(φ)", "K φ", lambda k, f: gamma(k + f) - gamma(f), [(3, 1e12), (3, 1e16)], ("f64",)),
    ("bernoulli(y | Φ(z))", "Y z", lambda y, z: bernoulli(y, phi(z)), [(0, 5), (0, 9), (0, 40), (1, -40), (1, 3)], BOTH),
    ("bernoulli(y | 1 - exp(-exp(z)))", "Y z", lambda y, z: bernoulli(y, 1 - exp(-exp(z))), [(0, 3), (0, 6), (1, -100), (1, -300), (1, 2)], BOTH),
    ("bernoulli(y | exp(-exp(z)))", "Y z", lambda y, z: bernoulli(y, exp(-exp(z))), [(0, -40), (0, -120), (1, 4)], BOTH),
    ("bernoulli(y | sigmoid(a)*sigmoid(b))", "Y a b", lambda y, a, b: bernoulli(y, sigmoid(a) * sigmoid(b)), [(0, 20, 20), (1, 20, -20), (0, -90, 3)], BOTH),
    ("bernoulli(y | (1 + tanh(z))/2)", "Y z", lambda y, z: bernoulli(y, (1 + mp.tanh(z)) / 2), [(0, 20), (1, -20), (1, 0.5)], BOTH),
    ("binomial(k | n, p)", "K N p", lambda k, n, p: -(k * log(p) if k else 0) - ((n - k) * log(1 - p) if k < n else 0), [(5, 5, 0.75), (0, 5, 0.25)], BOTH),
    ("sigmoid(w)*normal(x | 30, 1) + (1-sigmoid(w))*normal(x | 0, 2)", "X w", lambda x, w: -log(sigmoid(w) * normal(x, 30, 1) + (1 - sigmoid(w)) * normal(x, 0, 2)), [(0, 89), (30, -95), (7, 0.5)], BOTH),
    ("sigmoid(w)*normal(x | 0, 100) + (1-sigmoid(w))*normal(x | 0, 2)", "X w", lambda x, w: -log(sigmoid(w) * normal(x, 0, 100) + (1 - sigmoid(w)) * normal(x, 0, 2)), [(100, -800)], ("f64",)),
    ("zero_inflated(sigmoid(z), poisson(k | exp(h)))", "K z h", lambda k, z, h: inflated(k, sigmoid(z), exp(-poisson(k, exp(h)))), [(0, -100, 6), (0, -120, 5), (0, 3, 1), (3, -120, 1)], BOTH),
    ("poisson(k | exp(h))", "K h", lambda k, h: poisson(k, exp(h)), [(1, -103.5), (3, -100), (3, 20)], BOTH),
    ("poisson(k | softplus(h))", "K h", lambda k, h: poisson(k, softplus(h)), [(1, -103.5), (3, -100), (3, 20)], BOTH),
    ("neg_binomial(k | mean = exp(h), size = softplus(s))", "K h s", lambda k, h, s: neg_binomial(k, exp(h), softplus(s)), [(0, 89, 2), (0, 200, 2), (3, 200, -1), (3, 2, 1), (0, 0.5, 1)], BOTH),
    ("neg_binomial(k | mean = m, size = 2)", "K m", lambda k, m: neg_binomial(k, m, mp.mpf(2)), [(0, 0.5), (0, 300), (4, 300)], BOTH),
    ("hurdle(0.5, poisson(k | softplus(h)))", "K h", lambda k, h: -log(0.5) + poisson(k, softplus(h)) + log(1 - exp(-softplus(h))), [(2, -90), (1, 1), (5, 3)], BOTH),
    ("hurdle(0.5, poisson(k | exp(h)))", "K h", lambda k, h: -log(0.5) + poisson(k, exp(h)) + log(1 - exp(-exp(h))), [(2, -90), (1, 1), (5, 3)], BOTH),
    ("hurdle(0.5, poisson(k | m))", "K m", lambda k, m: -log(0.5) + poisson(k, m) + log(1 - exp(-m)), [(1, 1e-9), (1, 1e-20), (2, 1e-9), (1, 2), (9, 2)], BOTH),
    ("truncated(poisson(k | m), lower = 1)", "K m", lambda k, m: poisson(k, m) + log(1 - exp(-m)), [(1, 1e-9), (1, 1e-20), (2, 1e-9), (1, 2), (9, 40)], BOTH),
    ("truncated(poisson(k | exp(h)), lower = 2)", "K h", lambda k, h: poisson(k, exp(h)) + log(1 - exp(-exp(h)) * (1 + exp(h))), [(2, -120), (3, -90), (2, 1), (7, 4)], BOTH),
    ("censored(poisson(k | exp(h)), upper = 2)", "K h", lambda k, h: -log(1 - exp(-exp(h)) * (1 + exp(h))), [(2, -120), (2, -1), (2, 3)], BOTH),
    ("censored(exponential(x | mean = exp(s)), upper = 3)", "X s", lambda x, s: 3 * exp(-s), [(3, -4), (3, 100)], BOTH),
    ("exponential(x | mean = exp(s))", "X s", lambda x, s: s + x * exp(-s), [(0, -90), (0, -100), (0, 400), (2, -3)], BOTH),
    ("exponential(x | rate = exp(s))", "X s", lambda x, s: x * exp(s) - s, [(0, 90), (0, 800), (2, -90), (2, 3)], BOTH),
    ("logistic(x | 0, exp(s))", "X s", lambda x, s: x * exp(-s) + s + 2 * log(1 + exp(-x * exp(-s))), [(-1, -80), (1, -80), (3, 1)], BOTH),
    ("log(1 - exp(-exp(z)))", "z", lambda z: log(1 - exp(-exp(z))), [(-700,), (-120,), (-1,), (3,)], BOTH),
]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "cases.jsonl"), "w") as out:
        for program, names, formula, rows, dtypes in CASES:
            names = names.split()
            for row in rows:
                values = [mp.mpf(x) for x in row]
                grad = {
                    name: mp.nstr(mp.diff(formula, values, tuple(int(i == at) for i in range(len(names)))), 20)
                    for at, name in enumerate(names)
                    if not name.isupper()
                }
                case = {
                    "program": program,
                    "row": {name.lower() if name.isupper() else name: float(x) for name, x in zip(names, row)},
                    "loss": mp.nstr(formula(*values), 20),
                    "grad": grad,
                    "dtypes": dtypes,
                }
                out.write(json.dumps(case, ensure_ascii=False) + "\n")


main()
