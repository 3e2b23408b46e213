"""Reference trajectories of the optimisers, by PyTorch in float64.

Minimises f(p) = sum_i a_i (p_i - c_i)^4 / 4 + b_i p_i^2 / 2 from a fixed start for a few steps and
writes the parameters after each, as tests/data/train/optimisers.json. RMSprop follows TensorFlow and
dfdx (second moment from 1, epsilon inside the root), which PyTorch's differs from, so it is written
out here.

    python tests/data/train/make.py
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
A = [1.0, 0.5, 2.0, 0.25]
B = [0.3, 1.0, 0.0, 2.0]
C = [0.5, -1.0, 0.25, 2.0]
START = [1.0, -0.5, 0.75, -1.5]
STEPS = 12


def gradient(p):
    a, b, c = (torch.tensor(v) for v in (A, B, C))
    return a * (p - c) ** 3 + b * p


def by_torch(make):
    p = torch.tensor(START, requires_grad=True)
    optimiser = make([p])
    path = []
    for _ in range(STEPS):
        p.grad = gradient(p.detach())
        optimiser.step()
        path.append(p.detach().tolist())
    return path


def rms_prop(lr, alpha, eps, momentum, centered, weight_decay):
    p = torch.tensor(START)
    m, square, mean = torch.zeros(4), torch.ones(4), torch.zeros(4)
    path = []
    for _ in range(STEPS):
        g = gradient(p) + weight_decay * p
        square = alpha * square + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g if centered else mean
        m = momentum * m + g / (square - mean**2 + eps).sqrt()
        p = p - lr * m
        path.append(p.tolist())
    return path


cases = [
    (
        {"adam": {"lr": 0.05, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}},
        by_torch(lambda p: torch.optim.Adam(p, lr=0.05)),
    ),
    (
        {"adam": {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.1}},
        by_torch(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1)),
    ),
    (
        {"adam_w": {"lr": 0.05, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.2}},
        by_torch(lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.2)),
    ),
    (
        {"sgd": {"lr": 0.05, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}},
        by_torch(lambda p: torch.optim.SGD(p, lr=0.05)),
    ),
    (
        {"sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.1}},
        by_torch(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1)),
    ),
    (
        {"sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0}},
        by_torch(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    ),
]
for options in (
    {"lr": 0.05, "alpha": 0.9, "eps": 1e-8, "momentum": 0.0, "centered": False, "weight_decay": 0.0},
    {"lr": 0.02, "alpha": 0.95, "eps": 1e-6, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
):
    cases.append(({"rms_prop": options}, rms_prop(**options)))

out = {
    "a": A,
    "b": B,
    "c": C,
    "start": START,
    "cases": [{"config": config, "path": path} for config, path in cases],
}
place = pathlib.Path(__file__).with_name("optimisers.json")
place.write_text(json.dumps(out, indent=1) + "\n")
