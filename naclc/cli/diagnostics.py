"""Showing diagnostics in the form the user asked for, what is denied, and what exit status they make."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import click

from naclc.cli import exits
from naclc.diagnostics import Diagnostic, Severity
from naclc.output import write_output
from naclc.reports import forms

_ALL_WARNINGS = "warnings"


@dataclass(frozen=True, slots=True)
class Presentation:
    """What the user wants to see of the findings.

    `form`: one of forms.FORMS, or None: pretty on a terminal, compact elsewhere. `reports`: (form, file), written
    besides. `max_errors`: how many errors are shown; reports hold all. `denied`: codes of warnings that count as
    errors, or "warnings" for all.
    """

    form: str | None = None
    reports: tuple[tuple[str, str], ...] = ()
    max_errors: int | None = None
    denied: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(file for _, file in self.reports)

    def judge(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """`findings` with denied warnings as errors."""
        everything = _ALL_WARNINGS in self.denied
        return [
            replace(found, severity=Severity.ERROR) if everything or found.code in self.denied else found
            for found in findings
        ]


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms.FORMS),
        default=None,
        help="How diagnostics are shown: pretty on a terminal and compact elsewhere, or as data.",
    )(command)


def diagnostics_options(command: Callable[..., int]) -> Callable[..., int]:
    """Options of commands that look for mistakes; `command` gets them as one `presentation`."""

    @format_option
    @click.option(
        "--report",
        "reports",
        metavar="FORM=FILE",
        multiple=True,
        callback=_reports,
        help="Write the diagnostics to FILE too, in any form of --format; may be given several times.",
    )
    @click.option("--max-errors", type=click.IntRange(1), metavar="N", help="Show N errors at most.")
    @click.option(
        "--deny",
        "denied",
        metavar="CODE|warnings",
        multiple=True,
        callback=_denied,
        help="Make an error of this warning, or of all; may be given several times.",
    )
    @functools.wraps(command)
    def with_presentation(
        form: str | None,
        reports: tuple[tuple[str, str], ...],
        max_errors: int | None,
        denied: frozenset[str],
        **arguments: Any,
    ) -> int:
        return command(presentation=Presentation(form, reports, max_errors, denied), **arguments)

    return with_presentation


def conclude(findings: list[Diagnostic], presentation: Presentation, *, to_stderr: bool = False) -> int:
    """Show the findings, write the reports; returns the exit status."""
    unwritten = [
        problem
        for form, file in presentation.reports
        if (problem := write_output(file, forms.render(findings, form).encode()))
    ]
    findings = [*findings, *unwritten]
    shown = _first(findings, presentation.max_errors)
    show(shown, presentation.form, to_stderr=to_stderr)
    if len(shown) < len(findings):
        click.echo(f"{len(findings) - len(shown)} more not shown (--max-errors {presentation.max_errors})", err=True)
    return status(findings)


def show(diagnostics: Iterable[Diagnostic], form: str | None, *, to_stderr: bool = False) -> None:
    """Forms for programs go to standard output (unless the result itself does), the others to standard error."""
    found = list(diagnostics)
    if form in (*forms.DATA, "github"):
        click.echo(forms.render(found, form), nl=False, err=to_stderr)
    elif form == "compact" or (form is None and not sys.stderr.isatty()):
        lines = (forms.render([each], "compact") + ("" if form else _help(each)) for each in found)
        click.echo("".join(lines), nl=False, err=True)
    elif found and not sys.stderr.isatty():
        click.echo(forms.render(found, "pretty"), nl=False, err=True)
    elif found:
        from naclc.reports import pretty

        style = pretty.plain if "NO_COLOR" in os.environ else pretty.ansi
        columns = shutil.get_terminal_size((pretty.COLUMNS, 24)).columns
        click.echo(f"{pretty.render(found, style, columns)}\n{pretty.summary(found)}", err=True)


def status(diagnostics: Iterable[Diagnostic]) -> int:
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.is_error]
    if any(diagnostic.code in exits.MISSING_CODES for diagnostic in errors):
        return exits.MISSING
    return exits.FAILED if errors else exits.OK


def _help(diagnostic: Diagnostic) -> str:
    """One without a place (a missing compiler, a file that is not there) carries its cure in `help`."""
    return f"  help: {diagnostic.help}\n" if diagnostic.span is None and diagnostic.help else ""


def _first(findings: list[Diagnostic], most: int | None) -> list[Diagnostic]:
    """Up to and with the error number `most`."""
    errors = [place for place, found in enumerate(findings, 1) if found.is_error]
    return findings if most is None or len(errors) <= most else findings[: errors[most - 1]]


def _reports(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    reports = []
    for each in given:
        form, equals, file = each.partition("=")
        if form not in forms.FORMS or not equals or not file:
            raise click.BadParameter(f"`{each}` is not FORM=FILE with FORM one of {', '.join(forms.FORMS)}")
        reports.append((form, file))
    if len({os.path.realpath(file) for _, file in reports}) < len(reports):
        raise click.BadParameter("two reports would be written to the same file")
    return tuple(reports)


def _denied(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> frozenset[str]:
    for code in set(given) - {_ALL_WARNINGS}:
        from naclc.cli.explain import unknown_code
        from naclc.diagnostics import pages

        page = pages.page(code)
        if page is None:
            raise click.BadParameter(unknown_code(code))
        if Severity.WARNING not in page.severities:
            raise click.BadParameter(f"`{code}` is an error already")
    return frozenset(given)
