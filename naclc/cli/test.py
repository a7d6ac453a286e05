"""`naclc test`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, show, status
from naclc.cli.policy import compiled, refuse_same_file
from naclc.diagnostics import Diagnostic, warning
from naclc.driver import Options
from naclc.output import write_output
from naclc.syntax.read import read_source

if TYPE_CHECKING:
    from naclc.testing import IncludeosImage
    from naclc.verify.result import Report

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_EXECUTORS = ("interpreter", "decision", "native", "process", "vm")


def _executor_list(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(value.split(","))) if value else _EXECUTORS[:4]
    for name in names:
        if name not in _EXECUTORS:
            raise click.BadParameter(f"`{name}` is none of {', '.join(_EXECUTORS)}")
    return names


@click.command("test")
@click.argument("policy")
@click.option("--tests", metavar="FILE", help="The tests file; by default the policy's name with `.tests.yaml`.")
@click.option("-k", "keep", metavar="TEXT", help="Only written tests whose name holds TEXT.")
@click.option(
    "--on",
    metavar="NAMES",
    callback=_executor_list,
    help=f"Executors, separated by commas: {', '.join(_EXECUTORS)}. Default: all but vm.",
)
@click.option("--boot", is_flag=True, help="Boot a virtual machine too: adds vm.")
@click.option(
    "--os",
    "system",
    type=click.Choice(("skeleton", "includeos")),
    default="skeleton",
    help="What vm boots. includeos: the IMAGE of the policy that you built with IncludeOS.",
)
@click.option("--image", type=_FILE, metavar="ELF", help="With --os includeos: the image.")
@click.option("--chainloader", type=_FILE, metavar="ELF", help="With --os includeos: IncludeOS's chainloader.")
@click.option(
    "--nic",
    type=click.Choice(("virtio", "vmxnet3", "mixed", "both")),
    default="virtio",
    help="The VM's NICs. mixed: in turns. both: one VM with virtio, one with vmxnet3.",
)
@click.option("--machine", type=click.Choice(("q35", "pc")), default="q35", help="The VM's machine type.")
@click.option("--memory", type=click.IntRange(16, 65536), metavar="MB", help="The VM's memory; 32, with IncludeOS 128.")
@click.option("--accel", type=click.Choice(("auto", "tcg", "kvm")), default="tcg", help="How QEMU runs the VM.")
@click.option("--generated", type=click.IntRange(0), metavar="N", help="Generated tests an executor gets at most.")
@click.option("--format", "form", type=click.Choice(("pretty", "json")), default="pretty", help="Form of the report.")
@click.option(
    "--analysis-nodes", type=click.IntRange(1000), metavar="N", default=4_000_000, help="Budget of exact analysis."
)
@click.option("--junit", metavar="FILE", help="Write the report as JUnit XML too.")
@click.option("--pcap-dir", metavar="DIR", type=click.Path(path_type=Path), help="Keep what went over each wire.")
@click.option("-v", "--verbose", is_flag=True, help="List every generated test that could not be made.")
def test_command(
    policy: str,
    tests: str | None,
    keep: str | None,
    on: tuple[str, ...],
    boot: bool,
    system: str,
    image: Path | None,
    chainloader: Path | None,
    nic: str,
    machine: str,
    memory: int | None,
    accel: str,
    generated: int | None,
    form: str,
    analysis_nodes: int,
    junit: str | None,
    pcap_dir: Path | None,
    verbose: bool,
) -> int:
    """Test POLICY: the tests that stand beside it, and generated ones.

    The same packets go through every executor; each must do what the test expects and what the reference interpreter
    does.
    """
    from naclc.testing import PolicyTestOptions, run_policy_tests

    if junit is not None:
        refuse_same_file(policy, junit)
    on = (*on, "vm") if boot and "vm" not in on else on
    includeos = _includeos(system, image, chainloader, on)
    result = compiled(
        policy, Options(analysis_nodes=analysis_nodes), Presentation("json" if form == "json" else None), quiet=True
    )
    beside = f"{policy.removesuffix('.nacl')}.tests.yaml"
    alone = tests is None and (policy == "-" or not os.path.exists(beside))
    tests_source = None if alone else read_source(tests or beside)
    if isinstance(tests_source, Diagnostic):
        return _end([tests_source], form)
    options = PolicyTestOptions(
        on=on,
        includeos=includeos,
        generated=generated,
        keep=keep,
        pcap_dir=pcap_dir,
        machine=machine,
        memory=memory or (32 if system == "skeleton" else 128),
        accel=accel,
        analysis_nodes=analysis_nodes,
        nics=("virtio", "vmxnet3") if nic == "both" else (nic,),
        progress=_progress if sys.stderr.isatty() else None,
    )
    report, findings = run_policy_tests(result, tests_source, options)
    if report is None:
        return _end(findings, form)
    written = _show(report, form, junit, verbose)
    findings += [_no_tests(policy, beside)] if alone else []
    findings += [_none_kept(keep)] if keep is not None and not alone and not _any_written(report) else []
    show([*result.diagnostics, *findings, *written], None if form == "pretty" else "compact")
    if any(problem.is_error for problem in written):
        return exits.FAILED
    return exits.OK if report.ok else exits.FAILED


def _includeos(system: str, image: Path | None, chainloader: Path | None, on: tuple[str, ...]) -> IncludeosImage | None:
    """Raises click.UsageError for options that do not go together."""
    from naclc.testing import IncludeosImage

    if system == "skeleton":
        if image or chainloader:
            raise click.UsageError("`--image` and `--chainloader` are for `--os includeos`")
        return None
    if image is None or chainloader is None:
        raise click.UsageError(
            "`--os includeos` needs the image and IncludeOS's chainloader: `--image`, `--chainloader`"
        )
    if "vm" not in on:
        raise click.UsageError("`--os includeos` is about what vm boots: give `--boot`, too")
    return IncludeosImage(image, chainloader)


def _no_tests(policy: str, beside: str) -> Diagnostic:
    why, cure = f"there is no tests file `{beside}`", "write one beside the policy (docs/policy-tests.md), or name it"
    if policy == "-":
        why, cure = "no tests file stands beside standard input", "name one"
    return warning("no-tests", f"{why}: only generated tests ran", None, help=f"{cure} with `--tests`")


def _any_written(report: Report) -> bool:
    from naclc.verify.result import TestKind

    return any(result.kind == TestKind.WRITTEN for result in report.results)


def _none_kept(keep: str) -> Diagnostic:
    return warning("no-tests", f"no written test's name holds `{keep}`: only generated tests ran", None)


def _end(findings: list[Diagnostic], form: str) -> int:
    findings = list(dict.fromkeys(findings))  # two executors may miss the same
    show(findings, "json" if form == "json" else None)
    return status(findings) or exits.FAILED


def _show(report: Report, form: str, junit: str | None, verbose: bool) -> list[Diagnostic]:
    """Write the report; returns what could not be written."""
    from naclc.verify import machine_report

    if form == "json":
        click.echo(machine_report.as_json(report))
    else:
        from rich.console import Console

        from naclc.verify.report import print_report

        print_report(report, Console(highlight=False), verbose=verbose)
    if junit is None:
        return []
    problem = write_output(junit, machine_report.as_junit(report).encode())
    return [problem] if problem else []


def _progress(executor: str, done: int, total: int) -> None:
    text = f"{executor}: {done} of {total}" if done < total else ""
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)
