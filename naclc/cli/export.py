"""`naclc export`."""

from __future__ import annotations

import re

import click

from naclc.cli.diagnostics import Presentation, conclude, diagnostics_options
from naclc.cli.policy import refuse_same_file
from naclc.diagnostics import Diagnostic
from naclc.driver import Options, check_policy
from naclc.output import write_output
from naclc.syntax.read import read_source

# What `ip link` takes as a name, without what a quoted string of nft could not hold.
_DEVICE = re.compile(r"[A-Za-z0-9_.@:+-]{1,15}")


@click.command("export")
@click.argument("policy")
@click.option("--to", "target", type=click.Choice(("nft",)), required=True, help="What to write: nft, for nftables.")
@click.option("-o", "--output", metavar="FILE", help="Where it goes; `-` is standard output (the default).")
@click.option(
    "--iface",
    "devices",
    metavar="IFACE=DEVICE",
    multiple=True,
    help="The Linux interface of an Iface; its own name without. May be given several times.",
)
@click.option(
    "--analysis-nodes", type=click.IntRange(1000), metavar="N", default=4_000_000, help="Budget of exact analysis."
)
@diagnostics_options
def export_command(
    policy: str,
    target: str,
    output: str | None,
    devices: tuple[str, ...],
    analysis_nodes: int,
    presentation: Presentation,
) -> int:
    """Write POLICY (`-` is standard input) as a ruleset of another system, or refuse what that cannot express.

    The output is written whole or, when there is an error, not at all.
    """
    from naclc.export.nft import export

    refuse_same_file(policy, output or "-", *presentation.files)
    given = _given(devices)
    source = read_source(policy)
    if isinstance(source, Diagnostic):
        return conclude([source], presentation)
    result = check_policy(source, Options(system="includeos", analysis_nodes=analysis_nodes))
    findings = presentation.judge(result.diagnostics)
    refused = any(finding.is_error for finding in findings)
    if result.configuration is not None and result.pipeline is not None and not refused:
        names = [iface.name for iface in result.configuration.ifaces]
        _check_devices(given, names)
        text, more = export(result.configuration, result.pipeline, given, source.name)
        findings += more
        if text is not None:
            problem = write_output(output or "-", text.encode())
            findings += [problem] if problem else []
    return conclude(findings, presentation, to_stderr=output in (None, "-"))


def _given(devices: tuple[str, ...]) -> dict[str, str]:
    """IFACE=DEVICE by Iface."""
    given: dict[str, str] = {}
    for each in devices:
        iface, equals, device = each.partition("=")
        if not equals or not _DEVICE.fullmatch(device):
            raise click.UsageError(f"`{each}` is not IFACE=DEVICE with a Linux interface of 1 to 15 letters")
        if iface in given:
            raise click.UsageError(f"`{iface}` is given two interfaces")
        given[iface] = device
    return given


def _check_devices(given: dict[str, str], ifaces: list[str]) -> None:
    for name in given:
        if name not in ifaces:
            raise click.UsageError(f"the policy has no Iface `{name}`; it has {', '.join(ifaces) or 'none'}")
    devices = [given.get(name, name) for name in ifaces]
    twice = next((device for device in devices if devices.count(device) > 1), None)
    if twice is not None:
        raise click.UsageError(f"two Ifaces would be the interface `{twice}`")
