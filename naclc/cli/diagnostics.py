"""Showing diagnostics in the form the user asked for, and what exit status they make."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from naclc.cli import exits
from naclc.diagnostics import Diagnostic
from naclc.reports import machine, pretty

FORMATS = ("pretty", "compact", "json")


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default=None,
        help="How diagnostics are shown: pretty on a terminal, compact elsewhere, or json.",
    )(command)


def show(diagnostics: Iterable[Diagnostic], form: str | None, *, to_stderr: bool = False) -> None:
    """JSON goes to standard output (unless the result itself does) and is written even when there is nothing to say;
    the other forms go to standard error."""
    found = list(diagnostics)
    if form == "json":
        click.echo(machine.as_json(found), nl=False, err=to_stderr)
    elif form == "compact" or (form is None and not sys.stderr.isatty()):
        click.echo(machine.compact(found), nl=False, err=True)
        helps = "" if form else _helps(found)
        click.echo(helps, nl=False, err=True)
    elif found:
        style = pretty.ansi if sys.stderr.isatty() and "NO_COLOR" not in os.environ else pretty.plain
        click.echo(pretty.render(found, style), err=True)
        click.echo(pretty.summary(found), err=True)


def _helps(found: list[Diagnostic]) -> str:
    """Diagnostics without a place (a missing compiler, a file that is not there) carry their cure in `help`."""
    return "".join(f"  help: {d.help}\n" for d in found if d.span is None and d.help)


def status(diagnostics: Iterable[Diagnostic]) -> int:
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.is_error]
    if any(diagnostic.code in exits.MISSING_CODES for diagnostic in errors):
        return exits.MISSING
    return exits.FAILED if errors else exits.OK
