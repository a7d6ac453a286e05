"""Is what was seen what was expected, and what the interpreter saw? Each function gives the differences in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Accept, Block, Dnat, Drop, If, Snat
from naclc.source import Span
from naclc.verify import packets, syslog
from naclc.verify.cases import Expect, Outcome
from naclc.verify.divided import joined
from naclc.verify.executor import Observation, Sent
from naclc.verify.masquerade import MasqueradePorts
from naclc.verify.packetspec import PacketSpec, Value, flag_names


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows the policy's places and the machine's own addresses."""

    statements: Mapping[int, Span]
    own: frozenset[int]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Judge:
        own = frozenset(iface.address for iface in pipeline.ifaces if iface.address is not None)
        return cls(pipeline.statements, own)

    def expectation(self, expect: Expect, receiver: str, seen: Observation) -> list[str]:
        """What of `expect` is not so; `receiver` is the Iface that received the packet. A packet that left in
        fragments is judged as the one that it is."""
        seen = replace(seen, sent=joined(seen.sent))
        match expect.outcome:
            case Outcome.DROP:
                problems = _nothing(seen)
            case Outcome.LOCAL:
                problems = self._local(expect, receiver, seen)
            case Outcome.OUT:
                problems = _leaves(expect.packet, expect.iface or "", seen.sent)
                if seen.delivered:
                    problems.append("it was delivered to the machine itself")
            case Outcome.ANSWER:
                problems = self._answer(expect, receiver, seen)
        if expect.log is not None and seen.log is not None and seen.log != expect.log:
            problems.append(f"logged {seen.log!r} instead of {expect.log!r}")
        if expect.rule is not None and seen.decided is not None:
            problems += self._rule(expect.rule, seen.decided, expect.outcome)
        return problems

    def _local(self, expect: Expect, receiver: str, seen: Observation) -> list[str]:
        problems = []
        if seen.delivered is not None and not seen.delivered:
            problems.append(f"it was not delivered to the machine itself{_because(seen)}")
        if seen.delivered is None and not seen.sent and expect.answer is not False:
            problems.append("nothing shows that it was delivered")
        if expect.answer is False and seen.sent:
            problems.append(f"answered: {_listed(seen.sent)}")
        elif expect.answer:
            problems += self._answer(expect, receiver, seen)
        problems += [f"also left {_one(sent)}" for sent in seen.sent if not self._is_own(sent)]
        return problems

    def _answer(self, expect: Expect, receiver: str, seen: Observation) -> list[str]:
        problems = _leaves(expect.packet, expect.iface or receiver, seen.sent, "an answer")
        if not problems and not self._is_own(seen.sent[0]):
            problems.append("what left is no answer of the machine itself, it was forwarded")
        return problems

    def _is_own(self, sent: Sent) -> bool:
        return int.from_bytes(sent.packet[12:16], "big") in self.own

    def _rule(self, rule: tuple[str, int], decided: tuple[int, ...], outcome: Outcome) -> list[str]:
        lines = [self.statements[statement].line for statement in decided]
        looked_at = lines[-1:] if outcome is Outcome.DROP else lines
        if rule[1] in looked_at:
            return []
        found = ", ".join(f"line {line}" for line in lines) or "no statement"
        return [f"decided by {found} instead of line {rule[1]}"]

    def disagreements(self, truth: Observation, seen: Observation, ports: MasqueradePorts | None = None) -> list[str]:
        """What `seen` has otherwise than the interpreter's `truth`, as far as it can be seen.

        `ports` knows, and learns, which masquerade ports stand for each other."""
        problems = []
        hops = all(sent.next_hop is not None for sent in (*truth.sent, *seen.sent))
        answers = bool(truth.delivered)  # what leaves then is the machine's own, even from a translated address
        ours, theirs = self._comparable(truth.sent, hops, answers), self._comparable(seen.sent, hops, answers)
        missing, extra = Counter(ours), Counter(ports.here(ours, theirs) if ports else theirs)
        lacking, surplus = missing - extra, extra - missing
        if lacking:
            problems.append(f"the interpreter also sends {_listed(list(lacking.elements()))}")
        if surplus:
            problems.append(f"the interpreter does not send {_listed(list(surplus.elements()))}{_because(truth)}")
        if None not in (truth.delivered, seen.delivered) and Counter(truth.delivered) != Counter(seen.delivered):
            problems.append(f"delivered on {_names(seen.delivered)}, for the interpreter on {_names(truth.delivered)}")
        if None not in (truth.log, seen.log) and truth.log != seen.log:
            problems.append(f"logs {seen.log!r}, the interpreter {truth.log!r}")
        problems += _messages(truth.syslog, seen.syslog)
        if None not in (truth.decided, seen.decided) and truth.decided != seen.decided:
            problems.append(
                f"decided by {self._places(seen.decided)}, for the interpreter {self._places(truth.decided)}"
            )
        return problems

    def _comparable(self, sent: tuple[Sent, ...], hops: bool, answers: bool) -> list[Sent]:
        """With the next hops when `hops`; `answers`: all are the machine's own packets."""
        return [
            Sent(
                one.iface,
                _uncounted(one.packet) if answers or self._is_own(one) else one.packet,
                one.next_hop if hops else None,
            )
            for one in sent
        ]

    def _places(self, decided: tuple[int, ...] | None) -> str:
        return ", ".join(f"line {self.statements[statement].line}" for statement in decided or ()) or "nothing"


def _uncounted(packet: bytes) -> bytes:
    """`packet`, the machine's own, without what each machine counts for itself: identification, and the header
    checksum, which covers it (docs/language.md 13: "id counts up")."""
    return packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:] if len(packet) >= 20 else packet


def _messages(truth: tuple[syslog.Message, ...] | None, seen: tuple[syslog.Message, ...] | None) -> list[str]:
    """In what the syslog messages differ. Their order is that of the statements."""
    if truth is None or seen is None:
        return []
    ours, theirs = [syslog.visible(one) for one in truth], [syslog.visible(one) for one in seen]
    if ours == theirs:
        return []
    missing, extra = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    problems = [f"the syslog message `{syslog.shown(one)}` did not arrive" for one in missing.elements()]
    problems += [f"sends the syslog message `{syslog.shown(one)}`, the interpreter not" for one in extra.elements()]
    return problems or ["the syslog messages come in another order than the interpreter's"]


def _nothing(seen: Observation) -> list[str]:
    problems = []
    if seen.sent:
        problems.append(f"it was not dropped: {_listed(seen.sent)}")
    if seen.delivered:
        problems.append(f"it was not dropped but delivered on {_names(seen.delivered)}")
    return problems


def _leaves(wanted: PacketSpec | None, iface: str, sent: tuple[Sent, ...], what: str = "it") -> list[str]:
    """Exactly one packet leaves, on `iface`, and is as `wanted` says."""
    if not sent:
        return [f"{what} did not leave on {iface}"]
    if len(sent) > 1:
        return [f"more than one packet left: {_listed(sent)}"]
    problems = [] if sent[0].iface == iface else [f"{what} left on {sent[0].iface} instead of {iface}"]
    if wanted is not None:
        found = packets.fields(sent[0].packet)
        for key in packets.differences(wanted, sent[0].packet):
            should = wanted.values.get(key, wanted.transport or "")
            problems.append(f"{key} is {shown(key, found.get(key))} instead of {shown(key, should)}")
    return problems


def shown(key: str, value: Value | str | None) -> str:
    """A packet's value as a person writes it."""
    if value is None:
        return "missing"
    if isinstance(value, bytes):
        return value.hex() or "empty"
    if isinstance(value, bool | str):
        return str(value).lower()
    if key in ("src", "dst"):
        return format_address(value)
    return flag_names(value) if key == "tcp.flags" else str(value)


def _because(seen: Observation) -> str:
    return f" (dropped: {', '.join(seen.dropped)})" if seen.dropped else ""


def _names(ifaces: tuple[str, ...] | None) -> str:
    return ", ".join(ifaces or ()) or "no Iface"


def _listed(sent: tuple[Sent, ...] | list[Sent]) -> str:
    return "; ".join(_one(one) for one in sent)


def _one(sent: Sent) -> str:
    hop = f" via {format_address(sent.next_hop)}" if sent.next_hop is not None else ""
    return f"{packets.summary(sent.packet)} on {sent.iface}{hop}"


def described(expect: Expect | None) -> str:
    """An expectation as a tests file would say it."""
    if expect is None:
        return "not judged"
    parts = [expect.outcome.value if expect.outcome is not Outcome.OUT else f"out {expect.iface}"]
    if expect.answer is False:
        parts.append("no answer")
    if expect.outcome is not Outcome.OUT and expect.iface:
        parts.append(f"on {expect.iface}")
    if expect.packet is not None:
        parts += [expect.packet.transport] if expect.packet.transport else []
        parts += [f"{key} {shown(key, value)}" for key, value in expect.packet.values.items()]
    if expect.log is not None:
        parts.append(f"log {expect.log!r}")
    if expect.rule is not None:
        parts.append(f"rule {expect.rule[0]}:{expect.rule[1]}")
    return ", ".join(parts)


def observed(seen: Observation) -> str:
    """An observation in a few words."""
    parts = [f"out {sent.iface}: {packets.summary(sent.packet)}" for sent in seen.sent]
    reasons = f" ({', '.join(seen.dropped)})" if seen.dropped else ""
    if seen.delivered:
        parts.insert(0, f"local on {_names(seen.delivered)}")
        parts += [f"no answer{reasons}"] if reasons and not seen.sent else []
    return "; ".join(parts) or f"drop{reasons}"


def verdict_statements(pipeline: Pipeline) -> frozenset[int]:
    """Ids of all accepts, drops, dnats and snats of the functions of `pipeline`."""
    found: set[int] = set()
    bodies = [function.body for function in pipeline.functions.values()]
    while bodies:
        for statement in bodies.pop():
            match statement:
                case Accept() | Drop() | Dnat() | Snat():
                    found.add(statement.id)
                case If():
                    bodies += [statement.then, statement.otherwise]
                case Block():
                    bodies.append(statement.body)
    return frozenset(found)
