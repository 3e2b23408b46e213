#!/usr/bin/env python3
"""Times lossc against PyTorch and JAX on this machine; README.md beside it says what and how.

Each side of a case is a process of its own that waits for commands. All of them compute once and must agree; then they
take turns in short rounds, so that whatever else the machine does meets all of them alike. That is done several times with
new processes, since memory that a process gets at its start can double its time. What is quoted is the median over all
rounds of (peer's time / lossc's time in the same round), and the least and the largest median of one start.
"""

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUND_SECONDS = 0.04  # of each side, at least one call
TARGETS = {("kernel", "jax"): 2.0, ("kernel", "torch"): 3.0, ("step", "torch"): 1.0}

KERNELS = [
    ("poisson_softplus", "Poisson, softplus", (30_000, 1_000_000)),
    ("poisson_softplus_short", "the same, peers without log k!", (30_000, 1_000_000)),
    ("poisson_log", "Poisson, log link", (30_000, 1_000_000)),
    ("poisson_log_short", "the same, peers without log k!", (30_000, 1_000_000)),
    ("normal_softplus", "Gaussian, softplus", (30_000, 1_000_000)),
    ("neg_binomial", "negative binomial, learned dispersion", (30_000, 1_000_000)),
    # Three inputs and three gradients of 128 numbers a row: a million rows are 3 GB for lossc and more for each peer.
    ("triplet", "triplet, Euclid, 128 coordinates", (30_000, 1_000_000)),
]
STEPS = [
    ("mlp_poisson", "MLP 120→256→256→100, Poisson, batch 256"),
    ("mlp_normal", "MLP 64→128→128→2, Gaussian, batch 64"),
    ("cnn_triplet", "CNN 1×64×64, 2 × (3×3 conv, relu, pool), 64 outputs, 32 triplets"),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="a Python that has requirements.txt installed; without it a venv is made")
    parser.add_argument("--engine", help="lossc's side, already built; without it cargo builds it")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument("--starts", type=int, default=4, help="how often the processes of a case are started")
    parser.add_argument("--rounds", type=int, default=12, help="rounds a start")
    parser.add_argument("--only", default="", help="a regular expression: cases to run, as in 'poisson.*1000000'")
    parser.add_argument("--json", type=Path, help="where to write every figure")
    return parser.parse_args()


def in_environment(options):
    """Goes on in a Python that has the peers, made here once from requirements.txt if need be."""
    if "LOSSC_BENCH_ENVIRONMENT" in os.environ:
        return
    python = options.python
    if python is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        venv = cache / "lossc-bench" / "venv"
        python, wanted = venv / "bin" / "python", HERE / "requirements.txt"
        done = venv / "requirements.txt"
        if not done.exists() or done.read_text() != wanted.read_text():
            subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
            done.write_text(wanted.read_text())
    os.execve(python, [str(python), *sys.argv], {**os.environ, "LOSSC_BENCH_ENVIRONMENT": "1"})


def build():
    """lossc's side, optimised."""
    command = ["cargo", "build", "--release", "--locked", "--bench", "engine", "--message-format=json-render-diagnostics"]
    lines = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    built = [message["executable"] for message in messages if message.get("target", {}).get("name") == "engine"]
    return built[-1]


class Side:
    """A process that computes one case."""

    def __init__(self, name, command):
        # A core type forced on OpenBLAS by the environment would slow NumPy's users down.
        environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
        # Every array of every side on huge pages: NumPy asks for them by itself, other allocations only if told to, and
        # which side had them would decide the large cases.
        environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        self.name = name
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.name} failed; its message is above")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def write(folder, name, values):
    import numpy as np

    np.asarray(values, "<f4").tofile(folder / f"{name}.f32")


def write_inputs(folder, kind, case, rows):
    """Draws what a case reads; gives what its peers leave out of the loss because it depends on data alone."""
    import numpy as np

    random = np.random.default_rng(1)
    k = random.poisson(1.5, rows if kind == "kernel" else (256, 100)).astype("f4")
    write(folder, "k", k)
    if kind == "kernel":
        wide = (rows, 128) if case == "triplet" else (rows,)
        for name in ("a", "p", "n") if case == "triplet" else ("η", "x", "μ", "s"):
            write(folder, name, random.normal(size=wide))
        write(folder, "φ", [math.log(math.expm1(0.1))])
    else:
        shapes = {"mlp_poisson": (256, 120), "mlp_normal": (64, 64), "cnn_triplet": (96, 64, 64)}
        write(folder, "inputs", random.normal(size=shapes[case]))
        write(folder, "x", random.normal(size=64))
    if case == "mlp_poisson" or case.endswith("_short"):
        log_factorials = np.array([math.lgamma(n + 1) for n in range(int(k.max()) + 1)])[k.astype(int)]
        return log_factorials.sum() / len(k)
    return 0.0


def agree(folder, sides, constant):
    """All sides compute the same, or there is nothing to compare."""
    import numpy as np

    read = lambda name: np.fromfile(folder / f"{name}.f32", "<f4").astype(float)
    lossc, *peers = sides
    value = lossc.ask("check")
    names = [path.name.removeprefix("lossc.").removesuffix(".f32") for path in sorted(folder.glob("lossc.*"))]
    if not names:
        sys.exit("lossc left no numbers")
    for peer in peers:
        other = peer.ask("check") + constant
        if not math.isclose(value, other, rel_tol=1e-4, abs_tol=1e-5):
            sys.exit(f"{peer.name} has the loss {other}, lossc {value}")
        if (folder / f"start.{names[0]}.f32").exists():
            # What training changed, as one vector: Adam's first steps are signs, so that a derivative that is 0 but for
            # rounding may move its weight either way.
            moved, apart = ([read(f"lossc.{name}") - read(f"{other}.{name}") for name in names]
                            for other in ("start", peer.name))  # fmt: skip
            off = {"the weights": norm(apart) / norm(moved)}
        else:
            off = {name: np.abs(read(f"lossc.{name}") - read(f"{peer.name}.{name}")).max()
                   / np.abs(read(f"lossc.{name}")).max() for name in names}  # fmt: skip
        for name, error in off.items():
            if not error < (0.05 if name == "the weights" else 1e-3):
                sys.exit(f"{peer.name} and lossc differ in {name} by {error:.1e}")


def norm(arrays):
    import numpy as np

    return np.linalg.norm(np.concatenate(arrays))


def measure(options, engine, kind, case, rows, peers):
    """Seconds a call: for each start, by side, one number a round."""
    with tempfile.TemporaryDirectory(prefix="lossc-bench-") as folder:
        folder = Path(folder)
        constant = write_inputs(folder, kind, case, rows)
        size = [rows] if kind == "kernel" else []
        commands = {"lossc": [engine, kind, case.removesuffix("_short"), *size, folder]}
        commands |= {peer: [sys.executable, HERE / "peer.py", peer, kind, case, folder] for peer in peers}
        return [take_turns(options.rounds, folder, commands, constant) for _ in range(options.starts)]


def take_turns(rounds, folder, commands, constant):
    """One start of all sides: seconds a call by side, one number a round."""
    lossc = Side("lossc", commands["lossc"])
    lossc.ask("run 1")  # the initial weights are written before the peers look for them
    sides = [lossc, *(Side(name, command) for name, command in commands.items() if name != "lossc")]
    agree(folder, sides, constant)
    calls = {}
    for side in sides:
        side.ask("run 3")
        calls[side.name] = max(1, round(ROUND_SECONDS / (side.ask("run 3") / 3)))
    times = {side.name: [] for side in sides}
    for turn in range(rounds):
        at = turn % len(sides)
        for side in sides[at:] + sides[:at]:
            count = calls[side.name]
            times[side.name].append(side.ask(f"run {count}") / count)
    for side in sides:
        side.close()
    return times


def summary(kind, case, label, rows, starts):
    """Times and ratios over all rounds, and each start's own ratio: memory falls out differently from start to start."""
    result = {"kind": kind, "case": label, "rows": rows, "same_work": not case.endswith("_short"), "sides": {}}
    for name in starts[0]:
        taken = [seconds for times in starts for seconds in times[name]]
        ratios = [[theirs / ours for theirs, ours in zip(times[name], times["lossc"])] for times in starts]
        result["sides"][name] = {
            "min": min(taken),
            "median": statistics.median(taken),
            "ratio": statistics.median(sum(ratios, [])),
            "ratio_of_starts": sorted(statistics.median(ratio) for ratio in ratios),
        }
    return result


def duration(seconds):
    scale, unit = (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")
    return f"{seconds * scale:.3g} {unit}"


def table(results, kind, peers):
    """The ratios as Markdown; where all sides do the same work, a ratio below its target is marked."""
    names = {"jax": "JAX jit", "torch": "torch eager", "torch-fused": "torch eager, fused Adam"}
    head = ["case", *(["rows"] if kind == "kernel" else []), "lossc", *[names[peer] for peer in peers]]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for result in results:
        if result["kind"] != kind:
            continue
        cells = [result["case"], *([f"{result['rows']:,}"] if kind == "kernel" else [])]
        cells.append(duration(result["sides"]["lossc"]["median"]))
        for peer in peers:
            ratio = result["sides"][peer]["ratio"]
            missed = result["same_work"] and ratio < TARGETS.get((kind, peer), 0)
            of_starts = result["sides"][peer]["ratio_of_starts"]
            cells.append(f"{ratio:.1f} ({of_starts[0]:.1f}–{of_starts[-1]:.1f})" + (" (!)" if missed else ""))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return {
        "date": date.today().isoformat(),
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": (HERE / "requirements.txt").read_text().split(),
    }


def main():
    options = arguments()
    in_environment(options)
    engine = options.engine or build()
    os.sched_setaffinity(0, {options.core})
    results = []
    peers = {"kernel": ["jax", "torch"], "step": ["jax", "torch", "torch-fused"]}
    cases = [("kernel", case, label, rows) for case, label, sizes in KERNELS for rows in sizes]
    cases += [("step", case, label, 0) for case, label in STEPS]
    for kind, case, label, rows in cases:
        if not re.search(options.only, f"{kind} {case} {rows}"):
            continue
        starts = measure(options, engine, kind, case, rows, peers[kind])
        results.append(summary(kind, case, label, rows, starts))
        print(f"{label} {rows or ''}".strip(), file=sys.stderr)
        for name, side in results[-1]["sides"].items():
            print(f"  {name:12} min {duration(side['min']):>9}  median {duration(side['median']):>9}  "
                  f"ratio {side['ratio']:.2f} of starts {' '.join(f'{ratio:.2f}' for ratio in side['ratio_of_starts'])}",
                  file=sys.stderr)  # fmt: skip
    about = machine()
    print(f"{about['date']}, {about['cpu']}, 1 of {about['cores']} cores, {', '.join(about['packages'])}\n")
    for kind, sides in peers.items():
        if any(result["kind"] == kind for result in results):
            print(table(results, kind, sides), end="\n\n")
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "results": results}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
