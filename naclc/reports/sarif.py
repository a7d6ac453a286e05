"""Diagnostics as SARIF, for code scanning services and editors.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0. Lines and columns count from 1, columns in
code points; the end column is one past the last (3.30). What a rule says comes from the page of its code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from naclc import __version__
from naclc.diagnostics import Diagnostic, pages
from naclc.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One log with one run; its rules are those of the codes that occur."""
    found = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "naclc", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, each.span, codes.index(each.code)) for each in found if each.span is not None],
    }
    if elsewhere := [_notification(each, codes.index(each.code)) for each in found if each.span is None]:
        failed = any(each.is_error for each in found)
        run["invocations"] = [{"executionSuccessful": not failed, "toolExecutionNotifications": elsewhere}]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    page = pages.page(code)
    if page is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": " ".join(page.sections["Why"].split())},
        "help": {"text": page.text, "markdown": page.text},
        "defaultConfiguration": {"level": page.severities[0].value},
    }


def _text(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}\n{diagnostic.help}" if diagnostic.help else diagnostic.message


def _notification(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    """What has no place in a file is no result (code scanning refuses those without), but a notification (3.58)."""
    return {
        "associatedRule": {"id": diagnostic.code, "index": rule},
        "level": diagnostic.severity.value,
        "message": {"text": _text(diagnostic)},
    }


def _result(diagnostic: Diagnostic, span: Span, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": _text(diagnostic)},
        "locations": [{"physicalLocation": _place(span)}],
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": label.text}, "physicalLocation": _place(label.span)}
            for number, label in enumerate(diagnostic.labels, 1)
        ]
    return result


def _place(span: Span) -> dict[str, Any]:
    end_line, end_column = span.end_position
    return {
        "artifactLocation": {"uri": _uri(span.source.name)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column + 1,
            "endLine": end_line,
            "endColumn": end_column + 1,
        },
    }


def _uri(name: str) -> str:
    """Relative as the user wrote it (RFC 3986 4.2), absolute as a file URI (RFC 8089)."""
    return Path(name).as_uri() if os.path.isabs(name) else quote(os.fsencode(name))
