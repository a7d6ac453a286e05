"""A report for people: each written test with what was sent, what came of it and why; probes as one line an executor.

✓ a ping through the firewall is dropped and logged              interpreter ✓  process ✓  vm-virtio ✓
    outside ▸ icmp 192.168.100.9 -> 10.0.0.5 echo-request ttl 64
            ◂ drop (forward)   firewall.nacl:31 drop
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from naclc.reports.pretty import render as render_diagnostics
from naclc.source import Span
from naclc.verify import judge, packets, syslog
from naclc.verify.result import Report, StepResult, TestKind, TestResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_MAX_FAILED_PROBES = 20
_MAX_LISTED = 20
_MAX_RULE = 80  # columns of a rule's text


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Write `report` to `console`. `verbose`: also name each edge that no packet gets to."""
    for name, results in _by_test(report.results, TestKind.ASSERTED):
        _print_test(name, results, console)
    for name, results in _by_test(report.results, TestKind.WRITTEN):
        _print_test(name, results, console)
    _print_generated(report, console)
    _print_unreached(report, console, verbose)
    if report.diagnostics:
        console.print(render_diagnostics(report.diagnostics), markup=False, highlight=False)
    _print_summary(report, console)


def _by_test(results: Sequence[TestResult], kind: TestKind) -> Iterable[tuple[str, list[TestResult]]]:
    """The results of each test on all executors, tests in the order of the file. Two tests may have one name."""
    numbered: list[tuple[int, TestResult]] = []
    for _, one_executor in groupby((r for r in results if r.kind is kind), key=lambda r: r.executor):
        numbered += enumerate(one_executor)
    numbered.sort(key=lambda pair: pair[0])
    for _, group in groupby(numbered, key=lambda pair: pair[0]):
        of_test = [result for _, result in group]
        yield of_test[0].name, of_test


def _print_test(name: str, results: list[TestResult], console: Console) -> None:
    passed = all(result.passed for result in results)
    line = _text(_mark(passed), f" {name}", "bold" if passed else "bold red")
    line.append("   ")
    for result in results:
        line.append(f"  {result.executor} ", "dim")
        line.append_text(_mark(result.passed))
    console.print(line, soft_wrap=True)
    shown = next((result for result in results if not result.passed), results[0])
    if shown.todo is not None:
        state = "fails, as expected" if passed else "passes, or its machine failed: look at it again"
        console.print(_text(None, f"    todo: {shown.todo} ({state})", "yellow"), soft_wrap=True)
    for number, step in enumerate(shown.steps, 1):
        _print_step(step, f"{number}. " if len(shown.steps) > 1 else "", console)
    _print_failures([result for result in results if not result.passed], console)


def _print_step(step: StepResult, number: str, console: Console) -> None:
    if step.packet is None:
        console.print(_text(None, f"    {number}{step.expected or 'nothing sent'}", "dim"), soft_wrap=True)
        return
    console.print(_text(None, f"    {number}{step.port} ▸ {packets.summary(step.packet)}", ""), soft_wrap=True)
    if step.observed is None:
        return
    line = _text(None, f"    {' ' * (len(number) + len(step.port))} ◂ {judge.observed(step.observed)}", "")
    if step.decided:
        line.append(f"   {_why(step.decided[-1])}", "cyan")
    console.print(line, soft_wrap=True)
    for message in step.observed.syslog or ():
        console.print(_text(None, f"    {' ' * (len(number) + len(step.port))} ≡ {syslog.shown(message)}", "dim"))
    if step.observed.log:
        log = step.observed.log.rstrip("\n")
        console.print(_text(None, f"    {' ' * (len(number) + len(step.port))} ≡ {log!r}", "dim"), soft_wrap=True)


def _why(span: Span) -> str:
    """`fw.nacl:31 drop`: the statement that decided, as the user wrote it."""
    name = span.source.name.replace("\\", "/").rsplit("/", 1)[-1]
    text = span.source.line_text(span.line).strip()
    return f"{name}:{span.line} {text if len(text) <= _MAX_RULE else text[: _MAX_RULE - 1] + '…'}"


def _print_failures(failed: list[TestResult], console: Console) -> None:
    """What is wrong; executors of which the same is said together."""
    said: dict[tuple[str, ...], list[str]] = {}
    for result in failed:
        said.setdefault(tuple(_failure(result)), []).append(result.executor)
    for lines, executors in said.items():
        console.print(_text(None, f"    {', '.join(executors)}:", "red"), soft_wrap=True)
        for line in lines:
            console.print(_text(None, f"      {line}", "red"), soft_wrap=True)


def _failure(result: TestResult) -> list[str]:
    lines = []
    for number, step in enumerate(result.steps, 1):
        if step.passed is False:
            lines.append(f"{f'step {number}: ' if len(result.steps) > 1 else ''}expected {step.expected}")
            lines += [f"  {problem}" for problem in step.problems]
    if result.failure is not None:
        lines.append(f"{result.failure.message} [{result.failure.code}]")
        lines += [f"  {result.failure.help}"] if result.failure.help else []
    return lines


def _print_generated(report: Report, console: Console) -> None:
    for executor in report.executors:
        results = [r for r in report.results if r.kind is TestKind.GENERATED and r.executor == executor]
        failed = [result for result in results if not result.passed]
        if not results:
            continue
        line = _text(_mark(not failed), f" {_count(len(results), 'generated probe')} on {executor}", "bold")
        line.append(f"   {len(results) - len(failed)} agree with the interpreter")
        if report.left_out.get(executor):
            line.append(f", {report.left_out[executor]} left out", "yellow")
        console.print(line, soft_wrap=True)
        for result in failed[:_MAX_FAILED_PROBES]:
            console.print(_text(_mark(False), f" {result.name}: {result.about}", "red"), soft_wrap=True)
            for number, step in enumerate(result.steps, 1):
                _print_step(step, f"{number}. " if len(result.steps) > 1 else "", console)
            _print_failures([result], console)
        if len(failed) > _MAX_FAILED_PROBES:
            console.print(_text(None, f"    and {len(failed) - _MAX_FAILED_PROBES} more", "red"))


def _print_unreached(report: Report, console: Console, verbose: bool) -> None:
    if not report.unreached:
        return
    count = _count(len(report.unreached), "edge or boundary", "edges and boundaries")
    console.print(_text(None, f"  {count} that no packet from the wire gets to", "dim"), soft_wrap=True)
    for item in report.unreached if verbose else report.unreached[:_MAX_LISTED]:
        place = f" ({_why(item.span)})" if item.span else ""
        console.print(_text(None, f"    {item.function}: {item.about}: {item.reason}{place}", "dim"), soft_wrap=True)
    if not verbose and len(report.unreached) > _MAX_LISTED:
        console.print(_text(None, f"    and {len(report.unreached) - _MAX_LISTED} more", "dim"))


def _print_summary(report: Report, console: Console) -> None:
    failed = sum(not result.passed for result in report.results)
    written = len(list(_by_test(report.results, TestKind.WRITTEN)))
    probes = max((sum(_is_probe(r, e) for r in report.results) for e in report.executors), default=0)
    console.print()
    if report.coverage is not None:
        c = report.coverage
        branches = f", {c.branches_reached} of {c.branches} branches" if c.branches else ""
        console.print(_text(None, f"coverage: {c.rules_reached} of {c.rules} rules{branches} reached", ""))
        for span in c.rules_missed[:_MAX_LISTED]:
            console.print(_text(None, f"    never decided: {_why(span)}", "dim"), soft_wrap=True)
    seconds = ", ".join(f"{name} {report.seconds.get(name, 0):.1f} s" for name in report.executors)
    verdict = f"{failed} failed" if failed else "all passed" if report.results else "nothing was tested"
    asserted = len(list(_by_test(report.results, TestKind.ASSERTED)))
    proofs = f"{_count(asserted, 'assertion')}, " if asserted else ""
    what = f"{proofs}{_count(written, 'written test')} and {_count(probes, 'probe')} on {seconds}"
    console.print(_text(_mark(report.ok), f" {what}: {verdict}", "bold" if report.ok else "bold red"), soft_wrap=True)


def _is_probe(result: TestResult, executor: str) -> bool:
    return result.kind is TestKind.GENERATED and result.executor == executor


def _mark(passed: bool) -> Text:
    from rich.text import Text

    return Text("✓", "green") if passed else Text("✗", "bold red")


def _text(mark: Text | None, words: str, style: str) -> Text:
    from rich.text import Text

    visible = "".join(c if c.isprintable() else "\ufffd" for c in words)
    result = Text()
    if mark is not None:
        result.append_text(mark)
    return result.append(visible, style or None)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
