"""`naclc test` as one function: the executors that were asked for, each with what it runs built.

An executor that cannot be had (no compiler, no QEMU) is a diagnostic before the first test, not a failure of each one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from naclc.diagnostics import Diagnostic, error
from naclc.driver import Compilation
from naclc.image import BuildFailure, Target, build_image, build_shared_library
from naclc.pipeline.evaluation import Evaluator
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from naclc.verify.cases import TestsFile
from naclc.verify.executor import Executor
from naclc.verify.result import Report, TestResult

if TYPE_CHECKING:
    from naclc.verify.wire.session import Surroundings

EXECUTORS = ("interpreter", "decision", "native", "process", "vm")
DEFAULT_EXECUTORS = EXECUTORS[:4]

# Probes a VM is given unless the user says otherwise: each takes it some milliseconds.
VM_PROBES = 2000


@dataclass(frozen=True, slots=True)
class IncludeosImage:
    """What the user built of the policy with IncludeOS, and IncludeOS's chainloader, which boots it."""

    image: Path
    chainloader: Path


@dataclass(frozen=True, slots=True)
class PolicyTestOptions:
    """`on`: names of EXECUTORS, in the order they run. `generated`: how many probes each executor is given, None for
    all (on vm: VM_PROBES). `keep`: part of a test's name; others are left out. `pcap_dir`: None for no captures.
    `nics`: some of qemu.NICS, each for a VM of its own. `includeos`: what vm boots in place of the skeleton OS.
    `analysis_nodes`: BDD nodes that the proof of an assertion may
    take."""

    on: tuple[str, ...] = DEFAULT_EXECUTORS
    generated: int | None = None
    keep: str | None = None
    pcap_dir: Path | None = None
    machine: str = "q35"
    memory: int = 32
    accel: str = "tcg"
    nics: tuple[str, ...] = ("virtio",)
    progress: Callable[[str, int, int], None] | None = None
    analysis_nodes: int = 4_000_000
    includeos: IncludeosImage | None = None


def run_policy_tests(
    compilation: Compilation, tests: SourceFile | None, options: PolicyTestOptions
) -> tuple[Report | None, list[Diagnostic]]:
    """Run the written tests of `tests` and the generated ones on every executor.

    Args:
        compilation: a policy that compiled.
        tests: the tests file; None runs the generated tests only.

    Returns:
        The report, None when nothing could be run; and what is wrong with the tests file or this machine.
    """
    from naclc.verify.testsfile import read_tests

    assert compilation.pipeline is not None and compilation.graphs is not None
    lacking = _not_on_target(compilation, options)
    if lacking:
        return None, lacking
    if find_spec("scapy") is None:
        return None, [no_scapy()]
    findings: list[Diagnostic] = []
    written: TestsFile | None = TestsFile(())
    if tests is not None:
        written, findings = read_tests(tests, compilation.pipeline, _text_of(compilation))
    if written is None or any(finding.is_error for finding in findings):
        return None, findings
    if options.pcap_dir is not None:
        from naclc.verify.wire.record import check_directory

        unwritable = check_directory(options.pcap_dir)
        if unwritable is not None:
            return None, [*findings, unwritable]
    with TemporaryDirectory(prefix="naclc.") as work:
        made = list(_executors(compilation, written, options, Path(work)))
        missing = [executor for executor in made if isinstance(executor, Diagnostic)]
        if missing:
            return None, findings + missing
        executors = [executor for executor in made if not isinstance(executor, Diagnostic)]
        return _run(compilation, written, executors, options), findings


def _not_on_target(compilation: Compilation, options: PolicyTestOptions) -> list[Diagnostic]:
    """What keeps the policy from the machines that were asked for; the other executors play all of the language."""
    from naclc.pipeline.supported import not_on_target

    assert compilation.configuration is not None
    machines = [name for name in options.on if name == "process" or (name == "vm" and not options.includeos)]
    lacking = not_on_target(compilation.configuration, "skeleton") if machines else []
    others = ",".join(name for name in EXECUTORS if name not in ("process", "vm"))
    names, advice = " and ".join(f"`{name}`" for name in machines), f"the other executors can: `--on {others}`"
    return [replace(found, message=f"{names} cannot run it: {found.message}", help=advice) for found in lacking]


def _run(compilation: Compilation, written: TestsFile, executors: list[Executor], options: PolicyTestOptions) -> Report:
    from naclc.interpret.walk import evaluator
    from naclc.probes.edges import Ways
    from naclc.probes.trace import Recorder
    from naclc.verify.executors.inside import InsideExecutor
    from naclc.verify.run import RunOptions, run_tests

    assert compilation.pipeline is not None and compilation.graphs is not None
    pipeline = compilation.pipeline
    around = _surroundings(pipeline, written)
    plan = None
    if options.generated != 0:
        from naclc.probes.plan import plan_probes

        plan = plan_probes(compilation.graphs, around.pipeline)
    caps = dict.fromkeys(_names(executors), options.generated) if options.generated is not None else {}
    defaults = {name: VM_PROBES for name in _names(executors) if name.startswith("vm-")}
    recorder = Recorder(Ways(compilation.graphs), evaluator(pipeline))
    report = run_tests(
        around.pipeline,
        [case for case in written.cases if options.keep is None or options.keep.lower() in case.name.lower()],
        plan,
        InsideExecutor("interpreter", around.pipeline, recorder, around.neighbours),
        executors,
        recorder,
        options=RunOptions(generated=caps or defaults, progress=options.progress),
    )
    return replace(report, results=(*_proved(compilation, around.pipeline, written, options), *report.results))


def _proved(
    compilation: Compilation, pipeline: Pipeline, written: TestsFile, options: PolicyTestOptions
) -> Iterator[TestResult]:
    """The results of what is asserted of all packets."""
    if not written.assertions:
        return
    from naclc.analyze.question import Policy
    from naclc.verify.assertions import prove

    assert compilation.graphs is not None
    for assertion in written.assertions:
        if options.keep is None or options.keep.lower() in assertion.name.lower():
            policy = Policy(pipeline, compilation.graphs, frozenset(written.leases))
            yield prove(assertion, policy, options.analysis_nodes)


def _text_of(compilation: Compilation) -> SourceFile | None:
    """The policy when it is NaCl text, which conditions can be read in."""
    from naclc.config.read import is_json

    return None if is_json(compilation.source) else compilation.source


def _names(executors: Iterable[Executor]) -> list[str]:
    return [executor.name for executor in executors]


def _surroundings(pipeline: Pipeline, written: TestsFile) -> Surroundings:
    from naclc.verify.leases import leased
    from naclc.verify.neighbours import Neighbours
    from naclc.verify.wire.session import Surroundings

    at_run_time = leased(pipeline, written.leases)
    neighbours = Neighbours(written.neighbours or {}).with_syslog(at_run_time)
    return Surroundings(at_run_time, neighbours, written.leases)


def _executors(
    compilation: Compilation, written: TestsFile, options: PolicyTestOptions, work: Path
) -> Iterator[Executor | Diagnostic]:
    """Each executor that was asked for, or why it cannot be had."""
    assert compilation.cpp is not None and compilation.pipeline is not None
    service = work / "service.cpp"
    service.write_text(compilation.cpp, encoding="utf-8")
    makers = {
        "interpreter": _interpreter,
        "decision": _decision,
        "native": _native,
        "process": _process,
    }
    for name in options.on:
        bench = _Bench(compilation, _surroundings(compilation.pipeline, written), options, work, service)
        if name == "vm":
            yield from _machines(bench)
        else:
            yield makers[name](bench)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What an executor is made from."""

    compilation: Compilation
    around: Surroundings
    options: PolicyTestOptions
    work: Path
    service: Path

    @property
    def pipeline(self) -> Pipeline:
        assert self.compilation.pipeline is not None
        return self.compilation.pipeline


def _interpreter(bench: _Bench) -> Executor:
    from naclc.interpret.walk import evaluator

    return _inside("interpreter", bench, evaluator(bench.pipeline))


def _decision(bench: _Bench) -> Executor:
    from naclc.decision.evaluate import evaluator

    assert bench.compilation.graphs is not None
    return _inside("decision", bench, evaluator(bench.compilation.graphs, bench.pipeline))


def _native(bench: _Bench) -> Executor | Diagnostic:
    from naclc.codegen.native import load

    assert bench.compilation.unit is not None
    built = build_shared_library(bench.service, bench.work / "decisions.so", defines=["NACLC_NATIVE"])
    if isinstance(built, BuildFailure):
        return _unbuilt(built)
    return _inside("native", bench, load(built.path, bench.compilation.unit))


def _inside(name: str, bench: _Bench, evaluate: Evaluator) -> Executor:
    from naclc.verify.executors.inside import InsideExecutor

    return InsideExecutor(name, bench.around.pipeline, evaluate, bench.around.neighbours)


def _process(bench: _Bench) -> Executor | Diagnostic:
    from naclc.verify.executors.process import ProcessExecutor

    built = build_image(bench.service, Target.LINUX, bench.work / "service")
    if isinstance(built, BuildFailure):
        return _unbuilt(built)
    return ProcessExecutor(bench.around, built.path, bench.options.pcap_dir)


def _machines(bench: _Bench) -> Iterator[Executor | Diagnostic]:
    """A VM for each kind of NIC that was asked for, all from one image."""
    from naclc.verify import qemu
    from naclc.verify.executor import MachineFailure
    from naclc.verify.executors.vm import VmExecutor

    try:
        qemu.find()
    except MachineFailure as failure:
        yield failure.diagnostic
        return
    image, options = _bootable(bench), bench.options
    if isinstance(image, Diagnostic):
        yield image
        return
    theirs = options.includeos
    for nic in options.nics:
        loader = theirs.chainloader if theirs else None
        hardware = qemu.Hardware(options.machine, options.memory, options.accel, nic, loader)
        yield VmExecutor(bench.around, image, hardware, options.pcap_dir, counts=theirs is None)


def _bootable(bench: _Bench) -> Path | Diagnostic:
    if bench.options.includeos is not None:
        return bench.options.includeos.image
    built = build_image(bench.service, Target.PC, bench.work / "service.elf")
    return _unbuilt(built) if isinstance(built, BuildFailure) else built.path


def no_scapy() -> Diagnostic:
    return error(
        "extra-missing",
        "scapy, which makes and reads the packets of tests, is not installed",
        None,
        help="pip install 'naclc[probe]'",
    )


def _unbuilt(failure: BuildFailure) -> Diagnostic:
    """The diagnostic of a failed build, with the first line of what the compiler said."""
    said = failure.output.strip().splitlines()
    found = failure.diagnostic
    return replace(found, message=f"{found.message}: {said[0]}") if said else found
