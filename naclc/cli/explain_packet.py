"""`naclc explain-packet`."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, show, status
from naclc.cli.policy import compiled
from naclc.cli.stop import NotCompiled
from naclc.diagnostics import Diagnostic, error
from naclc.driver import Options
from naclc.source import SourceFile
from naclc.syntax.read import read_source

if TYPE_CHECKING:
    from naclc.pipeline.pipeline import Pipeline
    from naclc.verify.cases import Case, TestsFile


@click.command("explain-packet")
@click.argument("policy")
@click.option("--in", "iface", metavar="IFACE", help="The Iface on which the packet arrives.")
@click.option("--src", metavar="ADDRESS", help="Its source,")
@click.option("--dst", metavar="ADDRESS", help="its destination,")
@click.option("--ttl", metavar="N", help="its TTL; 64 when left out.")
@click.option("--protocol", metavar="NAME", help="tcp, udp, icmp, or another protocol's name or number.")
@click.option("--sport", metavar="PORT", help="TCP, UDP: the source port; 40000 when left out.")
@click.option("--dport", metavar="PORT", help="TCP, UDP: the destination port.")
@click.option("--flags", metavar="NAMES", help="TCP: flags, separated by commas; syn when left out.")
@click.option("--type", metavar="NAME", help="ICMP: the type; echo-request when left out.")
@click.option("--code", metavar="N", help="ICMP: the code.")
@click.option("--packet", "spec", metavar="YAML", help="The packet as a tests file writes it: `{src: …, dst: …}`.")
@click.option("--test", "name", metavar="TEXT", help="The packets of the written test whose name holds TEXT.")
@click.option(
    "--tests",
    "file",
    metavar="FILE",
    help="The tests file, with the leases of `dhcp`; for --test the policy's own, with `.tests.yaml`.",
)
@click.option("--pcap", metavar="FILE", help="The IPv4 packets of a capture; they arrive on the Iface of --in.")
@click.option("--number", type=click.IntRange(1), metavar="N", help="Show packet N only; those before it are sent.")
@click.option("--format", "form", type=click.Choice(("pretty", "json")), default="pretty", help="Form of the answer.")
def explain_packet_command(
    policy: str,
    iface: str | None,
    spec: str | None,
    name: str | None,
    file: str | None,
    pcap: str | None,
    number: int | None,
    form: str,
    **words: str | None,
) -> int:
    """Tell what POLICY does with a packet: its way, each test on it, the rule that decides, and the rules that nearly
    did.

    The packet is made of options, or of --packet; or it is one of a written test, with all that the test sends before
    it; or of a capture. The connection table is empty at first.
    """
    given = {key: text for key, text in words.items() if text is not None}
    if sum((name is not None, pcap is not None, spec is not None, bool(given))) != 1:
        raise click.UsageError("give one of: --test, --pcap, --packet, or the options that make a packet")
    data = "json" if form == "json" else None
    result = compiled(policy, Options(), Presentation(data), quiet=True)
    assert result.pipeline is not None
    if find_spec("scapy") is None:
        from naclc.testing import no_scapy

        raise NotCompiled(_end([no_scapy()], data))
    from naclc.verify import asked, journey_report
    from naclc.verify.cases import TestsFile
    from naclc.verify.leases import leased

    written = TestsFile(())
    if name is not None or file is not None:
        written = _read(file or f"{policy.removesuffix('.nacl')}.tests.yaml", result.source, result.pipeline, data)
    pipeline = leased(result.pipeline, written.leases)
    try:
        if name is not None:
            case = _named(name, written)
        else:
            texts = _captured(pcap, data) if pcap is not None else [spec or asked.flow(given)]
            case = _described(iface, texts, result.source, pipeline, data)
        journeys = list(asked.journeys(case, pipeline))
    except asked.Impossible as problem:
        raise click.UsageError(str(problem)) from problem
    if number is not None and number > len(journeys):
        raise click.UsageError(
            f"there {'is only 1 packet' if len(journeys) == 1 else f'are only {len(journeys)} packets'}"
        )
    shown = journeys if number is None else [journeys[number - 1]]
    if data:
        click.echo(json.dumps({"packets": [journey_report.as_data(each, result.pipeline) for each in shown]}, indent=2))
    else:
        click.echo("\n".join(journey_report.as_text(each, result.pipeline) for each in shown), nl=False)
    return exits.OK


def _captured(file: str, data: str | None) -> list[str]:
    """The IPv4 packets of a capture, each as the packet of a tests file."""
    from naclc.verify.capture import Unreadable, ipv4_packets

    try:
        packets = ipv4_packets(file)
        why = "" if packets else "it holds no IPv4 packet"
    except Unreadable as problem:
        packets, why = [], str(problem)
    if why:
        raise NotCompiled(_end([error("not-a-capture", f"no packets from `{file}`: {why}", None)], data))
    return [f"raw: '{packet.hex()}'" for packet in packets]


def _described(iface: str | None, texts: list[str], policy: SourceFile, pipeline: Pipeline, data: str | None) -> Case:
    from naclc.verify.asked import tests_text

    if iface is None:
        names = ", ".join(each.name for each in pipeline.ifaces)
        raise click.UsageError(f"say with --in where the packet arrives: {names or 'the policy has no Iface'}")
    return _tests(SourceFile("<command line>", tests_text(iface, texts)), policy, pipeline, data).cases[0]


def _read(file: str, policy: SourceFile, pipeline: Pipeline, data: str | None) -> TestsFile:
    if not os.path.exists(file):
        raise click.UsageError(f"there is no tests file `{file}`; name it with --tests")
    source = read_source(file)
    if isinstance(source, Diagnostic):
        raise NotCompiled(_end([source], data))
    return _tests(source, policy, pipeline, data)


def _named(name: str, written: TestsFile) -> Case:
    found = [case for case in written.cases if name.lower() in case.name.lower()]
    found = [case for case in found if case.name == name] or found
    if len(found) != 1:
        what = f"the names of {len(found)} tests hold" if found else "the name of no test holds"
        raise click.UsageError(f"{what} `{name}`")
    return found[0]


def _tests(source: SourceFile, policy: SourceFile, pipeline: Pipeline, data: str | None) -> TestsFile:
    from naclc.verify.testsfile import read_tests

    tests, findings = read_tests(source, pipeline, policy)
    if tests is None:
        raise NotCompiled(_end(findings, data))
    return tests


def _end(findings: list[Diagnostic], data: str | None) -> int:
    show(findings, data)
    return status(findings) or exits.FAILED
