"""Draws the curves that `just bench growth` and sweep.py saved: plot.py DIR

report.json says which curves there are; each is read from its CSV, and a curve that cannot be drawn is an error.
"""

import csv
import json
import sys
from pathlib import Path

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter

# 900 by 540 pixels.
DPI = 100
SIZE = (9.0, 5.4)
MIB = 1 << 20


class Curve:
    """The rows of a CSV; empty cells are no numbers."""

    def __init__(self, path):
        with path.open(newline="") as file:
            self.rows = list(csv.DictReader(file))
        if not self.rows:
            raise ValueError(f"{path}: no rows")

    def column(self, name):
        return [float(row[name]) if row[name] else float("nan") for row in self.rows]

    def texts(self, name):
        return [row[name] for row in self.rows]


def short(value, _=None):
    """1500 as 1.5k: three digits."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def label(axis, text, log=False):
    axis.set_label_text(text)
    axis.set_major_formatter(FuncFormatter(short))
    if log:
        axis.set_minor_formatter(NullFormatter())


def figure(title, x, y, log_x=None, log_y=False):
    """`log_x`: up to here from 0 the axis is linear, beyond it logarithmic; None is linear all along."""
    drawn, axes = pyplot.subplots(figsize=SIZE, dpi=DPI, layout="constrained")
    axes.set_title(title)
    if log_x is not None:
        axes.set_xscale("symlog", linthresh=log_x)
    if log_y:
        axes.set_yscale("log")
    label(axes.xaxis, x, log_x is not None)
    label(axes.yaxis, y, log_y)
    axes.grid(True, which="major", alpha=0.3)
    return drawn, axes


def latency(axes, curve, x):
    """p50, p95 and processor time; a point is ticked with its own number."""
    axes.plot(x, curve.column("p95_ms"), "o-", label="p95")
    axes.plot(x, curve.column("p50_ms"), "o-", label="p50")
    axes.plot(x, curve.column("cpu_net_ms"), "s--", label="processor time of all servers, less idling")
    axes.set_xticks(x, [short(round(value)) for value in x])
    axes.set_ylim(bottom=0)
    axes.legend()


def followees(curve):
    drawn, axes = figure(
        "A feed ranked for the request, by whom the viewer follows", "followees of the viewer", "milliseconds", log_x=10
    )
    latency(axes, curve, curve.column("followees"))
    return drawn


def population(curve):
    drawn, axes = figure(
        "A feed ranked for the request, by how much there is", "posts (and likes)", "milliseconds", log_x=1_000
    )
    posts, likes = curve.column("posts"), curve.column("likes")
    latency(axes, curve, posts)
    ticks = zip(posts, likes, curve.texts("size"))
    axes.set_xticks(posts, [f"{size}\n{short(post)} ({short(like)})" for post, like, size in ticks])
    axes.set_xlim(posts[0] / 1.5, posts[-1] * 1.5)
    return drawn


def memory(curve):
    drawn, axes = figure(
        "Memory of Redis, more than before any feed was read", "users whose feed was read", "MiB"
    )
    users = curve.column("users")
    axes.plot(users, [value / MIB for value in curve.column("measured_bytes")], "o-", label="measured")
    axes.plot(users, [value / MIB for value in curve.column("calculated_bytes")], "s--", label="calculated")
    axes.set_ylim(bottom=0)
    axes.legend()
    return drawn


def lag(curve):
    drawn, axes = figure(
        "From a like to its counter in Redis, while others are written", "likes a second", "milliseconds", log_x=10, log_y=True
    )
    rates = curve.column("offered_per_second")
    for name, text in (("max_ms", "longest"), ("p95_ms", "p95"), ("p50_ms", "p50")):
        axes.plot(rates, curve.column(name), "o-", label=text)
    axes.set_xticks(rates, [short(rate) for rate in rates])
    axes.set_xlim(rates[0] / 1.5, rates[-1] * 1.5)
    for rate, hop in zip(rates, curve.texts("saturated")):
        if hop:
            axes.axvline(rate, color="tab:red", linestyle=":", label=f"does not keep up: {hop}")
    axes.legend()
    return drawn


def load(curve):
    drawn, axes = figure(
        "95th percentiles against the load, and the goals (dotted)",
        "feed reads a second; cores in use of all servers and the generator",
        "milliseconds",
        log_y=True,
    )
    rates = curve.column("reads_per_second")
    for name, text, goal in (
        ("visible_p95_ms", "like to visible", 500),
        ("miss_p95_ms", "feed miss", 60),
        ("suggested_p95_ms", "suggested users", 30),
        ("follow_p95_ms", "source follow", 25),
        ("hit_p95_ms", "feed hit", 5),
    ):
        (line,) = axes.plot(rates, curve.column(name), "o-", label=text)
        axes.axhline(goal, color=line.get_color(), linestyle=":", alpha=0.7)
    axes.set_xticks(rates, [f"{short(rate)}\n{cores:.2f}" for rate, cores in zip(rates, curve.column("cores"))])
    axes.legend()
    return drawn


DRAWN_BY = {"memory": memory, "followees": followees, "population": population, "lag": lag, "load": load}


def main(directory):
    curves = json.loads((directory / "report.json").read_text())["curves"]
    if not curves:
        raise ValueError(f"{directory}: no curve was measured")
    for name in curves:
        drawn = DRAWN_BY[name](Curve(directory / f"{name}.csv"))
        path = directory / f"{name}.png"
        drawn.savefig(path)
        pyplot.close(drawn)
        print(f"plot: {path}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"plot: {error}")
