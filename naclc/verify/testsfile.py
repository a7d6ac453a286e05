"""FILE.tests.yaml to test cases. All that is wrong in the file is told in one run, each with its place."""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, in_source_order
from naclc.interpret.machine import Lease
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Config
from naclc.source import SourceFile, Span
from naclc.verify.cases import Assertion, Case, Cidr, Expect, Outcome, ReplyStep, SendStep, Step, TestsFile, WaitStep
from naclc.verify.judge import verdict_statements
from naclc.verify.nics import nic_count, port
from naclc.verify.packetspec import IP_KEYS, TRANSPORT_KEYS, PacketSpec, Value
from naclc.verify.testsvalues import Values, is_host, kind_of, nearest
from naclc.verify.waits import check_waits
from naclc.verify.yamltree import Mapping, Node, Scalar, Sequence, parse_yaml, shortened

_PACKET_KEYS = (*IP_KEYS, *TRANSPORT_KEYS)
_STEP_KEYS = ("in", "nic", "vlan", "packet", "raw", "reply", "wait", "expect")
_EXPECT_KEYS = ("drop", "local", "out", "answer", "on", "log", "rule")
_MAX_WAIT = 86_400  # seconds
_MAX_VLAN = 0xFFF
_MAX_RAW = 1500  # octets: what an Ethernet frame holds


def read_tests(
    source: SourceFile, pipeline: Pipeline, policy: SourceFile | None = None
) -> tuple[TestsFile | None, list[Diagnostic]]:
    """The tests in `source`, for the policy `pipeline`.

    Returns:
        The tests, and what is wrong with the file in source order; None instead of tests when anything is.
    """
    root, findings = parse_yaml(source)
    reader = _Reader(pipeline, policy, findings)
    if root is None:
        if not findings:
            reader.refuse("tests-empty", "the tests file is empty", Span(source, 0, 0))
        return None, findings
    file = reader.file(root)
    return (None if findings else file), in_source_order(findings)


class _Reader:
    def __init__(self, pipeline: Pipeline, policy: SourceFile | None, findings: list[Diagnostic]) -> None:
        self._policy = policy
        self._ifaces = {iface.name: iface for iface in pipeline.ifaces}
        self._nics = nic_count(pipeline)
        self._conntrack = pipeline.conntrack
        self._verdicts = frozenset(pipeline.statements[statement].line for statement in verdict_statements(pipeline))
        self._files = {span.source.name.replace("\\", "/").rsplit("/", 1)[-1] for span in pipeline.statements.values()}
        self._findings = findings
        self._values = Values(findings)
        self.refuse = self._values.refuse

    def file(self, root: Node) -> TestsFile:
        entries = self._entries(root, ("neighbours", "dhcp", "tests"), "the tests file")
        leases = self._leases(entries["dhcp"][1]) if "dhcp" in entries else {}
        neighbours = self._neighbours(entries["neighbours"][1]) if "neighbours" in entries else None
        items = self._items(entries["tests"][1], "`tests`") if "tests" in entries else ()
        if not items and not any(d.code == "tests-value" for d in self._findings):
            self.refuse("tests-empty", "the file holds no tests", root.span)
        asserted = [item for item in items if _asserts(item)]
        cases = tuple(self._case(item) for item in items if not _asserts(item))
        found = [self._assertion(item) for item in asserted]
        return TestsFile(cases, neighbours, leases, tuple(one for one in found if one is not None))

    def _assertion(self, node: Node) -> Assertion | None:
        from naclc.verify.assertions import KEYS, read_assertion

        return read_assertion(self._entries(node, KEYS, "an `assert`"), node, self._policy, self._values)

    def _neighbours(self, node: Node) -> dict[str, tuple[Cidr, ...]]:
        result: dict[str, tuple[Cidr, ...]] = {}
        for name, (key, value) in self._entries(node, None, "`neighbours`").items():
            if self._iface(key) is not None:
                cidrs = [self._values.cidr(item) for item in self._items(value, "the neighbours of an Iface")]
                result[name] = tuple(cidr for cidr in cidrs if cidr is not None)
        return result

    def _leases(self, node: Node) -> dict[str, Lease]:
        result: dict[str, Lease] = {}
        for name, (key, value) in self._entries(node, None, "`dhcp`").items():
            if self._iface(key) is None:
                continue
            if self._ifaces[name].config is Config.STATIC:
                self.refuse("tests-value", f"Iface `{name}` does not ask for a lease: it has no DHCP config", key.span)
            lease = self._lease(value)
            if lease is not None:
                result[name] = lease
        return result

    def _lease(self, node: Node) -> Lease | None:
        entries = self._entries(node, ("address", "netmask", "router"), "a lease")
        for key in ("address", "netmask"):
            if key not in entries and isinstance(node, Mapping):
                self.refuse("tests-missing", f"a lease needs `{key}`", node.span)
        address = self._values.address(entries["address"][1]) if "address" in entries else None
        netmask = self._values.netmask(entries["netmask"][1]) if "netmask" in entries else None
        router = self._values.address(entries["router"][1]) if "router" in entries else None
        if address is None or netmask is None:
            return None
        if not is_host(address, netmask):
            self.refuse("tests-value", "no host of its subnet has this address", entries["address"][1].span)
        if router is not None and (router == address or router & netmask != address & netmask):
            self.refuse("tests-value", "the router is no other host of the subnet", entries["router"][1].span)
        return Lease(address, netmask, router)

    # --- tests and steps ---

    def _case(self, node: Node) -> Case:
        entries = self._entries(node, ("name", "todo", "steps", *_STEP_KEYS, *_PACKET_KEYS), "a test")
        name = self._values.text(entries["name"][1]) if "name" in entries else None
        todo = self._values.text(entries["todo"][1]) if "todo" in entries else None
        if "name" not in entries and isinstance(node, Mapping):
            self.refuse("tests-missing", "a test needs a `name`", node.span)
        rest = {key: entry for key, entry in entries.items() if key not in ("name", "todo", "steps")}
        steps: list[Step | None] = []
        if "steps" in entries:
            for key, _ in rest.values():
                self.refuse("tests-key", f"`{key.text}` stands in a step when there are `steps`", key.span)
            items = self._items(entries["steps"][1], "`steps`")
            if not items:
                self.refuse("tests-empty", "the test has no steps", entries["steps"][1].span)
            for item in items:
                inner = self._entries(item, (*_STEP_KEYS, *_PACKET_KEYS), "a step")
                steps.append(self._step(inner, item.span, len(steps)))
        elif isinstance(node, Mapping):
            steps.append(self._step(rest, node.span, 0))
        whole = tuple(step for step in steps if step is not None)
        if len(whole) == len(steps):
            self._check_replies(whole)
            self._findings += check_waits(whole, self._conntrack)
        return Case(name or "", whole, todo, node.span)

    def _step(self, entries: dict[str, tuple[Scalar, Node]], span: Span, before: int) -> Step | None:
        kinds = [key for key in ("packet", "raw", "reply", "wait") if key in entries]
        if len(kinds) != 1:
            self.refuse("tests-missing", "a step needs one of `packet`, `raw`, `reply`, `wait`", span)
            return None
        kind = kinds[0]
        if kind == "wait":
            self._only(entries, ("wait",), "a `wait`")
            seconds = self._values.number(entries["wait"][1], 1, _MAX_WAIT)
            return None if seconds is None else WaitStep(seconds, span)
        allowed = ("in", "nic", "vlan", kind, "expect")
        self._only(entries, (*allowed, *_PACKET_KEYS) if kind == "reply" else allowed, f"a step with `{kind}`")
        problems = len(self._findings)
        port = self._where(entries, span)
        expect = self._expect(entries["expect"][1]) if "expect" in entries else None
        if kind == "reply":
            changes = self._spec({k: e for k, e in entries.items() if k in _PACKET_KEYS})
            to = self._values.number(entries["reply"][1], 1, max(before, 1))
            if len(self._findings) > problems or to is None:
                return None
            return ReplyStep(port, to, changes, expect, span)
        packet = self._packet(entries["packet"][1]) if kind == "packet" else self._raw(entries["raw"][1])
        return None if len(self._findings) > problems else SendStep(port, packet, expect, span)

    def _where(self, entries: dict[str, tuple[Scalar, Node]], span: Span) -> str:
        """The port where a packet arrives; any text when there is a mistake."""
        if ("in" in entries) == ("nic" in entries):
            self.refuse("tests-missing", "a packet needs `in` (an Iface) or `nic` (a number), and not both", span)
        if "vlan" in entries and "nic" not in entries:
            advice = "an Iface knows its VLAN; write `nic: N` in the place of `in`"
            self.refuse("tests-key", "`vlan` stands beside `nic` only", entries["vlan"][0].span, advice)
        vlan = self._values.number(entries["vlan"][1], 0, _MAX_VLAN) if "vlan" in entries else None
        if "nic" in entries:
            return port(self._values.number(entries["nic"][1], 0, self._nics - 1) or 0, vlan)
        return (self._iface(entries["in"][1]) if "in" in entries else None) or ""

    def _check_replies(self, steps: tuple[Step, ...]) -> None:
        for number, step in enumerate(steps, 1):
            if not isinstance(step, ReplyStep) or step.span is None:
                continue
            if step.to >= number or isinstance(steps[step.to - 1], WaitStep):
                self.refuse("tests-value", f"step {step.to} is not an earlier step that sends a packet", step.span)

    # --- packets ---

    def _raw(self, node: Node) -> PacketSpec:
        return PacketSpec(raw=self._values.octets(node, _MAX_RAW) or b"")

    def _packet(self, node: Node) -> PacketSpec:
        entries = self._entries(node, (*_PACKET_KEYS, "raw"), "a packet")
        if "raw" in entries:
            self._only(entries, ("raw",), "a packet with `raw`")
            return self._raw(entries["raw"][1])
        spec = self._spec(entries)
        if not isinstance(node, Mapping):
            return spec
        for key in ("src", "dst"):
            if key not in entries:
                self.refuse("tests-missing", f"a packet needs `{key}`", node.span)
        if spec.transport is None and "protocol" not in entries:
            self.refuse("tests-missing", "a packet needs one of `tcp`, `udp`, `icmp`, `protocol`", node.span)
        needed = {"tcp": "dport", "udp": "dport", "icmp": "type"}.get(spec.transport or "")
        if needed is not None and spec.transport is not None and not self._has(entries[spec.transport][1], needed):
            self.refuse("tests-missing", f"`{spec.transport}` needs `{needed}`", entries[spec.transport][0].span)
        return spec

    def _has(self, node: Node, key: str) -> bool:
        return not isinstance(node, Mapping) or any(name.text == key for name, _ in node.entries)

    def _spec(self, entries: dict[str, tuple[Scalar, Node]]) -> PacketSpec:
        """The packet keys among `entries`."""
        values: dict[str, Value | None] = {}
        transports = [key for key in entries if key in TRANSPORT_KEYS or key == "protocol"]
        for key in transports[1:]:
            self.refuse("tests-key", f"`{key}` cannot stand beside `{transports[0]}`", entries[key][0].span)
        for key, (_, node) in entries.items():
            if key in IP_KEYS:
                values[key] = self._values.value(IP_KEYS[key], node)
            elif key in TRANSPORT_KEYS:
                for name, (_, inner) in self._entries(node, tuple(TRANSPORT_KEYS[key]), f"`{key}`").items():
                    values[f"{key}.{name}"] = self._values.value(TRANSPORT_KEYS[key][name], inner)
        transport = next((key for key in transports if key in TRANSPORT_KEYS), None)
        return PacketSpec(transport, {key: value for key, value in values.items() if value is not None})

    # --- expectations ---

    def _expect(self, node: Node) -> Expect | None:
        if isinstance(node, Scalar):
            if node.text in ("drop", "local"):
                return Expect(Outcome(node.text))
            self.refuse("tests-value", f"`{shortened(node.text)}` is not an outcome", node.span, _OUTCOMES)
            return None
        entries = self._entries(node, (*_EXPECT_KEYS, *_PACKET_KEYS), "`expect`")
        outcome = self._outcome(entries, node.span)
        if outcome is None:
            return None
        iface = self._iface(entries["out"][1]) if outcome is Outcome.OUT else None
        if "on" in entries:
            iface = self._iface(entries["on"][1])
        packet, answer = None, None
        if outcome is Outcome.OUT:
            packet = self._spec({key: entry for key, entry in entries.items() if key in _PACKET_KEYS})
        if "answer" in entries:
            packet, answer = self._answer(entries["answer"][1])
            outcome = Outcome.LOCAL if answer is False else outcome
        log = self._values.text(entries["log"][1]) if "log" in entries else None
        rule = self._rule(entries["rule"][1]) if "rule" in entries else None
        return Expect(outcome, iface, packet, answer, log, rule)

    def _outcome(self, entries: dict[str, tuple[Scalar, Node]], span: Span) -> Outcome | None:
        given = [word for word in ("drop", "local", "out", "answer") if word in entries]
        if given not in (["drop"], ["local"], ["out"], ["answer"], ["local", "answer"]):
            self.refuse("tests-value", "one outcome is expected, and one only", span, _OUTCOMES)
            return None
        outcome = Outcome(given[0])
        if outcome in (Outcome.DROP, Outcome.LOCAL) and self._values.boolean(entries[outcome][1]) is False:
            self.refuse("tests-value", f"`{outcome}` can only be true", entries[outcome][1].span)
        allowed = (*given, "log", "rule")
        if outcome is Outcome.OUT:
            allowed += _PACKET_KEYS
        if "answer" in given:
            allowed += ("on",)
        self._only(entries, allowed, f"`{outcome}`")
        return outcome

    def _answer(self, node: Node) -> tuple[PacketSpec | None, bool]:
        if isinstance(node, Scalar):
            if node.text != "none":
                self.refuse("tests-value", f"`{shortened(node.text)}` is neither `none` nor a packet", node.span)
            return None, False
        return self._spec(self._entries(node, _PACKET_KEYS, "`answer`")), True

    def _rule(self, node: Node) -> tuple[str, int] | None:
        text = self._values.text(node)
        if text is None:
            return None
        file, _, line = text.replace("\\", "/").rsplit("/", 1)[-1].rpartition(":")
        if not line.isdecimal() or not line.isascii() or not file:
            self.refuse("tests-value", f"`{shortened(text)}` is not a file name, a colon and a line", node.span)
        elif file not in self._files and self._files:
            near = nearest(file, dict.fromkeys(self._files))
            self.refuse("tests-value", f"`{shortened(file)}` is not the policy's file", node.span, near)
        elif len(line) > 9 or int(line) not in self._verdicts:
            lines = ", ".join(map(str, sorted(self._verdicts)[:12])) or "none"
            advice = f"lines with a verdict: {lines}"
            self.refuse("tests-value", f"no statement in line {shortened(line)} decides", node.span, advice)
        else:
            return file, int(line)
        return None

    # --- structure ---

    def _entries(self, node: Node, known: tuple[str, ...] | None, what: str) -> dict[str, tuple[Scalar, Node]]:
        """The entries of a mapping by key; a key not in `known` (None: any) is reported and left out."""
        if not isinstance(node, Mapping):
            self.refuse("tests-value", f"{what} is a mapping, not a {kind_of(node)}", node.span)
            return {}
        result: dict[str, tuple[Scalar, Node]] = {}
        for key, value in node.entries:
            if known is None or key.text in known:
                result[key.text] = (key, value)
            else:
                near = nearest(key.text, dict.fromkeys(known))
                self.refuse("tests-key", f"{what} has no key `{shortened(key.text)}`", key.span, near)
        return result

    def _only(self, entries: dict[str, tuple[Scalar, Node]], allowed: tuple[str, ...], what: str) -> None:
        for name, (key, _) in entries.items():
            if name not in allowed:
                self.refuse("tests-key", f"{what} takes no `{name}`", key.span)

    def _items(self, node: Node, what: str) -> tuple[Node, ...]:
        if isinstance(node, Sequence):
            return node.items
        self.refuse("tests-value", f"{what} is a list, not a {kind_of(node)}", node.span)
        return ()

    def _iface(self, node: Node) -> str | None:
        name = self._values.text(node)
        if name is not None and name not in self._ifaces:
            self.refuse("tests-iface", f"there is no Iface `{shortened(name)}`", node.span, nearest(name, self._ifaces))
            return None
        return name


_OUTCOMES = "an outcome is `drop`, `local`, `{out: IFACE}` or `{answer: {…}}`"


def _asserts(node: Node) -> bool:
    return isinstance(node, Mapping) and any(
        isinstance(key, Scalar) and key.text == "assert" for key, _ in node.entries
    )
