"""What a tests file asserts about all packets: read, and proved or refuted.

- {assert: never, where: "iface.in == outside and ip.daddr in dmz and tcp.dport == 22", verdict: accept}
"""

from __future__ import annotations

import time

from naclc.analyze.example import Example
from naclc.analyze.expression import read_condition
from naclc.analyze.fates import Outcome
from naclc.analyze.question import OverBudget, Policy
from naclc.analyze.search import ACCEPT, Region, Wanted, regions
from naclc.diagnostics import Diagnostic, error
from naclc.source import SourceFile, Span
from naclc.verify.cases import Assertion
from naclc.verify.packets import summary
from naclc.verify.result import StepResult, TestKind, TestResult
from naclc.verify.testsvalues import Values
from naclc.verify.yamltree import Mapping, Node, Scalar

KEYS = ("assert", "where", "verdict", "name", "todo")
ANALYSIS = "analysis"  # in the place of an executor's name
_VERDICTS = {
    "accept": ACCEPT,
    "drop": frozenset({Outcome.DROP}),
    "out": frozenset({Outcome.OUT}),
    "local": frozenset({Outcome.LOCAL}),
}
_MOST_SHOWN = 5


def read_assertion(
    entries: dict[str, tuple[Scalar, Node]], node: Node, policy: SourceFile | None, values: Values
) -> Assertion | None:
    """The assertion that `entries` (keys of KEYS) write; None when something is wrong, which `values` is told."""
    for key in ("where", "verdict"):
        if key not in entries and isinstance(node, Mapping):
            values.refuse("tests-missing", f"an `assert` needs `{key}`", node.span)
    kind = _word(entries["assert"][1], ("never", "always"), values)
    verdict = _word(entries["verdict"][1], tuple(_VERDICTS), values) if "verdict" in entries else None
    where = values.text(entries["where"][1]) if "where" in entries else None
    name = values.text(entries["name"][1]) if "name" in entries else None
    todo = values.text(entries["todo"][1]) if "todo" in entries else None
    if kind is None or verdict is None or where is None:
        return None
    place = entries["where"][1].span
    if policy is None:
        values.refuse("tests-value", "only a policy of NaCl text can be asserted something about", node.span)
        return None
    found, findings = read_condition(policy, where)
    for finding in findings:
        values.refuse(finding.code, f"in `where`: {finding.message}", place, finding.help)
    if found is None:
        return None
    return Assertion(
        name or f"{kind} {verdict}: {where}", kind == "never", where, verdict, *found, todo=todo, span=node.span
    )


def _word(node: Node, words: tuple[str, ...], values: Values) -> str | None:
    if isinstance(node, Scalar) and node.text in words:
        return node.text
    values.refuse("tests-value", f"this is none of {', '.join(words)}", node.span)
    return None


def prove(assertion: Assertion, policy: Policy, max_nodes: int) -> TestResult:
    """Whether `assertion` holds for all packets; each kind of packet for which it does not, as a problem."""
    start = time.monotonic()
    failure: Diagnostic | None = None
    found: tuple[Region, ...] = ()
    try:
        found = regions(policy, Wanted(assertion.condition, assertion.protocol, _refuting(assertion)), max_nodes)
    except OverBudget:
        message = f"`{assertion.where}` takes more than the budget of exact analysis"
        failure = error("analysis-limit", message, None, help="raise the budget with `--analysis-nodes N`")
    problems = [_problem(region) for region in found[:_MOST_SHOWN]]
    problems += [f"and {len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
    holds = failure is None and not found
    passed = holds if assertion.todo is None else not holds and failure is None
    rules = tuple(region.fate.rule for region in found if region.fate.rule is not None)
    expected = f"{'never' if assertion.never else 'always'} {assertion.verdict}: {assertion.where}"
    step = StepResult(holds, "", None, expected, None, rules, tuple(problems))
    seconds = time.monotonic() - start
    kind = TestKind.ASSERTED
    return TestResult(assertion.name, kind, ANALYSIS, passed, assertion.todo, (step,), seconds, failure)


def _refuting(assertion: Assertion) -> frozenset[Outcome]:
    """What no packet may come to. A fragment that waits has come to nothing yet."""
    named = _VERDICTS[assertion.verdict]
    return named if assertion.never else frozenset(Outcome) - named - {Outcome.HELD}


def _problem(region: Region) -> str:
    fate = region.fate
    what = {Outcome.OUT: f"leaves by {fate.iface}", Outcome.LOCAL: f"is delivered on {fate.iface}"}
    why = _place(fate.rule) if fate.rule is not None else fate.why
    words = ", ".join(region.packets) or "every such packet"
    ending = what.get(fate.outcome, "is dropped")
    return f"on {region.iface}: {words}: {ending} ({why}){_shown(region.example)}"


def _shown(example: Example | None) -> str:
    return "" if example is None else f", for example {summary(example.packet)}, ct.state {example.state.name.lower()}"


def _place(span: Span) -> str:
    return f"{span.source.name.replace(chr(92), '/').rsplit('/', 1)[-1]}:{span.line}"
