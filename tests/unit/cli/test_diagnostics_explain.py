"""`naclc explain`."""

import contextlib
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from naclc.cli.explain import explain_command
from naclc.diagnostics import pages


def run(*arguments):
    return CliRunner().invoke(explain_command, arguments, standalone_mode=True)


def test_the_page_is_printed_as_it_is_where_there_is_no_terminal():
    assert run("unused").output == pages.page("unused").text


@pytest.mark.parametrize("copied", ["unused", "[unused]", "warning[unused]:", "Unused"])
def test_a_code_may_be_given_as_it_was_copied(copied):
    assert run(copied).output.startswith("# unused\n")


def test_a_terminal_gets_the_page_set_as_text():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "naclc", "explain", "unused"]
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's way of saying that the other end is closed
            while octets := os.read(ours, 4096):
                shown += octets
    os.close(ours)
    assert process.returncode == 0
    assert b"Avoid" in shown and b"##" not in shown and b"admins: [192.0.2.1]" in shown


def test_without_a_code_all_are_listed():
    lines = run().output.splitlines()
    assert [line.split()[0] for line in lines] == [*pages.codes()]
    assert "warning" in lines[0] and lines[0].endswith(pages.pages()[0].summary)


def test_an_unknown_code_names_the_nearest():
    result = run("unsued")
    assert result.exit_code == 2
    assert "there is no code `unsued`; did you mean `unused`?" in result.output


@pytest.mark.parametrize("code", ["quite-something-else", "../language", "README", "", "x" * 5000])
def test_what_is_no_code_is_wrong_usage(code):
    result = run(code)
    assert result.exit_code == 2
    assert "there is no code" in result.output
