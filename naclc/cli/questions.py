"""`naclc query` and `naclc diff`: questions that one policy answers, or two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, show
from naclc.cli.policy import checked
from naclc.diagnostics import error
from naclc.driver import Compilation, Options

if TYPE_CHECKING:
    from naclc.analyze.compare import Change
    from naclc.analyze.example import Example
    from naclc.analyze.fates import Outcome
    from naclc.analyze.question import Policy, Side
    from naclc.analyze.search import Region
    from naclc.reports.answers import Row, Treatment

_VERDICTS = ("accept", "drop", "out", "local")
_nodes = click.option(
    "--analysis-nodes",
    type=click.IntRange(1),
    default=4_000_000,
    metavar="N",
    help="BDD nodes that the answer may take.",
)


@click.command("query")
@click.argument("policy")
@click.argument("expression")
@click.option("--verdict", type=click.Choice(_VERDICTS), help="Only packets that end so; accept is out or local.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Form of the answer.")
@_nodes
def query_command(policy: str, expression: str, verdict: str | None, form: str, analysis_nodes: int) -> int:
    """Tell whether POLICY may see a packet for which EXPRESSION holds, and what becomes of it.

    EXPRESSION is a condition as in an `if` of the policy, with its names: `ip.daddr in dmz and tcp.dport == 22`. It is
    about the packet as it arrives; iface.out is the Iface by which it leaves. Exit status: 0 there is such a packet,
    1 there is none (or an error).
    """
    from naclc.analyze.expression import read_condition
    from naclc.analyze.question import OverBudget
    from naclc.analyze.search import Wanted, regions
    from naclc.config.read import is_json

    result = checked(policy, Options(), Presentation("json" if form == "json" else None))
    if is_json(result.source):
        raise click.UsageError("a config.json has no rules to ask about")
    condition, findings = read_condition(result.source, expression)
    if condition is None:
        show(findings, "json" if form == "json" else None)
        return exits.FAILED
    try:
        found = regions(_policy(result), Wanted(*condition, _outcomes(verdict)), analysis_nodes)
    except OverBudget:
        return _over_budget(form)
    _print([_region_row(region, result) for region in found], form, "packets", "no such packet exists")
    return exits.OK if found else exits.FAILED


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--fail-on", type=click.Choice(("any", "widen")), default="any", help="What makes the exit status 1.")
@click.option(
    "--format", "form", type=click.Choice(("text", "json", "markdown")), default="text", help="Form of the answer."
)
@_nodes
def diff_command(old: str, new: str, fail_on: str, form: str, analysis_nodes: int) -> int:
    """Tell which packets NEW treats otherwise than OLD: all of them, each kind with both rules and an example.

    Exit status: 0 they do the same (or, with --fail-on widen, nothing gets through that did not), 1 they do not.
    """
    from naclc.analyze.compare import compare
    from naclc.analyze.question import OverBudget

    if old == new == "-":
        raise click.UsageError("only one of the two policies can come from standard input")
    presentation = Presentation("json" if form == "json" else None)
    before, after = checked(old, Options(), presentation), checked(new, Options(), presentation)
    try:
        comparison = compare(_policy(before), _policy(after), analysis_nodes)
    except OverBudget:
        return _over_budget(form)
    rows = [_change_row(change, after) for change in comparison.changes]
    ifaces = [f"Iface {name} is only in {old}" for name in comparison.only_old]
    ifaces += [f"Iface {name} is only in {new}" for name in comparison.only_new]
    _print(rows, form, "changes", "the same packets get the same treatment" if not ifaces else "", ifaces)
    if fail_on == "widen":
        wider = any(change.widens for change in comparison.changes) or comparison.only_new
        return exits.FAILED if wider else exits.OK
    return exits.OK if comparison.same else exits.FAILED


def _policy(result: Compilation) -> Policy:
    from naclc.analyze.question import Policy

    assert result.pipeline is not None and result.graphs is not None
    return Policy(result.pipeline, result.graphs)


def _outcomes(verdict: str | None) -> frozenset[Outcome] | None:
    from naclc.analyze.fates import Outcome
    from naclc.analyze.search import ACCEPT

    if verdict is None:
        return None
    return ACCEPT if verdict == "accept" else frozenset({Outcome(verdict)})


def _region_row(region: Region, result: Compilation) -> Row:
    from naclc.reports.answers import Row

    return Row(region.iface, region.packets, (_treatment(region.fate),), _example(region.example, result))


def _change_row(change: Change, after: Compilation) -> Row:
    from naclc.reports.answers import Row

    tag = "wider" if change.widens else "narrower" if change.narrows else "otherwise"
    treatments = (_treatment(change.old), _treatment(change.new))
    return Row(change.iface, change.packets, treatments, _example(change.example, after), tag)


def _treatment(side: Side) -> Treatment:
    from naclc.analyze.fates import Outcome
    from naclc.reports.answers import Treatment

    what = {
        Outcome.OUT: f"out {side.iface}",
        Outcome.LOCAL: f"local on {side.iface}",
        Outcome.HELD: f"held on {side.iface}",
        Outcome.DROP: "drop",
    }
    return Treatment(what[side.outcome], side.why if side.rule is None else None, side.rule)


def _example(example: Example | None, result: Compilation) -> str | None:
    """`TCP from 192.0.2.9:40000 to 10.0.0.5:22 (ct.state new)`."""
    if example is None or result.pipeline is None:
        return None
    from naclc.decision.path import describe_packet
    from naclc.net.fields import FIELDS
    from naclc.pipeline.evaluation import Facts

    return describe_packet(
        Facts(example.packet, example.state), (FIELDS["ct.state"], FIELDS["ip.ttl"]), result.pipeline
    )


def _print(rows: list[Row], form: str, key: str, nothing: str, notes: list[str] | None = None) -> None:
    from naclc.reports import answers

    if form == "json":
        data = {key: [answers.as_data(row) for row in rows], "notes": notes or []}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    text = (answers.as_markdown if form == "markdown" else answers.as_text)(rows) if rows else ""
    parts = [*(text,) * bool(text), "".join(f"{note}\n" for note in notes or [])]
    said = "\n".join(part for part in parts if part)
    click.echo(said if said else f"{nothing}\n", nl=False)


def _over_budget(form: str) -> int:
    found = error(
        "analysis-limit",
        "the question takes more than its budget, and half an answer is none",
        None,
        help="raise the budget with `--analysis-nodes N`",
    )
    show([found], "json" if form == "json" else None)
    return exits.FAILED
