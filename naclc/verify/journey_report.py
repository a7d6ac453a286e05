"""The way of a packet, for people and for programs."""

from __future__ import annotations

from typing import Any

from naclc.analyze.journey import Journey, Stop
from naclc.analyze.near import Near
from naclc.analyze.trace import Line, Went
from naclc.interpret.events import Delivered, Dropped, Event, Held, Sent
from naclc.net.addresses import format_address
from naclc.pipeline.evaluation import NO_STATEMENT
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Block, If
from naclc.source import Span
from naclc.verify import packets

_MAX_TEXT = 90
_MAX_NEAR = 5


def as_text(journey: Journey, pipeline: Pipeline) -> str:
    """Some lines, each ended: the packet, the functions it came to with their tests, what became of it, and the rules
    that nearly decided."""
    names = {iface.number: iface.name for iface in pipeline.ifaces}
    lines = [f"{names[journey.iface]} ▸ {packets.summary(journey.packet)}"]
    seen = journey.packet
    for stop in journey.stops:
        lines.append(f"  {_hook(stop, names)}: {stop.visit.function}, ct.state {stop.visit.facts.state.name.lower()}")
        if packets.summary(stop.visit.facts.packet) != packets.summary(seen):
            seen = stop.visit.facts.packet
            lines.append(f"    now {packets.summary(seen)}")
        lines += [f"    {'  ' * line.depth}{_line(line)}" for line in stop.lines]
        if stop.visit.decision.statement == NO_STATEMENT:
            lines.append("    its end: the packet goes on")
    lines += [f"  ◂ {text}" for event in journey.events if (text := _outcome(event, names))]
    all_near = [(miss, stop) for stop in journey.stops for miss in stop.near]
    near = [miss for miss, _ in sorted(all_near, key=lambda pair: not _is_other(*pair))]  # other verdicts first
    lines += ["  nearly:"] if near else []
    lines += [f"    {_near(miss)}" for miss in near[:_MAX_NEAR]]
    lines += [f"    and {len(near) - _MAX_NEAR} more"] if len(near) > _MAX_NEAR else []
    return "".join(f"{line}\n" for line in lines)


def _hook(stop: Stop, names: dict[int, str]) -> str:
    name = names[stop.visit.iface]
    hook = stop.visit.hook.value
    return f"{hook}, from {name}" if hook == "forward" else f"{hook} of {name}"


def _line(line: Line) -> str:
    place = f"{_place(line.span)}  {_text(line)}"
    if line.went is Went.AGAIN:
        return f"{place}: as before"
    if line.went is None:
        return place
    why = "; ".join(str(reading) for reading in line.because)
    if isinstance(line.statement, If):
        return f"{place}: {'yes' if line.went is Went.IN else 'no'}, {why}"
    return place if line.went is Went.IN else f"{place}: no, another protocol"


def _text(line: Line) -> str:
    text = line.span.text
    if isinstance(line.statement, If | Block):
        text = text.split("{", 1)[0]
    return _shortened(" ".join(text.split()))


def _is_other(miss: Near, stop: Stop) -> bool:
    """Whether the verdict would have been another than the one that fell."""
    return not stop.lines or type(miss.statement) is not type(stop.lines[-1].statement)


def _near(miss: Near) -> str:
    if miss.unmet is not None:
        but = f"{miss.unmet}, against `{_shortened(miss.unmet.span.text)}`"
    else:
        but = f"the packet is no {miss.protocol.value if miss.protocol else ''}"
    return f"{_place(miss.statement.span)} {_shortened(miss.statement.span.text)}: but {but}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _place(span: Span) -> str:
    return f"{span.source.name.replace(chr(92), '/').rsplit('/', 1)[-1]}:{span.line}"


def _outcome(event: Event, names: dict[int, str]) -> str | None:
    match event:
        case Sent(iface, packet, next_hop):
            return f"leaves {names[iface]} for {format_address(next_hop)}: {packets.summary(packet)}"
        case Delivered(iface):
            return f"is delivered to the machine itself on {names[iface]}"
        case Dropped(_, reason):
            return f"dropped: {reason.value}"
        case Held():
            return "waits for the rest of its datagram"
    return None


def as_data(journey: Journey, pipeline: Pipeline) -> dict[str, Any]:
    """As `as_text`, for programs; lines count from 1, columns from 0."""
    names = {iface.number: iface.name for iface in pipeline.ifaces}
    return {
        "in": names[journey.iface],
        "packet": {"summary": packets.summary(journey.packet), "octets": journey.packet.hex()},
        "functions": [_stop_data(stop, names) for stop in journey.stops],
        "outcome": [data for event in journey.events if (data := _outcome_data(event, names))],
    }


def _stop_data(stop: Stop, names: dict[int, str]) -> dict[str, Any]:
    visit = stop.visit
    return {
        "hook": visit.hook.value,
        "iface": names[visit.iface],
        "function": visit.function,
        "state": visit.facts.state.name.lower(),
        "packet": {"summary": packets.summary(visit.facts.packet), "octets": visit.facts.packet.hex()},
        "steps": [_line_data(line) for line in stop.lines],
        "nearly": [_near_data(miss) for miss in stop.near],
    }


def _line_data(line: Line) -> dict[str, Any]:
    data = {"statement": type(line.statement).__name__.lower(), **_place_data(line.span), "depth": line.depth}
    if line.went is not None:
        data["went"] = line.went.value
    if line.because:
        data["because"] = [dict(reading.values) for reading in line.because]
    return data


def _near_data(miss: Near) -> dict[str, Any]:
    data: dict[str, Any] = {"statement": type(miss.statement).__name__.lower(), **_place_data(miss.statement.span)}
    if miss.unmet is not None:
        return data | {"test": _place_data(miss.unmet.span), "values": dict(miss.unmet.values)}
    return data | {"protocol": miss.protocol.value if miss.protocol else None}


def _place_data(span: Span) -> dict[str, Any]:
    return {"file": span.source.name, "line": span.line, "column": span.column, "text": _shortened(span.text)}


def _outcome_data(event: Event, names: dict[int, str]) -> dict[str, Any] | None:
    match event:
        case Sent(iface, packet, next_hop):
            hop = format_address(next_hop)
            return {"out": names[iface], "next_hop": hop, "summary": packets.summary(packet), "octets": packet.hex()}
        case Delivered(iface):
            return {"local": names[iface]}
        case Dropped(_, reason):
            return {"drop": reason.value}
        case Held():
            return {"held": True}
    return None
