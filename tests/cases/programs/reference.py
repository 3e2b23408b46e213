"""Losses of the literature in PyTorch, double precision: what the programs beside this file must come to.

    python reference.py        writes reference.json (torch 2.15.0, CPU)

Each function is written from its paper or from PyTorch's own library, not from the .loss file. Data are drawn once from
a seeded generator and stored with the values and gradients that automatic differentiation gives.
"""
import json
import math
import os

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
random = torch.Generator().manual_seed(20261123)


def normal(*shape):
    return torch.randn(*shape, generator=random)


def counts(*shape):
    return torch.poisson(torch.full(shape, 2.0), generator=random)


def pairwise(z):
    return (z[:, None] - z[None]).pow(2).sum(-1).clamp_min(1e-300).sqrt()


def batch_hard(z, y, alpha=0.2):
    """Hermans, Beyer, Leibe 2017, eq. 5, mean over anchors."""
    dist, same = pairwise(z), y[:, None] == y[None]
    other = ~same
    own = same & ~torch.eye(len(y), dtype=torch.bool)
    far = torch.where(own, dist, -math.inf).max(1).values
    near = torch.where(other, dist, math.inf).min(1).values
    return torch.relu(far - near + alpha).mean()


def semi_hard(z, y, alpha=0.2):
    """Schroff et al. 2015: for each pair of one class, the nearest negative that is farther than the positive."""
    dist, total, pairs = pairwise(z), 0.0, 0
    for a in range(len(y)):
        for p in range(len(y)):
            if a == p or y[a] != y[p]:
                continue
            farther = [dist[a, n] for n in range(len(y)) if y[n] != y[a] and dist[a, n] > dist[a, p]]
            pairs += 1
            if farther:
                total = total + torch.relu(dist[a, p] - min(farther) + alpha)
    return total / pairs


def info_nce(u, v, tau=0.1):
    """Radford et al. 2021: cross entropy of the similarity matrix by rows and by columns."""
    logits, target = u @ v.T / tau, torch.arange(len(u))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def supervised_contrastive(z, y, tau=0.5):
    """Khosla et al. 2020, eq. 2."""
    n, loss = len(y), 0.0
    logits = z @ z.T / tau
    for i in range(n):
        others = [j for j in range(n) if j != i]
        positives = [j for j in others if y[j] == y[i]]
        if positives:
            log_sum = torch.logsumexp(logits[i, others], 0)
            loss = loss + sum(log_sum - logits[i, p] for p in positives) / len(positives)
    return loss / n


def mixture_density(x, w, m, s):
    """Bishop 1994."""
    components = torch.distributions.Normal(m, F.softplus(s) + 0.01)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=w), components)
    return -mixture.log_prob(x).mean()


def negative_binomial(k, mean, phi):
    size = 1 / phi
    return torch.distributions.NegativeBinomial(total_count=size, probs=mean / (size + mean)).log_prob(k)


def zero_inflated(k, z, eta, phi):
    """Lambert 1992, with a negative binomial."""
    p = torch.sigmoid(z)
    log = negative_binomial(k, torch.exp(eta), phi)
    return -torch.where(k == 0, torch.log(p + (1 - p) * torch.exp(log)), torch.log1p(-p) + log).mean()


def hurdle(k, z, eta, phi):
    """Mullahy 1986, with a negative binomial."""
    p, mean = torch.sigmoid(z), torch.exp(eta)
    zero = torch.exp(negative_binomial(torch.zeros_like(k), mean, phi))
    log = negative_binomial(k, mean, phi)
    return -torch.where(k == 0, torch.log(p), torch.log1p(-p) + log - torch.log1p(-zero)).mean()


def interval_weibull(a, b, s, kappa):
    survives = lambda t: torch.exp(-((t / torch.exp(s)) ** kappa))
    return -torch.log(survives(a) - survives(b)).mean()


def ordinal(y, eta, cuts):
    """McCullagh 1980."""
    below = torch.sigmoid(cuts[None] - eta[:, None])
    edges = torch.cat([torch.zeros(len(y), 1), below, torch.ones(len(y), 1)], 1)
    p = edges.gather(1, y[:, None].long() + 1) - edges.gather(1, y[:, None].long())
    return -torch.log(p).mean()


def student(x, mu, s, nu):
    return -torch.distributions.StudentT(nu, mu, F.softplus(s)).log_prob(x).mean()


def two_tasks(x, y, mu, z, s1, s2):
    """Kendall, Gal, Cipolla 2018, eq. 7 and 10."""
    reg = 0.5 * torch.exp(-s1) * (x - mu) ** 2 + 0.5 * s1
    cls = torch.exp(-s2) * F.cross_entropy(z, y.long(), reduction="none") + 0.5 * s2
    return (reg + cls).mean()


def ranking(r, f):
    """RankNet (Burges et al. 2005), mean over ordered pairs."""
    worse = r[:, None] > r[None]
    return F.softplus(f[None] - f[:, None])[worse].mean()


def crps(x, mu, s):
    """Gneiting, Raftery 2007, eq. 21."""
    sigma = F.softplus(s)
    z = (x - mu) / sigma
    unit = torch.distributions.Normal(0.0, 1.0)
    return (sigma * (z * (2 * unit.cdf(z) - 1) + 2 * torch.exp(unit.log_prob(z)) - 1 / math.sqrt(math.pi))).mean()


def vae(x, m, mu, s):
    """Kingma, Welling 2014, appendix B, by PyTorch's divergence."""
    q = torch.distributions.Normal(mu, torch.exp(s))
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    rec = -torch.distributions.Normal(m, 1.0).log_prob(x).sum(1)
    return (rec + torch.distributions.kl_divergence(q, p).sum(1)).mean()


def plackett_luce(rank, f):
    """Plackett 1975: rank[r] is the item in place r."""
    ordered = f.gather(1, rank.long())
    tails = torch.stack([torch.logsumexp(ordered[:, i:], 1) for i in range(f.shape[1])], 1)
    return (tails - ordered).sum(1).mean()


def case(loss, data, predict, params=None):
    """Value and gradients at the given inputs; parameters are scalars or vectors for all rows."""
    params = params or {}
    free = {name: value.clone().requires_grad_() for name, value in {**predict, **params}.items()}
    value = loss(**data, **free)
    value.backward()
    as_list = lambda values: {name: value.tolist() for name, value in values.items()}
    grads = {name: tensor.grad.tolist() for name, tensor in free.items()}
    return {"data": as_list({**data, **predict}), "params": as_list(params), "loss": value.item(), "grad": grads}


n = 12
labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3.0])
start = torch.rand(n, generator=random) + 0.1
ranks = torch.stack([torch.randperm(4, generator=random) for _ in range(n)]).double()
CASES = {
    "batch_hard": case(batch_hard, {"y": labels}, {"z": normal(n, 5)}),
    "semi_hard": case(semi_hard, {"y": labels}, {"z": normal(n, 5)}),
    "info_nce": case(info_nce, {}, {"u": normal(n, 5) / 3, "v": normal(n, 5) / 3}),
    "supervised_contrastive": case(supervised_contrastive, {"y": labels}, {"z": normal(n, 5)}),
    "mixture_density": case(mixture_density, {"x": normal(n)}, {"w": normal(n, 3), "m": normal(n, 3), "s": normal(n, 3)}),
    "zero_inflated": case(zero_inflated, {"k": counts(n)}, {"z": normal(n), "eta": normal(n)}, {"phi": torch.tensor(0.7)}),
    "hurdle": case(hurdle, {"k": counts(n)}, {"z": normal(n), "eta": normal(n)}, {"phi": torch.tensor(0.7)}),
    "interval_weibull": case(interval_weibull, {"a": start, "b": start + 0.5}, {"s": normal(n)}, {"kappa": torch.tensor(1.5)}),
    "ordinal": case(ordinal, {"y": labels}, {"eta": normal(n)}, {"cuts": torch.tensor([-1.0, 0.2, 1.5])}),
    "student": case(student, {"x": normal(n)}, {"mu": normal(n), "s": normal(n)}, {"nu": torch.tensor(4.5)}),
    "two_tasks": case(
        two_tasks,
        {"x": normal(n), "y": labels % 3},
        {"mu": normal(n), "z": normal(n, 3)},
        {"s1": torch.tensor(0.3), "s2": torch.tensor(-0.4)},
    ),
    "ranking": case(ranking, {"r": normal(n)}, {"f": normal(n)}),
    "crps": case(crps, {"x": normal(n)}, {"mu": normal(n), "s": normal(n)}),
    "vae": case(vae, {"x": normal(n, 4)}, {"m": normal(n, 4), "mu": normal(n, 2), "s": normal(n, 2) / 2}),
    "plackett_luce": case(plackett_luce, {"rank": ranks}, {"f": normal(n, 4)}),
}
with open(os.path.join(HERE, "reference.json"), "w") as file:
    json.dump(CASES, file, indent=0)
