"""A policy as a ruleset of nftables.

    statement trees ─ formulas ─ rules ─▶ chains ─ hooks, priorities ─▶ table ─▶ text for `nft -f`

docs/export.md says what is equal, and what is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.diagnostics import Diagnostic, error
from naclc.export.bodies import fields_of
from naclc.export.hooks import Hooks
from naclc.export.matches import Names
from naclc.export.refused import refused, tests_of
from naclc.export.ruleset import MAX_DEPTH, Ruleset, plain
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model
from naclc.semantics.depth import run_deep
from naclc.semantics.model import Configuration, Kind

TABLE = "nacl"
LONGEST_DEVICE = 15  # octets of a Linux interface name


def export(
    configuration: Configuration, pipeline: Pipeline, devices: Mapping[str, str], source_name: str
) -> tuple[str | None, list[Diagnostic]]:
    """The ruleset of a policy without errors.

    Args:
        devices: the Linux interface of an Iface, by the name of the Iface; that name itself where it is missing.
        source_name: what the first line calls the policy.

    Returns:
        Text for `nft -f`, or None and all that stands against it.
    """
    return run_deep(_export, configuration, pipeline, devices, source_name)


def is_stateful(pipeline: Pipeline) -> bool:
    """Whether the rules need the kernel to track connections."""
    if any(iface.masquerade for iface in pipeline.ifaces):
        return True
    return any(function.kind is Kind.NAT or _asks_for_state(function) for function in pipeline.functions.values())


def _asks_for_state(function: model.Function) -> bool:
    conditions = (statement.condition for statement in walk(function.body) if isinstance(statement, model.If))
    return any("ct.state" in fields_of(test) for condition in conditions for test in tests_of(condition))


def _export(
    configuration: Configuration, pipeline: Pipeline, devices: Mapping[str, str], source_name: str
) -> tuple[str | None, list[Diagnostic]]:
    findings = [*refused(configuration, pipeline), *_bad_names(configuration, devices)]
    if findings:
        return None, findings
    rules = _rules(pipeline, devices)
    depths = rules.deepest()
    if max(depths.values(), default=0) > MAX_DEPTH:
        return None, [_too_deep(configuration, depths)]
    return _head(source_name, pipeline) + rules.text(TABLE), []


def ruleset(pipeline: Pipeline, devices: Mapping[str, str], source_name: str) -> str | None:
    """As `export`, of a policy of which nothing is refused but, with None, too deep nesting."""
    rules = run_deep(_rules, pipeline, devices)
    if max(rules.deepest().values(), default=0) > MAX_DEPTH:
        return None
    return _head(source_name, pipeline) + rules.text(TABLE)


def _rules(pipeline: Pipeline, devices: Mapping[str, str]) -> Ruleset:
    rules = Ruleset()
    names = Names(pipeline.ifaces, {i.number: devices.get(i.name, i.name) for i in pipeline.ifaces})
    Hooks(pipeline, names, rules, is_stateful(pipeline)).write()
    return rules


def _bad_names(configuration: Configuration, devices: Mapping[str, str]) -> list[Diagnostic]:
    return [
        error(
            "not-exportable",
            f"`{iface.name}` is too long for the name of a Linux interface",
            iface.span,
            help=f"{LONGEST_DEVICE} octets at most; say which interface it is with `--iface {iface.name}=DEVICE`",
        )
        for iface in configuration.ifaces
        if len(devices.get(iface.name, iface.name)) > LONGEST_DEVICE
    ]


def _too_deep(configuration: Configuration, depths: Mapping[str, int]) -> Diagnostic:
    """About the function that begins the deepest way."""
    roots = (f for f in configuration.functions if depths.get(f"f_{f.name}", 0) >= MAX_DEPTH)
    function = next(roots, configuration.functions[0])
    return error(
        "not-exportable",
        f"`{function.name}` is nested too deep for nftables",
        function.span,
        help=f"the kernel follows {MAX_DEPTH} jumps; use fewer blocks, calls and brackets inside one another",
    )


def sysctls(pipeline: Pipeline) -> dict[str, int]:
    """Settings of the kernel without which the rules mean something else, by name."""
    settings = {"net.ipv4.ip_forward": 1}
    if is_stateful(pipeline):
        conntrack = pipeline.conntrack
        settings["net.netfilter.nf_conntrack_checksum"] = 0
        settings["net.netfilter.nf_conntrack_tcp_be_liberal"] = 1
        settings["net.netfilter.nf_conntrack_tcp_loose"] = 0 if conntrack.stateful_tcp else 1
        if conntrack.limit:
            settings["net.netfilter.nf_conntrack_max"] = max(1, conntrack.limit // 2)
    return settings


def _head(source_name: str, pipeline: Pipeline) -> str:
    lines = [
        "#!/usr/sbin/nft -f",
        f"# {plain(source_name)} as a ruleset of nftables; addresses and routes are for the system to set.",
        *(f"# sysctl -w {name}={value}" for name, value in sysctls(pipeline).items()),
        f"table ip {TABLE}",
        f"delete table ip {TABLE}",
    ]
    return "".join(f"{line}\n" for line in lines)
