"""What a policy says and nftables cannot: refused, all of it in one run, never left out.

Reports   not-exportable.
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.export.bodies import called, fields_of
from naclc.export.hooks import MOST_FUNCTIONS, split
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model
from naclc.semantics.model import Config, Configuration, Hook, Kind, Untracked
from naclc.source import Span

# What all packets of one direction of a flow have in common; a Nat of nftables is asked by the first of them only.
_OF_A_FLOW = frozenset(
    {"ip.version", "ip.protocol", "ip.saddr", "ip.daddr", "iface.in", "iface.out"}
    | {f"{protocol}.{port}" for protocol in ("tcp", "udp") for port in ("sport", "dport")}
)
_UNFINISHED = frozenset({"tcp.checksum", "udp.checksum"})  # in the machine's own packets, where the NIC finishes them
_SEES_OWN = (Hook.OUTPUT, Hook.FORWARD, Hook.POSTROUTING)


def refused(configuration: Configuration, pipeline: Pipeline) -> list[Diagnostic]:
    """One error for each part that no nftables ruleset can say, in source order."""
    findings = [*_elements(configuration, pipeline)]
    for iface in configuration.ifaces:
        findings += _iface(iface, pipeline)
    for hook, attachments in _chains(configuration):
        findings += _chain(hook, attachments, pipeline)
    hooks = _hooks(pipeline)
    for name, function in pipeline.functions.items():
        findings += _conditions(function, hooks[name])
    return in_source_order(findings)


def _elements(configuration: Configuration, pipeline: Pipeline) -> Iterator[Diagnostic]:
    balancer, conntrack = configuration.load_balancer, configuration.conntrack
    if balancer:
        yield _error("a Load_balancer", balancer.span, "it is a program of its own: run one beside the exported rules")
    if conntrack and conntrack.stateful_tcp and conntrack.untracked is Untracked.FILTER:
        help_ = (
            "leave out `untracked: filter`: Linux has no state for a segment outside a connection that a rule can test"
        )
        yield _error("stateful_tcp with `untracked: filter`", conntrack.span, help_)


def _iface(iface: model.Iface, pipeline: Pipeline) -> Iterator[Diagnostic]:
    if iface.config is not Config.STATIC:
        span = iface.keys.get("config", iface.span)
        yield _error(f"the Iface config `{iface.config}`", span, "give it an address: rules name the machine's own")
    behind = iface.chains.get(Hook.POSTROUTING, ())
    nat = next((a for a in behind if _rewrites(pipeline, a.function, model.Snat)), None)
    if iface.masquerade and nat:
        help_ = (
            "translate there by one of the two: a flow of nftables gets one source address, NaCl gives it both in turn"
        )
        yield _error("a Nat with snat on the postrouting chain of an Iface that masquerades", nat.span, help_)


def _chains(configuration: Configuration) -> Iterator[tuple[Hook, tuple[model.Attachment, ...]]]:
    for iface in configuration.ifaces:
        yield from iface.chains.items()
    if configuration.gateway and configuration.gateway.forward:
        yield Hook.FORWARD, configuration.gateway.forward


def _chain(hook: Hook, attachments: tuple[model.Attachment, ...], pipeline: Pipeline) -> Iterator[Diagnostic]:
    names = tuple(attachment.function for attachment in attachments)
    if len(names) > MOST_FUNCTIONS:
        help_ = f"{MOST_FUNCTIONS} at most: call some of them from one"
        yield _error(f"a chain of {len(names)} functions", attachments[MOST_FUNCTIONS].span, help_)
    kinds = {name: function.kind for name, function in pipeline.functions.items()}
    before, nat, _ = split(names, kinds)
    if nat is None:
        return
    translated = _sources_change(pipeline) if hook in (Hook.PREROUTING, Hook.OUTPUT) else _destinations_change(pipeline)
    for attachment in attachments[len(before) + 1 :]:
        if kinds[attachment.function] is Kind.NAT:
            help_ = "call both from one Nat: nftables takes the first translation of a flow, NaCl the last"
            yield _error("a second Nat in a chain", attachment.span, help_)
        elif translated:
            help_ = "put it before the Nat: behind it Linux has translated replies already, NaCl has not"
            yield _error("a Filter behind a Nat in a chain where replies are translated", attachment.span, help_)


def _sources_change(pipeline: Pipeline) -> bool:
    return any(iface.masquerade for iface in pipeline.ifaces) or _any_rewrites(pipeline, model.Snat)


def _destinations_change(pipeline: Pipeline) -> bool:
    return _any_rewrites(pipeline, model.Dnat)


def _any_rewrites(pipeline: Pipeline, action: type[model.Dnat] | type[model.Snat]) -> bool:
    bodies = (function.body for function in pipeline.functions.values())
    return any(isinstance(statement, action) for body in bodies for statement in walk(body))


def _rewrites(pipeline: Pipeline, name: str, action: type[model.Dnat] | type[model.Snat]) -> bool:
    """Whether `name`, or a function that it calls, has such an action."""
    bodies = (pipeline.functions[each].body for each in called(pipeline, [name]))
    return any(isinstance(statement, action) for body in bodies for statement in walk(body))


def _hooks(pipeline: Pipeline) -> dict[str, set[Hook]]:
    """Where each function runs, attached or called."""
    hooks: dict[str, set[Hook]] = {}
    for root, places in pipeline.attached().items():
        for name in called(pipeline, [root]):
            hooks.setdefault(name, set()).update(hook for hook, _ in places)
    return hooks


def _conditions(function: model.Function, hooks: set[Hook]) -> Iterator[Diagnostic]:
    for statement in walk(function.body):
        if not isinstance(statement, model.If):
            continue
        for test in tests_of(statement.condition):
            yield from _test(test, function.kind, hooks)


def _test(
    test: model.Compare | model.CompareFields | model.InSet, kind: Kind, hooks: set[Hook]
) -> Iterator[Diagnostic]:
    if isinstance(test, model.CompareFields) and test.left != test.right:
        yield _error("a comparison of two fields", test.span, "compare each with numbers: nftables has no other tests")
        return
    for name in fields_of(test):
        if kind is Kind.NAT and name not in _OF_A_FLOW:
            help_ = "test addresses, ports, the protocol and Ifaces: in nftables the first packet decides for its flow"
            yield _error(f"a Nat that asks for `{name}`", test.span, help_)
        elif name in _UNFINISHED and not hooks.isdisjoint(_SEES_OWN):
            help_ = "test it in prerouting or input: the machine's own packets get it from the NIC, behind the rules"
            yield _error(f"`{name}` where the machine's own packets pass", test.span, help_)


def tests_of(condition: model.Condition) -> Iterator[model.Compare | model.CompareFields | model.InSet]:
    """The tests of `condition`, from left to right."""
    pending = [condition]
    while pending:
        match pending.pop():
            case model.Not(operand):
                pending.append(operand)
            case model.And(operands) | model.Or(operands):
                pending += reversed(operands)
            case model.Compare() | model.CompareFields() | model.InSet() as test:
                yield test


def _error(what: str, span: Span, help_: str) -> Diagnostic:
    return error("not-exportable", f"{what} cannot be said in nftables", span, help=help_)
