"""The true expected counts of 50 ms bins in the test minutes, and a word on each unit, from truth.json.

    python truth.py            writes truth_50ms.csv.gz and units.csv beside this file

rate_i(t) = base_i · exp(clip(f_i(z(t − lag_i)), −6, 4)) Hz, with z the covariates minus their mean over their deviation,
linearly interpolated; ten points per sample of the covariates (60 Hz) are averaged. See README.md for f.
"""
import gzip
import json
import os

import numpy as np

HZ, POINTS, BIN = 60, 10, 0.05
HERE = os.path.dirname(os.path.abspath(__file__))


def tuning(unit, z):
    kind = unit["kind"]
    if kind == "none":
        return np.zeros(len(z))
    x = z[:, unit["cov"]]
    if kind == "linear":
        f = x @ np.array(unit["w"])
    elif kind == "bump":
        f = unit["gain"] * (np.exp(-0.5 * (((x - unit["c"]) / unit["s"]) ** 2).sum(1)) - 1)
    elif kind == "sigmoid":
        f = unit["gain"] * (1 / (1 + np.exp(-unit["slope"] * (x[:, 0] - unit["c"]))) - 1)
    else:
        f = unit["w"] * np.tanh(x[:, 0]) * np.tanh(x[:, 1]) + unit["w2"] * x[:, 0]
    return np.clip(f, -6, 4)


def expected_counts(covariates, truth):
    """Expected counts a bin, (bins, units)."""
    z = (covariates - truth["cov_mean"]) / truth["cov_sd"]
    t = (np.arange(len(z) * POINTS) + 0.5) / (HZ * POINTS)
    samples = np.arange(len(z)) / HZ
    per_bin = round(HZ * POINTS * BIN)
    out = []
    for unit in truth["units"]:
        lagged = np.stack([np.interp(t - unit["lag_s"], samples, z[:, j]) for j in range(z.shape[1])], 1)
        rate = unit["base_hz"] * np.exp(tuning(unit, lagged))
        out.append(rate.reshape(-1, per_bin).mean(1) * BIN)
    return np.stack(out, 1)


def write_gz(path, text):
    with open(path, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as g:
        g.write(text.encode("ascii"))


def main():
    parts = [gzip.open(os.path.join(HERE, f"covariates_{p}.csv.gz"), "rt") for p in "ab"]
    covariates = np.concatenate([np.loadtxt(f, delimiter=",", skiprows=1) for f in parts])
    truth = json.load(open(os.path.join(HERE, "truth.json")))
    counts = expected_counts(covariates, truth)
    minute = np.arange(len(counts)) // round(60 / BIN)
    lines = ["t_s," + ",".join(f"unit{i:02d}" for i in range(counts.shape[1]))]
    for b in np.flatnonzero(np.isin(minute, truth["test_minutes"])):
        lines.append(f"{b * BIN:.2f}," + ",".join(f"{m:.3g}" for m in counts[b]))
    write_gz(os.path.join(HERE, "truth_50ms.csv.gz"), "\n".join(lines) + "\n")
    with open(os.path.join(HERE, "units.csv"), "w") as f:
        f.write("unit,tuning,spiking\n")
        f.writelines(f"{u['unit']},{u['kind']},{u['spiking']}\n" for u in truth["units"])


if __name__ == "__main__":
    main()
