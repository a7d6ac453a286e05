"""A report for programs: JSON and JUnit XML."""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from naclc.reports.machine import as_json as diagnostics_as_json
from naclc.source import Span
from naclc.verify.executor import Observation
from naclc.verify.result import Report, StepResult, TestResult
from naclc.verify.syslog import Message


def as_json(report: Report) -> str:
    """`{"tests": [...], "summary": {...}}`, one entry a test and executor; packets in hexadecimal."""
    passed = sum(result.passed for result in report.results)
    coverage = report.coverage
    summary: dict[str, Any] = {
        "passed": passed,
        "failed": len(report.results) - passed,
        "ok": report.ok,
        "executors": {
            name: {
                "seconds": round(report.seconds.get(name, 0.0), 3),
                "left_out": report.left_out.get(name, 0),
                "passed": sum(r.passed for r in report.results if r.executor == name),
                "failed": sum(not r.passed for r in report.results if r.executor == name),
            }
            for name in report.executors
        },
        "unreachable": [
            {"function": item.function, "what": item.about, "why": item.reason, "rule": _place(item.span)}
            for item in report.unreached
        ],
        "diagnostics": json.loads(diagnostics_as_json(report.diagnostics))["diagnostics"],
    }
    if coverage is not None:
        summary["coverage"] = {
            "rules": {"reached": coverage.rules_reached, "all": coverage.rules},
            "branches": {"reached": coverage.branches_reached, "all": coverage.branches},
            "rules_missed": [_place(span) for span in coverage.rules_missed],
        }
    return json.dumps({"tests": [_test(result) for result in report.results], "summary": summary}, indent=2)


def _test(result: TestResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": result.name,
        "kind": result.kind.value,
        "executor": result.executor,
        "passed": result.passed,
        "todo": result.todo,
        "seconds": round(result.seconds, 4),
        "steps": [_step(step) for step in result.steps],
    }
    if result.about:
        entry["about"] = result.about
    if result.failure is not None:
        entry["failure"] = {"code": result.failure.code, "message": result.failure.message, "help": result.failure.help}
    return entry


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "passed": step.passed,
        "in": step.port or None,
        "packet": step.packet.hex() if step.packet is not None else None,
        "expected": step.expected,
        "observed": _observation(step.observed) if step.observed is not None else None,
        "decided": [_place(span) for span in step.decided],
        "problems": list(step.problems),
    }


def _observation(seen: Observation) -> dict[str, Any]:
    from naclc.verify.judge import observed

    return {
        "text": observed(seen),
        "sent": [{"iface": sent.iface, "packet": sent.packet.hex()} for sent in seen.sent],
        "delivered": None if seen.delivered is None else list(seen.delivered),
        "log": seen.log,
        "syslog": None if seen.syslog is None else [_message(message) for message in seen.syslog],
        "dropped": list(seen.dropped),
    }


def _message(message: Message) -> dict[str, Any]:
    return {"severity": message.severity, "text": message.text.decode("utf-8", "replace")}


def _place(span: Span | None) -> str | None:
    """fw.nacl:12"""
    return None if span is None else f"{span.source.name.replace(chr(92), '/').rsplit('/', 1)[-1]}:{span.line}"


def as_junit(report: Report) -> str:
    """JUnit XML: a test suite an executor, a test case a test; a todo test that fails is skipped."""
    root = ElementTree.Element("testsuites")
    for executor, group in groupby(report.results, key=lambda result: result.executor):
        results = list(group)
        suite = ElementTree.SubElement(root, "testsuite", name=executor, tests=str(len(results)))
        suite.set("failures", str(sum(not r.passed and r.failure is None for r in results)))
        suite.set("errors", str(sum(not r.passed and r.failure is not None for r in results)))
        suite.set("skipped", str(sum(r.passed and r.todo is not None for r in results)))
        suite.set("time", f"{sum(result.seconds for result in results):.3f}")
        for result in results:
            _case(suite, result)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, result: TestResult) -> None:
    case = ElementTree.SubElement(suite, "testcase", name=_xml(result.name))
    case.set("classname", f"{result.executor}.{result.kind}")
    case.set("time", f"{result.seconds:.3f}")
    if result.passed:
        if result.todo is not None:
            ElementTree.SubElement(case, "skipped", message=_xml(result.todo))
        return
    problems = [problem for step in result.steps for problem in step.problems]
    if result.failure is not None:
        ElementTree.SubElement(case, "error", type=result.failure.code, message=_xml(result.failure.message))
        return
    message = problems[0] if problems else "a todo test passed"
    ElementTree.SubElement(case, "failure", message=_xml(message)).text = _xml("\n".join(problems))


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
