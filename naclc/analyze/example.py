"""One packet of a set, played on the interpreter before anybody sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from naclc.analyze.fates import Fate, Outcome
from naclc.analyze.view import View
from naclc.decision.symbolic import Symbols
from naclc.decision.usual import usual
from naclc.decision.witness import DEFAULTS, NoSuchPacket, facts_from_assignment
from naclc.interpret.events import Delivered, Dropped, Held, Sent
from naclc.interpret.machine import Machine
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Config, Kind

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_LONGEST = 1500  # octets: what a frame holds


@dataclass(frozen=True, slots=True)
class Example:
    """An IPv4 packet, and its history: the state of its connection when it arrives, and whether it goes the way of the
    packet that opened it."""

    packet: bytes
    state: State
    original: bool
    values: dict[str, int]  # of the fields and free choices of the symbols


def example_of(packets: BDDFunction, symbols: Symbols) -> Example | None:
    """One of `packets`, which are not none, as usual as can be; None when no frame holds such a packet."""
    return _made(symbols.pick(usual(packets, symbols)))


def _made(picked: Mapping[str, int]) -> Example | None:
    values = {**{name: value for name, value in DEFAULTS.items() if name not in picked}, **picked}
    try:
        facts = facts_from_assignment(picked)
    except NoSuchPacket:
        return None
    if len(facts.packet) > _LONGEST:
        return None
    return Example(facts.packet, facts.state, bool(values.get("original direction", 1)), values)


def confirmed(
    example: Example, fate: Fate, iface: int, pipeline: Pipeline, symbols: Symbols, leased: frozenset[str] = frozenset()
) -> bool:
    """Whether the interpreter does with `example`, arriving on the Iface of number `iface`, what `fate` says.

    Each function on its way is run on the packet as it then is. What needs no history, the whole way is walked too, if
    all addresses of the machine are known: those of the policy, and of the Ifaces that are `leased`.
    """
    evaluate = evaluator(pipeline)
    for number, station in enumerate(fate.view.stations):
        facts = _facts_at(station.view, example, symbols)
        if facts is None:
            return False
        decision = evaluate(station.function, facts)
        if pipeline.functions[station.function].kind is Kind.NAT:
            continue
        is_last = number == len(fate.view.stations) - 1
        drops = is_last and fate.outcome is Outcome.DROP and fate.why == station.hook.value
        if decision.verdict is not (Verdict.DROP if drops else Verdict.ACCEPT):
            return False
    addressed = all(i.name in leased or (i.address is not None and i.config is Config.STATIC) for i in pipeline.ifaces)
    return example.state is not State.NEW or not addressed or _walked(example, fate, iface, pipeline)


def _facts_at(view: View, example: Example, symbols: Symbols) -> Facts | None:
    now = {name: symbols.number(bits, example.values) for name, bits in view.changed.items()}
    try:
        return facts_from_assignment({**example.values, **now})
    except NoSuchPacket:
        return None


def _walked(example: Example, fate: Fate, iface: int, pipeline: Pipeline) -> bool:
    for event in Machine(pipeline).receive(iface, example.packet):
        match event:
            case Sent(out):
                return fate.outcome is Outcome.OUT and out == fate.iface
            case Delivered(on):
                return fate.outcome is Outcome.LOCAL and on == fate.iface
            case Held():
                return fate.outcome is Outcome.HELD
            case Dropped():
                return fate.outcome is Outcome.DROP
    return False
