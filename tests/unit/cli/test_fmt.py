"""`naclc fmt`: what it writes, what it leaves alone, what it says and how it ends."""

import io
import os
import sys

import pytest

from naclc.cli import main
from naclc.syntax import format as formatter

GOOD = "a: 5\n"
ROUGH = "a :  5"
BAD = "a: 05\n"


@pytest.fixture
def run(monkeypatch, capsysbinary, tmp_path):
    """run(*arguments, stdin=octets) -> (exit status, standard output, standard error)"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NACLC_DEBUG", raising=False)

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["naclc", "fmt", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsysbinary.readouterr()
        return done.value.code, out.decode(), err.decode()

    return run


def put(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (1, 1))
    return path


def test_a_file_is_formatted_in_place(run, tmp_path):
    policy = put(tmp_path / "p.nacl", ROUGH)
    assert run("p.nacl") == (0, "", "formatted p.nacl\n")
    assert policy.read_text() == GOOD and os.listdir(tmp_path) == ["p.nacl"]


def test_a_file_in_form_keeps_its_time_and_nothing_is_said(run, tmp_path):
    policy = put(tmp_path / "p.nacl", GOOD)
    assert run("p.nacl") == (0, "", "")
    assert policy.stat().st_mtime == 1


def test_a_file_with_errors_is_left_alone_and_the_others_are_formatted(run, tmp_path):
    bad, rough = put(tmp_path / "bad.nacl", BAD), put(tmp_path / "p.nacl", ROUGH)
    status, out, said = run("bad.nacl", "missing.nacl", "p.nacl")
    assert (status, out) == (1, "")
    assert "bad.nacl:1:4: error: " in said and "[leading-zero]" in said and "[unreadable-file]" in said
    assert bad.read_text() == BAD and bad.stat().st_mtime == 1
    assert rough.read_text() == GOOD


def test_mistakes_that_are_not_in_the_text_do_not_matter(run, tmp_path):
    put(tmp_path / "p.nacl", "Iface e {nosuch:nothing}")
    assert run("p.nacl")[0] == 0
    assert (tmp_path / "p.nacl").read_text() == "Iface e { nosuch: nothing }\n"


def test_check_lists_what_would_change_and_writes_nothing(run, tmp_path):
    rough = put(tmp_path / "p.nacl", ROUGH)
    put(tmp_path / "good.nacl", GOOD)
    assert run("--check", "good.nacl", "p.nacl") == (1, "p.nacl\n", "")
    assert rough.read_text() == ROUGH and rough.stat().st_mtime == 1


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_nothing_to_change_is_status_0(run, tmp_path, option):
    put(tmp_path / "good.nacl", GOOD)
    assert run(option, "good.nacl") == (0, "", "")


def test_check_with_errors_is_status_1(run, tmp_path):
    put(tmp_path / "bad.nacl", BAD)
    status, out, said = run("--check", "bad.nacl")
    assert (status, out) == (1, "") and "[leading-zero]" in said


def test_diff_shows_what_would_change_and_writes_nothing(run, tmp_path):
    rough = put(tmp_path / "p.nacl", f"{ROUGH}\nb: 1\n")
    status, out, said = run("--diff", "p.nacl")
    assert (status, said) == (1, "")
    assert out == f"--- p.nacl\n+++ p.nacl (formatted)\n@@ -1,2 +1,2 @@\n-{ROUGH}\n+{GOOD} b: 1\n"
    assert rough.stat().st_mtime == 1


def test_diff_and_check_together(run, tmp_path):
    put(tmp_path / "p.nacl", ROUGH)
    status, out, _ = run("--diff", "--check", "p.nacl")
    assert status == 1 and out.startswith("p.nacl\n--- p.nacl\n") and "\\ No newline at end of file\n" in out


def test_standard_input_goes_to_standard_output(run):
    assert run("-", stdin=ROUGH.encode()) == (0, GOOD, "")
    assert run("-", stdin=GOOD.encode()) == (0, GOOD, "")


def test_standard_input_with_errors_gives_no_output(run):
    status, out, said = run("-", stdin=BAD.encode())
    assert (status, out) == (1, "") and said.startswith("<stdin>:1:4: error: ")


def test_standard_input_can_be_checked(run):
    assert run("--check", "-", stdin=ROUGH.encode()) == (1, "<stdin>\n", "")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\xef\xbb\xbfa: 5\n", id="a byte-order mark"),
        pytest.param(b"a: 5\r\n", id="CR LF"),
        pytest.param(b"a: 5\r", id="CR"),
        pytest.param(b"a: 5", id="no last line end"),
        pytest.param(b"\n\na: 5\n\n", id="blank lines around"),
    ],
)
def test_differences_in_octets_only_are_differences(run, tmp_path, octets):
    policy = put(tmp_path / "p.nacl", octets)
    assert run("--check", "p.nacl")[0] == 1
    assert run("--diff", "p.nacl")[1] != ""
    assert run("p.nacl")[0] == 0
    assert policy.read_bytes() == GOOD.encode()


def test_what_is_no_utf_8_is_left_alone(run, tmp_path):
    policy = put(tmp_path / "p.nacl", b"a: 5 # \xff\n")
    status, _, said = run("p.nacl")
    assert status == 1 and "[bad-encoding]" in said and policy.stat().st_mtime == 1


@pytest.mark.parametrize("name, text", [("config.json", "a: 5"), ("p.nacl", ' {"net": []}'), ("empty.json", "")])
def test_json_is_not_formatted(run, tmp_path, name, text):
    policy = put(tmp_path / name, text)
    status, _, said = run(name)
    assert status == 1 and "this is JSON" in said and policy.stat().st_mtime == 1


def test_an_empty_file_stays_empty(run, tmp_path):
    policy = put(tmp_path / "p.nacl", "")
    assert run("p.nacl") == (0, "", "") and policy.stat().st_mtime == 1


def test_no_policy_is_wrong_usage(run):
    assert run()[0] == 2


def test_json_diagnostics(run, tmp_path):
    put(tmp_path / "bad.nacl", BAD)
    status, out, said = run("--format", "json", "bad.nacl")
    assert (status, said) == (1, "") and '"code": "leading-zero"' in out


def test_a_text_that_would_mean_something_else_is_not_written(run, tmp_path, monkeypatch):
    policy = put(tmp_path / "p.nacl", ROUGH)
    monkeypatch.setattr(formatter, "render", lambda *_: "a: 6\n")
    status, _, said = run("p.nacl")
    assert status == 70 and "not the program that was read" in said and policy.stat().st_mtime == 1


def test_a_text_that_loses_a_comment_is_not_written(run, tmp_path, monkeypatch):
    policy = put(tmp_path / "p.nacl", "a: 5 # why\n")
    monkeypatch.setattr(formatter, "render", lambda *_: "a: 5\n")
    status, _, said = run("p.nacl")
    assert status == 70 and "comments" in said and policy.stat().st_mtime == 1
