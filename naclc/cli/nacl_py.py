"""`python NaCl.py [OUT]`: the compiler that IncludeOS's `os_add_nacl` runs (docs/includeos.md).

The program comes on standard input, the C++ goes to OUT. No options, no colours, one line a problem.
"""

from __future__ import annotations

import contextlib
import os
import sys

from naclc.cli import exits
from naclc.diagnostics import Diagnostic
from naclc.driver import Compilation, MiscompiledPolicy, Options, check_policy, compile_policy
from naclc.output import write_output
from naclc.syntax.read import read_source

_USAGE = """\
usage: python NaCl.py [OUT] < PROGRAM
  compiles a NaCl program to the C++ file OUT; without OUT only checks it
"""


def main(arguments: list[str]) -> int:
    """Compile standard input to the file `arguments[0]`, if there is one.

    Errors go to standard error as `line L:C message [code]`, warnings as `line L:C warning: message [code]`, L from
    1, C from 0; one short line to standard output when all went well. OUT is written whole or not at all.

    Returns:
        The exit status; see docs/commands.md.
    """
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(_USAGE)
        return exits.OK
    if len(arguments) > 1 or (arguments and arguments[0].startswith("--")):
        sys.stderr.write(_USAGE)
        return exits.USAGE
    if os.environ.get("NACLC_DEBUG"):
        return _run(*arguments)
    try:
        return _run(*arguments)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except Exception as fault:  # the last net: a fault of ours is one clear line, whatever it was
        kind = "" if isinstance(fault, MiscompiledPolicy) else f"{type(fault).__name__}: "
        sys.stderr.write(f"internal error: {kind}{fault}\n  nothing was written; please report it with the program\n")
        return exits.INTERNAL


def _run(out: str | None = None) -> int:
    source = read_source("-")
    if isinstance(source, Diagnostic):
        return _tell([source])
    options = Options(plugin=True, system="includeos")
    result = check_policy(source, options) if out is None else compile_policy(source, options)
    findings = list(result.diagnostics)
    if result.ok and out is not None:
        findings += _written(result, out)
    status = _tell(findings)
    if status == exits.OK and out != "-":
        sys.stdout.write("NaCl: no errors\n" if out is None else f"NaCl: wrote {out}\n")
    return status


def _written(result: Compilation, out: str) -> list[Diagnostic]:
    assert result.cpp is not None, "a compilation without errors has made C++"
    problem = write_output(out, result.cpp.encode())
    if problem is None and os.path.isfile(out):
        # Else an output that stays the same would be older than the policy, and IncludeOS's build never up to date.
        with contextlib.suppress(OSError):  # a file of somebody else
            os.utime(out)
    return [problem] if problem else []


def _tell(findings: list[Diagnostic]) -> int:
    sys.stderr.write("".join(_line(finding) for finding in findings))
    return exits.FAILED if any(finding.is_error for finding in findings) else exits.OK


def _line(finding: Diagnostic) -> str:
    """What has no place of its own (OUT cannot be written) stands at the beginning of the program."""
    line, column = (finding.span.line, finding.span.column) if finding.span else (1, 0)
    severity = "" if finding.is_error else "warning: "
    text = finding.message + (f"; {finding.help}" if finding.help else "")
    return f"line {line}:{column} {severity}{' '.join(text.splitlines())} [{finding.code}]\n"
