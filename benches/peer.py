"""A peer's side of the benchmark: runs one case with PyTorch or JAX when it is told to.

`run.py` starts it as `peer.py SIDE kernel CASE FOLDER` or `peer.py SIDE step CASE FOLDER` and talks to it as it talks to
lossc's side (see engine/main.rs): `check` computes once and leaves the numbers in FOLDER, `run N` answers with the seconds
that N calls took. A case whose name ends in `_short` leaves out of the loss what depends on data alone.
"""

import os
import sys
import time

# One thread, before anything reads it.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
    os.environ[name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np

CHECK_STEPS, CHECK_RATE, TIMED_RATE = 5, 1e-3, 1e-7  # as in engine/steps.rs
MARGIN = np.float32(0.3)

# What each kernel reads, in the order of its arguments, and which of them it is differentiated by.
KERNELS = {
    "poisson_softplus": (["k", "η"], [1]),
    "poisson_log": (["k", "η"], [1]),
    "normal_softplus": (["x", "μ", "s"], [1, 2]),
    "neg_binomial": (["k", "η", "φ"], [1, 2]),
    "triplet": (["a", "p", "n"], [0, 1, 2]),
}
HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


class Exchange:
    """The folder in which the sides leave numbers for each other."""

    def __init__(self, folder, side):
        self.folder, self.side = folder, side

    def read(self, name, *shape):
        values = np.fromfile(os.path.join(self.folder, f"{name}.f32"), "<f4")
        return values.reshape(shape) if shape else values

    def write(self, name, values):
        np.asarray(values, "<f4").tofile(os.path.join(self.folder, f"{self.side}.{name}.f32"))

    def inputs(self, case):
        """Of a kernel, in the order of its arguments."""
        wide = case == "triplet"
        return [self.read(name, -1, 128) if wide else self.read(name) for name in KERNELS[case][0]]

    def write_gradients(self, case, gradients):
        names, wanted = KERNELS[case]
        for at, gradient in zip(wanted, gradients):
            self.write(names[at], gradient)


class TorchKernel:
    """A loss written with PyTorch's operations, run eagerly."""

    def __init__(self, case, exchange, short):
        import torch
        from torch.nn import functional as F

        torch.set_num_threads(1)

        def counted(nll, k):
            return nll.mean() if short else (nll + torch.lgamma(k + 1)).mean()

        def poisson_softplus(k, η):
            rate = F.softplus(η)
            return counted(rate - k * rate.log(), k)

        def poisson_log(k, η):
            return counted(η.exp() - k * η, k)

        def normal_softplus(x, μ, s):
            scale = F.softplus(s)
            z = (x - μ) / scale
            return (0.5 * z * z + scale.log()).mean() + HALF_LOG_2PI

        def neg_binomial(k, η, φ):
            size, mean = 1 / F.softplus(φ), F.softplus(η)
            total = (size + mean).log()
            nll = torch.lgamma(size) - torch.lgamma(k + size) - size * (size.log() - total) - k * (mean.log() - total)
            return counted(nll, k)

        def triplet(a, p, n):
            near, far = torch.linalg.vector_norm(a - p, dim=1), torch.linalg.vector_norm(a - n, dim=1)
            return F.relu(near - far + float(MARGIN)).mean()

        self.case, self.exchange, self.torch = case, exchange, torch
        self.loss = locals()[case]
        self.inputs = [torch.from_numpy(values) for values in exchange.inputs(case)]
        self.leaves = [self.inputs[at].requires_grad_() for at in KERNELS[case][1]]

    def call(self):
        loss = self.loss(*self.inputs)
        return loss.item(), self.torch.autograd.grad(loss, self.leaves)

    def check(self):
        value, gradients = self.call()
        self.exchange.write_gradients(self.case, [gradient.numpy() for gradient in gradients])
        return value


class JaxKernel:
    """The same loss with JAX, compiled by XLA."""

    def __init__(self, case, exchange, short):
        import jax
        import jax.numpy as jnp
        from jax.nn import relu, softplus
        from jax.scipy.special import gammaln

        def counted(nll, k):
            return jnp.mean(nll if short else nll + gammaln(k + 1))

        def poisson_softplus(k, η):
            rate = softplus(η)
            return counted(rate - k * jnp.log(rate), k)

        def poisson_log(k, η):
            return counted(jnp.exp(η) - k * η, k)

        def normal_softplus(x, μ, s):
            scale = softplus(s)
            return jnp.mean(0.5 * ((x - μ) / scale) ** 2 + jnp.log(scale)) + HALF_LOG_2PI

        def neg_binomial(k, η, φ):
            size, mean = 1 / softplus(φ), softplus(η)
            total = jnp.log(size + mean)
            nll = gammaln(size) - gammaln(k + size) - size * (jnp.log(size) - total) - k * (jnp.log(mean) - total)
            return counted(nll, k)

        def triplet(a, p, n):
            near, far = jnp.linalg.norm(a - p, axis=1), jnp.linalg.norm(a - n, axis=1)
            return jnp.mean(relu(near - far + MARGIN))

        self.case, self.exchange, self.jax = case, exchange, jax
        self.loss = jax.jit(jax.value_and_grad(locals()[case], argnums=tuple(KERNELS[case][1])))
        self.inputs = [jnp.asarray(values) for values in exchange.inputs(case)]

    def call(self):
        return self.jax.block_until_ready(self.loss(*self.inputs))

    def check(self):
        value, gradients = self.call()
        self.exchange.write_gradients(self.case, gradients)
        return float(value)


class Start:
    """The initial weights that lossc's side has written: PyTorch's shapes, heads stacked into one layer."""

    # Names and shapes of (weight, bias) of each layer; several names are rows of one matrix.
    LAYERS = {
        "mlp_poisson": [(["network.0"], (256, 120)), (["network.2"], (256, 256)), (["heads.η"], (100, 256))],
        "mlp_normal": [(["network.0"], (128, 64)), (["network.2"], (128, 128)), (["heads.μ", "heads.s"], (2, 128))],
        "cnn_triplet": [
            (["network.0"], (16, 1, 3, 3)),
            (["network.3"], (32, 16, 3, 3)),
            (["heads.embedding"], (64, 32 * 14 * 14)),
        ],
    }

    def __init__(self, case, exchange):
        self.layers, self.exchange = self.LAYERS[case], exchange

    def read(self):
        """Weight, bias, weight, bias, …"""
        for names, shape in self.layers:
            for kind, dims in (("weight", shape), ("bias", shape[:1])):
                parts = [self.exchange.read(f"start.{name}.{kind}") for name in names]
                yield np.concatenate(parts).reshape(dims)

    def write(self, arrays):
        """The same order, after training."""
        kinds = [(names, kind) for names, _ in self.layers for kind in ("weight", "bias")]
        for (names, kind), array in zip(kinds, arrays):
            for name, part in zip(names, np.split(np.asarray(array), len(names))):
                self.exchange.write(f"{name}.{kind}", part)


def batch(case, exchange):
    """Inputs of the network and what was observed."""
    shapes = {"mlp_poisson": (256, 120), "mlp_normal": (64, 64), "cnn_triplet": (96, 1, 64, 64)}
    observed = {"mlp_poisson": ("k", 256, 100), "mlp_normal": ("x", 64)}.get(case)
    return exchange.read("inputs", *shapes[case]), exchange.read(*observed) if observed else np.zeros(0, "f4")


class TorchStep:
    """A training step with torch.nn and Adam, eagerly."""

    def __init__(self, case, exchange, fused):
        import torch
        from torch import nn
        from torch.nn import functional as F

        torch.set_num_threads(1)

        def mlp_poisson(y, k):
            rate = F.softplus(y)
            return (rate - k * rate.log()).sum(1).mean()

        def mlp_normal(y, x):
            scale = F.softplus(y[:, 1])
            z = (x - y[:, 0]) / scale
            return (0.5 * z * z + scale.log()).mean() + HALF_LOG_2PI

        def cnn_triplet(y, _):
            a, p, n = y.chunk(3)
            near, far = torch.linalg.vector_norm(a - p, dim=1), torch.linalg.vector_norm(a - n, dim=1)
            return F.relu(near - far + float(MARGIN)).mean()

        def mlp(*widths):
            pairs = [(nn.Linear(a, b), nn.ReLU()) for a, b in zip(widths, widths[1:])]
            return nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])

        networks = {
            "mlp_poisson": lambda: mlp(120, 256, 256, 100),
            "mlp_normal": lambda: mlp(64, 128, 128, 2),
            "cnn_triplet": lambda: nn.Sequential(
                nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                nn.Flatten(), nn.Linear(32 * 14 * 14, 64),
            ),
        }  # fmt: skip
        self.start, self.loss, self.make = Start(case, exchange), locals()[case], networks[case]
        self.torch, self.fused = torch, fused
        self.x, self.observed = (torch.from_numpy(values) for values in batch(case, exchange))
        self.network, self.adam = self.build(TIMED_RATE)

    def build(self, rate):
        network = self.make()
        with self.torch.no_grad():
            for parameter, values in zip(network.parameters(), self.start.read()):
                parameter.copy_(self.torch.from_numpy(values))
        return network, self.torch.optim.Adam(network.parameters(), lr=rate, fused=self.fused)

    def step(self, network, adam):
        adam.zero_grad()
        loss = self.loss(network(self.x), self.observed)
        loss.backward()
        adam.step()
        return loss.item()

    def call(self):
        return self.step(self.network, self.adam)

    def check(self):
        network, adam = self.build(CHECK_RATE)
        loss = [self.step(network, adam) for _ in range(CHECK_STEPS)][-1]
        self.start.write([parameter.detach().numpy() for parameter in network.parameters()])
        return loss


class JaxStep:
    """A training step with JAX and optax, compiled as one function whose state is donated."""

    def __init__(self, case, exchange):
        import jax
        import jax.numpy as jnp
        import optax
        from jax import lax
        from jax.nn import relu, softplus

        def mlp(parameters, x):
            *hidden, (w, b) = zip(parameters[::2], parameters[1::2])
            for weight, bias in hidden:
                x = relu(x @ weight.T + bias)
            return x @ w.T + b

        def convolve(x, weight, bias):
            y = relu(lax.conv_general_dilated(x, weight, (1, 1), "VALID") + bias[None, :, None, None])
            return lax.reduce_window(y, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

        def mlp_poisson(parameters, x, k):
            rate = softplus(mlp(parameters, x))
            return jnp.mean(jnp.sum(rate - k * jnp.log(rate), axis=1))

        def mlp_normal(parameters, inputs, x):
            y = mlp(parameters, inputs)
            scale = softplus(y[:, 1])
            return jnp.mean(0.5 * ((x - y[:, 0]) / scale) ** 2 + jnp.log(scale)) + HALF_LOG_2PI

        def cnn_triplet(parameters, x, _):
            y = convolve(convolve(x, *parameters[:2]), *parameters[2:4])
            y = y.reshape(len(y), -1) @ parameters[4].T + parameters[5]
            a, p, n = jnp.split(y, 3)
            near, far = jnp.linalg.norm(a - p, axis=1), jnp.linalg.norm(a - n, axis=1)
            return jnp.mean(relu(near - far + MARGIN))

        loss = locals()[case]

        def stepper(rate):
            adam = optax.adam(rate)

            def step(parameters, state, x, observed):
                value, gradients = jax.value_and_grad(loss)(parameters, x, observed)
                updates, state = adam.update(gradients, state)
                return optax.apply_updates(parameters, updates), state, value

            return adam, jax.jit(step, donate_argnums=(0, 1))

        self.start, self.jnp, self.jax, self.stepper = Start(case, exchange), jnp, jax, stepper
        self.x, self.observed = (jnp.asarray(values) for values in batch(case, exchange))
        self.state, self.step = self.build(TIMED_RATE)

    def build(self, rate):
        adam, step = self.stepper(rate)
        # A copy: donated memory must be JAX's own.
        parameters = [self.jnp.array(values, copy=True) for values in self.start.read()]
        return (parameters, adam.init(parameters)), step

    def call(self):
        *self.state, value = self.step(*self.state, self.x, self.observed)
        return self.jax.block_until_ready(value)

    def check(self):
        state, step = self.build(CHECK_RATE)
        for _ in range(CHECK_STEPS):
            *state, value = step(*state, self.x, self.observed)
        self.start.write(state[0])
        return float(value)


def main():
    side, kind, case, folder = sys.argv[1:]
    exchange, short, case = Exchange(folder, side), case.endswith("_short"), case.removesuffix("_short")
    made = {
        ("torch", "kernel"): lambda: TorchKernel(case, exchange, short),
        ("jax", "kernel"): lambda: JaxKernel(case, exchange, short),
        ("torch", "step"): lambda: TorchStep(case, exchange, fused=False),
        ("torch-fused", "step"): lambda: TorchStep(case, exchange, fused=True),
        ("jax", "step"): lambda: JaxStep(case, exchange),
    }[side, kind]()
    for line in sys.stdin:
        match line.split():
            case ["check"]:
                answer = made.check()
            case ["run", calls]:
                start = time.perf_counter()
                for _ in range(int(calls)):
                    made.call()
                answer = time.perf_counter() - start
            case _:
                sys.exit(f"unknown command: {line}")
        print(answer, flush=True)


if __name__ == "__main__":
    main()
