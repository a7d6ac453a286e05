"""The contract with IncludeOS's os_add_nacl: what NaCl.py reads, writes and says."""

import io
import os
import re
import sys

import pytest

from naclc.cli import nacl_py

GOOD = """\
Iface eth0 { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, input: f }
Filter::IP f { log("in") accept }
"""
WARNED = GOOD + "spare: 10.0.0.7/24\n"
LINE = re.compile(r"line [1-9][0-9]*:[0-9]+ (warning: )?.+ \[[a-z0-9-]+\]")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """run(program, *arguments) -> (exit status, standard output, lines of standard error)"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NACLC_DEBUG", raising=False)

    def run(program, *arguments):
        data = program if isinstance(program, bytes) else program.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = nacl_py.main(list(arguments))
        out, err = capsys.readouterr()
        return status, out, err.splitlines()

    return run


def test_a_good_program_is_written_with_one_line_to_say_so(run, tmp_path):
    status, out, problems = run(GOOD, "out.cpp")
    assert (status, problems) == (0, [])
    assert out == "NaCl: wrote out.cpp\n"
    assert "void register_plugin_nacl()" in (tmp_path / "out.cpp").read_text()


def test_the_plugin_calls_it_so_there_is_no_service_start(run, tmp_path):
    run(GOOD, "out.cpp")
    assert "Service::start" not in (tmp_path / "out.cpp").read_text()


def test_without_out_it_only_checks(run, tmp_path):
    assert run(GOOD) == (0, "NaCl: no errors\n", [])
    assert os.listdir(tmp_path) == []


def test_each_error_is_one_line_with_its_place_and_code(run):
    status, out, problems = run("a: 080\nIface eth0 { index: 0 }\nb: 70000-5\n", "out.cpp")
    assert (status, out) == (1, "")
    assert all(LINE.fullmatch(problem) for problem in problems)
    errors = [problem for problem in problems if " warning: " not in problem]
    assert [error.split()[1] for error in errors] == ["1:3", "3:3"]
    assert errors[0].endswith("[leading-zero]") and errors[1].endswith("[reversed-range]")


def test_an_error_leaves_the_old_output_untouched(run, tmp_path):
    (tmp_path / "out.cpp").write_text("old")
    os.utime(tmp_path / "out.cpp", (1, 1))
    assert run("a: 080\n", "out.cpp")[0] == 1
    assert (tmp_path / "out.cpp").read_text() == "old" and (tmp_path / "out.cpp").stat().st_mtime == 1


def test_a_warning_says_so_and_the_output_is_written(run, tmp_path):
    status, _, problems = run(WARNED, "out.cpp")
    assert status == 0 and (tmp_path / "out.cpp").is_file()
    assert problems and all(LINE.fullmatch(problem) and "warning: " in problem for problem in problems)
    assert any(problem.startswith("line 3:7 warning: ") for problem in problems)


def test_an_output_that_cannot_be_written_is_an_error(run):
    status, out, problems = run(GOOD, "missing/out.cpp")
    assert (status, out) == (1, "")
    assert len(problems) == 1 and LINE.fullmatch(problems[0]) and problems[0].endswith("[unwritable-output]")


@pytest.mark.parametrize(
    "program, code",
    [
        pytest.param(b"a: \xff\n", "bad-encoding", id="octets that are no UTF-8"),
        pytest.param(b"a\0: 1\n", "bad-character", id="a NUL octet"),
        pytest.param(b'x: "\n', "unterminated", id="an open string"),
    ],
)
def test_what_is_no_text_is_a_line_too(run, program, code):
    status, _, problems = run(program, "out.cpp")
    assert status == 1 and all(LINE.fullmatch(problem) for problem in problems)
    assert any(problem.endswith(f"[{code}]") for problem in problems)


def test_the_same_output_gets_a_new_time_or_the_build_would_never_be_up_to_date(run, tmp_path):
    run(GOOD, "out.cpp")
    before = (tmp_path / "out.cpp").read_text()
    os.utime(tmp_path / "out.cpp", (1, 1))
    assert run(GOOD, "out.cpp")[0] == 0
    assert (tmp_path / "out.cpp").stat().st_mtime > 1 and (tmp_path / "out.cpp").read_text() == before


@pytest.mark.parametrize("arguments", [("a.cpp", "b.cpp"), ("--plugin",)])
def test_wrong_usage(run, arguments):
    status, out, problems = run(GOOD, *arguments)
    assert (status, out) == (2, "") and problems[0].startswith("usage: ")


def test_help(run):
    assert run("", "--help")[:2] == (0, nacl_py._USAGE)


def test_a_fault_of_ours_is_one_clear_line_and_writes_nothing(run, monkeypatch, tmp_path):
    def fails(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(nacl_py, "compile_policy", fails)
    status, out, problems = run(GOOD, "out.cpp")
    assert (status, out) == (70, "") and problems[0] == "internal error: RuntimeError: broken"
    assert os.listdir(tmp_path) == []
