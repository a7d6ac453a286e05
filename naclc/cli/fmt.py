"""`naclc fmt`: policies into their one form."""

from __future__ import annotations

import difflib

import click

from naclc.cli import exits
from naclc.cli.diagnostics import format_option, show, status
from naclc.diagnostics import Diagnostic, error
from naclc.output import write_output
from naclc.source import Span
from naclc.syntax.format import format_source
from naclc.syntax.read import decode, read_octets


@click.command("fmt")
@click.argument("policies", nargs=-1, required=True, metavar="POLICY...")
@click.option("--check", is_flag=True, help="Write nothing; list the policies that would change, and end with 1.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change, and end with 1 if anything would.")
@format_option
def fmt_command(policies: tuple[str, ...], check: bool, diff: bool, form: str | None) -> int:
    """Format each POLICY in place; `-` is standard input, formatted to standard output.

    A policy with errors in its text is left as it is, and so is the time of one that is in form already.
    """
    findings: list[Diagnostic] = []
    changed = False
    for path in policies:
        octets = read_octets(path)
        if isinstance(octets, Diagnostic):
            findings.append(octets)
            continue
        text, errors = _formatted(path, octets)
        findings += errors
        if text is None:
            continue
        changes = text.encode() != octets
        changed |= changes
        if check or diff:
            _show_change(path, octets.decode(), text, names=changes and check, lines=diff)
        elif changes or path == "-":
            findings += _written(path, text)
    show(findings, form, to_stderr=check or diff or "-" in policies)
    return exits.FAILED if changed and (check or diff) else status(findings)


def _formatted(path: str, octets: bytes) -> tuple[str | None, list[Diagnostic]]:
    source = decode(path, octets)
    if isinstance(source, Diagnostic):
        return None, [source]
    first = source.text.lstrip()[:1]
    if first == "{" or path.endswith(".json"):
        start = source.text.find(first)
        span = Span(source, start, start + len(first))
        return None, [error("syntax", "this is JSON, and `naclc fmt` formats NaCl", span)]
    return format_source(source)


def _written(path: str, text: str) -> list[Diagnostic]:
    problem = write_output(path, text.encode())
    if problem is None and path != "-":
        click.echo(f"formatted {path}", err=True)
    return [problem] if problem else []


def _show_change(path: str, before: str, after: str, *, names: bool, lines: bool) -> None:
    name = "<stdin>" if path == "-" else path
    if names:
        click.echo(name)
    if lines:
        shown = difflib.unified_diff(_lines(before), _lines(after), name, f"{name} (formatted)")
        click.echo("".join(shown), nl=False)


def _lines(text: str) -> list[str]:
    """Lines that end in LF, as the difference wants them; a CR stays where it is."""
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + ([f"{rest}\n\\ No newline at end of file\n"] if rest else [])
