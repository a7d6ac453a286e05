"""`naclc check` and `naclc compile`."""

from __future__ import annotations

import click

from naclc.cli.diagnostics import Presentation, conclude, diagnostics_options
from naclc.cli.policy import compiled, refuse_same_file
from naclc.cli.timings import Timings
from naclc.diagnostics import Diagnostic
from naclc.driver import Compilation, Options, check_policy
from naclc.output import write_output
from naclc.syntax.read import read_source

_STAGES = ("ast", "model", "pipeline", "decision", "dot", "plan", "cpp")


@click.command("check")
@click.argument("policy")
@click.option(
    "--os",
    "system",
    type=click.Choice(("any", "skeleton", "includeos")),
    default="any",
    help="What it is for, and must have all of it; any, the default: one of the systems has it.",
)
@click.option("--nics", type=click.IntRange(0), metavar="N", help="How many NICs the machine has.")
@click.option(
    "--analysis-nodes", type=click.IntRange(1000), metavar="N", default=4_000_000, help="Budget of exact analysis."
)
@diagnostics_options
def check_command(policy: str, system: str, nics: int | None, analysis_nodes: int, presentation: Presentation) -> int:
    """Check POLICY (`-` is standard input) and write nothing but the reports that are asked for."""
    refuse_same_file(policy, *presentation.files)
    source = read_source(policy)
    if isinstance(source, Diagnostic):
        return conclude([source], presentation)
    result = check_policy(source, Options(system=system, nics=nics, analysis_nodes=analysis_nodes))
    return conclude(presentation.judge(result.diagnostics), presentation)


@click.command("compile")
@click.argument("policy")
@click.option("-o", "--output", metavar="FILE", help="Where the C++ goes; `-` is standard output (the default).")
@click.option("--plugin", is_flag=True, help="Leave out Service::start: for linking beside a service of your own.")
@click.option("--dump", type=click.Choice(_STAGES), help="Write what this stage made instead of the C++.")
@click.option(
    "--os",
    "system",
    type=click.Choice(("any", "skeleton", "includeos")),
    default="any",
    help="What it is for, and must have all of it; any, the default: one of the systems has it.",
)
@click.option("--nics", type=click.IntRange(0), metavar="N", help="How many NICs the machine has.")
@click.option(
    "--analysis-nodes", type=click.IntRange(1000), metavar="N", default=4_000_000, help="Budget of exact analysis."
)
@click.option("--timings", is_flag=True, help="Say what each stage cost, in processor seconds, on standard error.")
@diagnostics_options
def compile_command(
    policy: str,
    output: str | None,
    plugin: bool,
    dump: str | None,
    system: str,
    nics: int | None,
    analysis_nodes: int,
    timings: bool,
    presentation: Presentation,
) -> int:
    """Compile POLICY (`-` is standard input) to one C++ service.

    The output is written whole or, when there is an error, not at all.
    """
    refuse_same_file(policy, output or "-", *presentation.files)
    laps = Timings()
    options = Options(plugin=plugin, system=system, nics=nics, analysis_nodes=analysis_nodes, lap=laps.lap)
    result = compiled(policy, options, presentation, quiet=True)
    if timings:
        laps.show()
    findings = list(result.diagnostics)
    text = dump_stage(result, dump) if dump else result.cpp
    if text is not None:
        problem = write_output(output or "-", text.encode())
        findings += [problem] if problem else []
    return conclude(findings, presentation, to_stderr=output in (None, "-"))


def dump_stage(result: Compilation, stage: str) -> str | None:
    """The stable text of what `stage` made; None when the compile did not come that far."""
    if stage == "cpp":
        return result.cpp
    from importlib import import_module

    folder, made = {
        "ast": ("syntax", (result.program,)),
        "model": ("semantics", (result.configuration,)),
        "pipeline": ("pipeline", (result.pipeline,)),
        "decision": ("decision", (result.graphs, result.pipeline)),
        "dot": ("decision", (result.graphs, result.pipeline)),
        "plan": ("codegen", (result.unit,)),
    }[stage]
    if made[0] is None:
        return None
    module = "dot" if stage == "dot" else "dump"
    return str(import_module(f"naclc.{folder}.{module}").dump(*made))
