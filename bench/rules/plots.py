"""Pictures of the figures, as SVG with nothing in it that changes from run to run but the figures.

rules-cost.svg     nanoseconds a packet against the number of rules, one panel a group of sets, uniform traffic
rules-making.svg   seconds of processor time and octets against the number of rules
policy-cost.svg    the same as the first for policies as people write them, one panel a kind of traffic
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.rules.building import CONTENDERS
from bench.rules.policies import POLICIES

_STYLES = {
    "naclc": ("#0b5cad", "o", 2.4),
    "if-chain": ("#c0392b", "s", 1.4),
    "dpdk-1": ("#e08e0b", "^", 1.4),
    "dpdk-sse-64": ("#8a9a0f", "v", 1.4),
    "dpdk-max-64": ("#3f7f3f", "D", 1.4),
    "pcap": ("#7f7f7f", "x", 1.4),
    "ovs": ("#8e44ad", "*", 1.4),
}
_TITLES = {contender.name: contender.title for contender in CONTENDERS}
# The same names inside each time.
_FIXED: dict[Any, Any] = {
    "svg.hashsalt": "naclc",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_HEIGHT = 3.4  # inches a row of panels
Points = dict[str, list[tuple[float, float]]]


def plot(measured: Mapping[str, Any], directory: Path) -> list[Path]:
    """Write the pictures for which there are figures into `directory`, and say which."""
    directory.mkdir(parents=True, exist_ok=True)
    sets = [result for result in measured["results"] if result["group"] not in POLICIES]
    policies = [result for result in measured["results"] if result["group"] in POLICIES]
    written: list[Path] = []
    with rc_context(_FIXED):
        if sets:
            panels = {group: _times(of, "uniform") for group, of in _by_group(sets).items()}
            written.append(_draw(panels, "ns a packet", directory / "rules-cost.svg"))
            written.append(_draw_making(sets, directory / "rules-making.svg"))
        if policies:
            by_group = _by_group(policies)
            panels = {f"{g}, {kind}": _times(of, kind) for g, of in by_group.items() for kind in ("new", "established")}
            written.append(_draw(panels, "ns a packet", directory / "policy-cost.svg"))
    return written


def _by_group(results: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        groups.setdefault(result["group"], []).append(result)
    return groups


def _times(results: Sequence[Mapping[str, Any]], kind: str) -> Points:
    """Medians by contender."""
    points: Points = {}
    for result in results:
        for name, contender in result["contenders"].items():
            points.setdefault(name, []).append((result["size"], contender["traffic"][kind]["median_ns"]))
    return points


def _draw_making(results: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """All groups in one panel a quantity: the largest of them."""
    seconds: dict[str, dict[int, float]] = {}
    octets: dict[str, dict[int, float]] = {}
    for result in results:
        size = _round(result["size"])
        for name, contender in result["contenders"].items():
            if name in ("dpdk-sse-64", "dpdk-max-64"):  # the same tables as dpdk-1
                continue
            cost = contender["cost"]
            took = sum(value for key, value in cost.items() if key.endswith("cpu_s"))
            held = cost.get("code_octets", 0) + cost.get("table_octets", 0)
            for quantity, value in ((seconds, took), (octets, held / 1024)):
                known = quantity.setdefault(name, {})
                known[size] = max(known.get(size, 0.0), value)
    panels = {"to make it ready": seconds, "code and tables": octets}
    points = {title: {n: sorted(p.items()) for n, p in by_name.items()} for title, by_name in panels.items()}
    figure, axes = _panels(2, comparable=False)
    for (title, by_name), axis, unit in zip(points.items(), axes, ("processor seconds", "KiB"), strict=True):
        _lines(axis, title, by_name, unit)  # type: ignore[arg-type]
    return _saved(figure, axes, path)


def _round(size: int) -> int:
    """Sets of nearly one size stand above each other: two digits are enough on an axis of decades."""
    return int(float(f"{size:.0e}"))


def _draw(panels: Mapping[str, Points], unit: str, path: Path) -> Path:
    figure, axes = _panels(len(panels), comparable=True)
    for (title, points), axis in zip(panels.items(), axes, strict=False):
        _lines(axis, title, points, unit)
    return _saved(figure, axes, path)


def _panels(count: int, *, comparable: bool) -> tuple[Any, list[Any]]:
    columns = 2 if count in (2, 4, 6) else min(3, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(4 * columns, _HEIGHT * rows))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=comparable)
    flat = list(axes.flat)
    for spare in flat[count:]:
        spare.set_visible(False)
    return figure, flat[:count]


def _lines(axis: Any, title: str, points: Points, unit: str) -> None:
    for name, (colour, marker, width) in _STYLES.items():
        if name in points:
            sizes, values = zip(*sorted(points[name]), strict=True)
            label = _TITLES[name]
            axis.plot(sizes, values, color=colour, marker=marker, linewidth=width, markersize=5, label=label)
    axis.set(title=title, xlabel="rules", ylabel=unit, xscale="log", yscale="log")
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        scale.set_minor_formatter(NullFormatter())


def _saved(figure: Any, axes: Sequence[Any], path: Path) -> Path:
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    columns = 2 if len(axes) == 2 else 4
    legend = 0.1 + 0.25 * -(-len(handles) // columns)  # inches: its rows
    figure.tight_layout(rect=(0, legend / figure.get_figheight(), 1, 1))
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=columns, frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path
