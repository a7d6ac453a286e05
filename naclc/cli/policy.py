"""What every command that takes a policy does first: read it, compile it, show what there is to say."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, conclude, show
from naclc.cli.stop import NotCompiled
from naclc.diagnostics import Diagnostic
from naclc.driver import Compilation, MiscompiledPolicy, Options, check_policy, compile_policy
from naclc.source import SourceFile
from naclc.syntax.read import read_source


def compiled(policy: str, options: Options, presentation: Presentation, *, quiet: bool = False) -> Compilation:
    """The policy with its C++.

    Raises:
        NotCompiled: it has errors, which have been shown; `quiet` keeps warnings to oneself.
    """
    try:
        result = _judged(compile_policy(_source(policy, presentation), options), presentation)
    except MiscompiledPolicy as fault:
        click.echo(f"internal error: the generated code does not do what the policy says: {fault}", err=True)
        click.echo("  nothing was written; please report it with the policy", err=True)
        raise NotCompiled(exits.INTERNAL) from fault
    if not quiet:
        show(result.diagnostics, presentation.form, to_stderr=True)
    return result


def checked(policy: str, options: Options, presentation: Presentation) -> Compilation:
    """The policy without C++, its warnings kept to oneself.

    Raises:
        NotCompiled: it has errors, which have been shown.
    """
    return _judged(check_policy(_source(policy, presentation), options), presentation)


def _source(policy: str, presentation: Presentation) -> SourceFile:
    source = read_source(policy)
    if isinstance(source, Diagnostic):
        raise NotCompiled(conclude([source], presentation))
    return source


def _judged(result: Compilation, presentation: Presentation) -> Compilation:
    result = replace(result, diagnostics=tuple(presentation.judge(result.diagnostics)))
    if not result.ok:
        raise NotCompiled(conclude(list(result.diagnostics), presentation))
    return result


def refuse_same_file(policy: str, *outputs: str) -> None:
    """Nothing is written over the policy, and no two things to one file.

    Raises:
        click.UsageError: something would be.
    """
    named = [os.path.realpath(path) for path in (policy, *outputs) if path != "-"]
    if policy != "-" and named.count(named[0]) > 1:
        raise click.UsageError(f"`{policy}` is the policy: write to another file")
    if len(set(named)) < len(named):
        raise click.UsageError("the output and a report would be written to the same file")
