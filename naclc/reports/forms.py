"""The forms that diagnostics can take, by the names that users give them."""

from __future__ import annotations

from collections.abc import Sequence

from naclc.diagnostics import Diagnostic

FORMS = ("pretty", "compact", "json", "sarif", "github")

# For programs: written even when there is nothing to say.
DATA = ("json", "sarif")


def render(diagnostics: Sequence[Diagnostic], form: str) -> str:
    """`diagnostics` in one of FORMS, without colours; ends with a line end unless it is empty.

    What cannot be encoded (a file name that is not UTF-8) is replaced by a question mark.
    """
    return _rendered(diagnostics, form).encode("utf-8", "replace").decode("utf-8")


def _rendered(diagnostics: Sequence[Diagnostic], form: str) -> str:
    match form:
        case "pretty":
            from naclc.reports import pretty

            return f"{pretty.render(diagnostics)}\n{pretty.summary(diagnostics)}\n" if diagnostics else ""
        case "compact":
            from naclc.reports import machine

            return machine.compact(diagnostics)
        case "json":
            from naclc.reports import machine

            return machine.as_json(diagnostics)
        case "sarif":
            from naclc.reports import sarif

            return sarif.render(diagnostics)
        case "github":
            from naclc.reports import github

            return github.render(diagnostics)
    raise ValueError(f"{form!r} is none of {', '.join(FORMS)}")
