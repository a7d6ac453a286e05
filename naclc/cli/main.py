"""`naclc`: the group of commands, and the net under all of them.

Commands are imported when they are asked for: `naclc compile` must not pay for what `naclc test` needs.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from naclc import __version__
from naclc.cli import exits
from naclc.cli.stop import NotCompiled

# command -> (module, one line for the list of commands)
_COMMANDS = {
    "check": ("naclc.cli.compile", "Check a policy; write nothing."),
    "compile": ("naclc.cli.compile", "Compile a policy to one C++ service."),
    "build": ("naclc.cli.machine", "Build a bootable image of a policy."),
    "run": ("naclc.cli.machine", "Boot a policy in QEMU, its console on this terminal."),
    "test": ("naclc.cli.test", "Test a policy on up to five executors."),
    "export": ("naclc.cli.export", "Write a policy as a ruleset of nftables."),
    "fmt": ("naclc.cli.fmt", "Bring policies into the one form that they have."),
    "explain-packet": ("naclc.cli.explain_packet", "Tell what a policy does with a packet, and why."),
    "query": ("naclc.cli.questions", "Tell whether a packet exists that …, and what becomes of it."),
    "diff": ("naclc.cli.questions", "Tell which packets a new policy treats otherwise than the old one."),
    "graph": ("naclc.cli.graph", "Draw how a policy decides."),
    "explain": ("naclc.cli.explain", "Explain the code of a diagnostic, or list all codes."),
    "doctor": ("naclc.cli.doctor", "Tell what this machine lacks, and the command that cures it."),
}


class _LateGroup(click.Group):
    """Knows its commands by name and loads one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="naclc")
def _naclc() -> None:
    """naclc compiles NaCl, the firewall language of IncludeOS, to C++, boots it and proves it.

    Exit status: 0 fine, 1 an error in the policy or a failed test, 2 wrong usage, 3 something is missing on this
    machine (see `naclc doctor`), 70 a fault of naclc itself.
    """


def main() -> None:
    """Run the command line and end the process with its exit status. Never shows a traceback, unless the
    environment variable NACLC_DEBUG is set."""
    if os.environ.get("NACLC_DEBUG"):
        sys.exit(_naclc.main(standalone_mode=False))
    sys.exit(_run())


def _run() -> int:
    try:
        status = _naclc.main(standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except NotCompiled as done:
        return done.exit_status
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; keep the interpreter from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except Exception as fault:  # the last net: a fault of ours is one clear line, whatever it was
        kind = type(fault).__name__
        click.echo(f"internal error: {kind}: {fault}", err=True)
        click.echo("  nothing was written; please report it with the policy (NACLC_DEBUG=1 shows where)", err=True)
        return exits.INTERNAL
