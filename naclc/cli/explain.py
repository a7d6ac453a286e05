"""`naclc explain`: the page of a diagnostic's code."""

from __future__ import annotations

import sys

import click

from naclc.cli import exits
from naclc.diagnostics import pages
from naclc.semantics.spelling import nearest


@click.command("explain")
@click.argument("code", required=False)
def explain_command(code: str | None) -> int:
    """Explain the diagnostic CODE: what to avoid, what to prefer, and why.

    Without CODE all codes are listed, a line each.
    """
    if code is None:
        _list()
        return exits.OK
    page = pages.page(as_code(code))
    if page is None:
        raise click.UsageError(unknown_code(code))
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(page.text))
    else:
        click.echo(page.text, nl=False)
    return exits.OK


def as_code(word: str) -> str:
    """The code in what somebody copied from a message: `error[unused]`, `[unused]`."""
    return word.lower().rpartition("[")[2].rstrip(":").rstrip("]")


def unknown_code(word: str) -> str:
    """The message that there is no such code, with the nearest one."""
    best = nearest(as_code(word), pages.codes())
    return f"there is no code `{word[:40]}`; " + (f"did you mean `{best}`?" if best else "`naclc explain` lists all")


def _list() -> None:
    found = pages.pages()
    codes = max(len(page.code) for page in found)
    severities = max(len(page.severity) for page in found)
    click.echo(
        "".join(f"{page.code:<{codes}}  {page.severity:<{severities}}  {page.summary}\n" for page in found), nl=False
    )
