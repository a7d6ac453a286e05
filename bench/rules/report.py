"""The figures as tables of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.rules.building import CONTENDERS


def table(measured: Mapping[str, Any]) -> str:
    """Nanoseconds a packet, median (minimum); what making each contender took; who was absent."""
    return "\n\n".join([_times(measured), _costs(measured), _absent(measured)]).rstrip()


def _times(measured: Mapping[str, Any]) -> str:
    names = present(measured)
    rows = [["rules", "traffic", *names, "mismatches"]]
    for result in measured["results"]:
        contenders = result["contenders"]
        for kind in next(iter(contenders.values()), {"traffic": {}})["traffic"]:
            cells = [_time(contenders[name]["traffic"][kind]) if name in contenders else "–" for name in names]
            wrong = sum(each["traffic"][kind]["mismatches"] for each in contenders.values())
            rows.append([f"{result['group']} {result['size']}", kind, *cells, str(wrong)])
    head = f"{measured['machine']}, load {measured['load']:.1f}, {measured['rounds']} rounds"
    return f"{head}\nns a packet, median (minimum)\n{aligned(rows)}"


def _time(times: Mapping[str, float]) -> str:
    return f"{times['median_ns']:.1f} ({times['minimum_ns']:.1f})"


def _costs(measured: Mapping[str, Any]) -> str:
    rows = [["rules", "contender", "seconds", "code KiB", "tables KiB"]]
    for result in measured["results"]:
        for name, contender in result["contenders"].items():
            cost = contender["cost"]
            seconds = " + ".join(f"{value:.2f} {key.split('_')[0]}" for key, value in cost.items() if "cpu_s" in key)
            octets = [f"{cost[key] / 1024:.1f}" if key in cost else "–" for key in ("code_octets", "table_octets")]
            rows.append([f"{result['group']} {result['size']}", name, seconds, *octets])
    return f"processor time to make it ready, and its size\n{aligned(rows)}"


def _absent(measured: Mapping[str, Any]) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in measured["results"]:
        for name, why in result["absent"].items():
            reasons.setdefault((name, why), []).append(f"{result['group']} {result['size']}")
    return "\n".join(f"absent: {name}: {why} ({', '.join(where)})" for (name, why), where in reasons.items())


def present(measured: Mapping[str, Any]) -> list[str]:
    """Names of the contenders that took part somewhere, in the order of CONTENDERS."""
    seen = {name for result in measured["results"] for name in result["contenders"]}
    return [contender.name for contender in CONTENDERS if contender.name in seen]


def aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
