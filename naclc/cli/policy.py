"""What every command that takes a policy does first: read it, compile it, show what there is to say."""

from __future__ import annotations

import click

from naclc.cli import exits
from naclc.cli.diagnostics import show, status
from naclc.cli.stop import NotCompiled
from naclc.diagnostics import Diagnostic
from naclc.driver import Compilation, MiscompiledPolicy, Options, compile_policy
from naclc.syntax.read import read_source


def compiled(policy: str, options: Options, form: str | None, *, quiet: bool = False) -> Compilation:
    """The policy with its C++.

    Raises:
        NotCompiled: it has errors, which have been shown; `quiet` keeps warnings to oneself.
    """
    source = read_source(policy)
    if isinstance(source, Diagnostic):
        show([source], form)
        raise NotCompiled(exits.FAILED)
    try:
        result = compile_policy(source, options)
    except MiscompiledPolicy as fault:
        click.echo(f"internal error: the generated code does not do what the policy says: {fault}", err=True)
        click.echo("  nothing was written; please report it with the policy", err=True)
        raise NotCompiled(exits.INTERNAL) from fault
    if not result.ok:
        show(result.diagnostics, form)
        raise NotCompiled(status(result.diagnostics))
    if not quiet:
        show(result.diagnostics, form, to_stderr=True)
    return result
