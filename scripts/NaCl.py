#!python
"""NaCl.py: compile the NaCl program on standard input for IncludeOS; `python NaCl.py [OUT]`.

IncludeOS runs this file with whatever `python` it finds. It starts itself again with the Python that naclc is
installed for: installing has written that Python into the first line. Valid under every Python 3 (and 2.7), so that
any of them can get that far.
"""

import os
import re
import sys

# How this file tells itself that it has been started again: `python -X nacl-py`.
MARK = "nacl-py"
MISSING = 3  # exit status: something this machine needs is not there


def installed_python(script):
    """The absolute path in the first line of `script`, or None.

    Installers write `#!PYTHON`; for a long path or one with blanks some write `#!/bin/sh` and `'''exec' "PYTHON" ...`.
    """
    with open(script, "rb") as file:
        first, second = (file.readline().decode("utf-8", "replace").strip() for _ in range(2))
    quoted = re.match(r"'''exec' (['\"]?)(/.+?)\1 ", second)
    path = quoted.group(2) if quoted else first[2:].strip()
    return path if os.path.isabs(path) and not path.endswith("/sh") else None


def candidates(script):
    """Where the right Python may be, best first: the first line, and beside this file (an environment that moved)."""
    folder = os.path.dirname(os.path.realpath(script))
    named = installed_python(script)
    return [path for path in (named, os.path.join(folder, "python3"), os.path.join(folder, "python")) if path]


def start_again(script, arguments):
    """Become the Python that has naclc. Comes back when there is none, or when this is it."""
    if MARK in getattr(sys, "_xoptions", {}):
        return
    for python in candidates(script):
        if os.access(python, os.X_OK) and not os.path.isdir(python):
            try:
                # -E: PYTHONHOME and PYTHONPATH are meant for the Python that was asked for, not for this one.
                os.execv(python, [python, "-E", "-X", MARK, script] + arguments)
            except OSError:
                continue  # no program for this machine


def without_naclc(script, problem):
    wanted = installed_python(script) or sys.executable
    sys.stderr.write("NaCl.py: naclc cannot be found (%s)\n" % problem)
    if not os.access(wanted, os.X_OK):
        sys.stderr.write("  it was installed for %s, which is not there any more\n" % wanted)
        sys.stderr.write("  help: install naclc again\n")
    else:
        sys.stderr.write("  help: install it for that Python: %s -m pip install naclc\n" % wanted)
    return MISSING


def main():
    script = os.path.abspath(__file__)
    start_again(script, sys.argv[1:])
    # Modules come from where Python is installed first: nothing beside this file may take their place.
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != os.path.dirname(os.path.realpath(script))]
    sys.path += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if sys.version_info < (3, 11):
        return without_naclc(script, "this is Python %d.%d, it needs 3.11" % sys.version_info[:2])
    try:
        from naclc.cli.nacl_py import main as compile_program
    except ImportError as problem:
        return without_naclc(script, problem)
    return compile_program(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
