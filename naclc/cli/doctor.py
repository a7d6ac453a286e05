"""`naclc doctor`: what this machine lacks, and the command that cures it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec

import click

from naclc.cli import exits


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for. `needed_for` is empty for what only makes things better."""

    name: str
    found: str | None  # what was found: a version, a path
    needed_for: str
    cure: str


@click.command("doctor")
@click.option("--format", "form", type=click.Choice(("pretty", "json")), default="pretty")
def doctor_command(form: str) -> int:
    """Tell what this machine lacks, and the command that cures it.

    Exit status 0 when everything is there that `naclc test --boot` needs, 3 when something is missing.
    """
    findings = examine()
    missing = [finding for finding in findings if finding.found is None and finding.needed_for]
    if form == "json":
        click.echo(json.dumps({"findings": [asdict(f) for f in findings], "ok": not missing}, indent=2))
    else:
        for finding in findings:
            click.echo(_line(finding))
        click.echo(f"\n{len(missing)} missing" if missing else "\neverything is here")
    return exits.MISSING if missing else exits.OK


def examine() -> list[Finding]:
    return [
        Finding("Python", _python(), "naclc", "install Python 3.11 or newer"),
        Finding("g++", _version("g++", (12,)), "build, test", "sudo apt-get install g++"),
        Finding("qemu-system-x86_64", _version("qemu-system-x86_64", (7, 2)), "run, test --boot", _APT_QEMU),
        Finding("scapy", _module("scapy"), "test", "pip install 'naclc[probe]'"),
        Finding("KVM", _kvm(), "", "optional: without it QEMU emulates, which is slower but works everywhere"),
        Finding("IncludeOS", _includeos(), "", "optional: set INCLUDEOS_PACKAGE to an installed IncludeOS"),
        Finding(
            "cmake", _version("cmake", (3, 31, 6)), "", "optional: for build --os includeos; sudo apt-get install cmake"
        ),
    ]


_APT_QEMU = "sudo apt-get install qemu-system-x86"


def _line(finding: Finding) -> str:
    if finding.found is not None:
        return f"  ok       {finding.name:<20} {finding.found}"
    if finding.needed_for:
        return f"  MISSING  {finding.name:<20} needed for: {finding.needed_for}\n           {'':<20} {finding.cure}"
    return f"  -        {finding.name:<20} {finding.cure}"


def _python() -> str | None:
    return sys.version.split()[0] if sys.version_info >= (3, 11) else None


def _module(name: str) -> str | None:
    return "installed" if find_spec(name) else None


def _version(program: str, least: tuple[int, ...]) -> str | None:
    """The version `program` prints, when it is at least `least`; None when it is missing, older, or does not answer."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\d+(\.\d+)+", run.stdout)
    if run.returncode or match is None or tuple(map(int, match[0].split("."))) < least:
        return None
    return match[0]


def _kvm() -> str | None:
    return "/dev/kvm can be opened" if os.access("/dev/kvm", os.R_OK | os.W_OK) else None


def _includeos() -> str | None:
    package = os.environ.get("INCLUDEOS_PACKAGE", "")
    return package if os.path.isdir(os.path.join(package, "cmake")) else None
