"""--format, --report, --max-errors and --deny, as users of check and compile meet them."""

import json
import os

import pytest
from click.testing import CliRunner

from naclc.cli.compile import check_command, compile_command
from naclc.cli.diagnostics import Presentation
from naclc.cli.main import _naclc
from naclc.diagnostics import Severity, error, warning
from naclc.reports import forms

CLEAN = "Iface eth0 { index: 0, input: f }\nFilter::IP f { drop }\n"
ODD = f"admins: [192.0.2.1]\n{CLEAN}"
WRONG = f"a: one\nb: two\nc: three\n{CLEAN}"


@pytest.fixture
def fw(tmp_path, monkeypatch):
    """Writes fw.nacl in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "fw.nacl").write_text(text)
        return tmp_path

    return write


def run(command, *arguments, **more):
    """(exit status, standard output, standard error) of the command."""
    result = CliRunner().invoke(_naclc, [command, *arguments], standalone_mode=False, **more)
    if result.exception is not None:
        status = getattr(result.exception, "exit_status", None) or getattr(result.exception, "exit_code", None)
        assert status is not None, result.exception
        shown = result.exception.format_message() if hasattr(result.exception, "format_message") else ""
        return status, result.stdout, result.stderr + shown
    return result.return_value, result.stdout, result.stderr


# --- deny ---


def test_a_warning_passes(fw):
    folder = fw(ODD)
    assert run("compile", "fw.nacl", "-o", "out.cpp")[0] == 0
    assert (folder / "out.cpp").exists()


@pytest.mark.parametrize("denied", [["warnings"], ["unused"], ["host-bits", "unused"]], ids=" ".join)
def test_a_denied_warning_is_an_error_and_nothing_is_written(fw, denied):
    folder = fw(ODD)
    options = [option for code in denied for option in ("--deny", code)]
    status, _, shown = run("compile", "fw.nacl", "-o", "out.cpp", *options)
    assert status == 1
    assert "fw.nacl:1:1: error: nothing uses `admins` [unused]" in shown
    assert not (folder / "out.cpp").exists()


def test_check_denies_too(fw):
    fw(ODD)
    assert run("check", "fw.nacl", "--deny", "warnings")[0] == 1


def test_another_warning_stays_a_warning(fw):
    fw(ODD)
    status, _, shown = run("check", "fw.nacl", "--deny", "host-bits")
    assert status == 0 and "warning: nothing uses" in shown


def test_an_output_of_before_is_left_alone(fw):
    folder = fw(ODD)
    (folder / "out.cpp").write_text("before")
    assert run("compile", "fw.nacl", "-o", "out.cpp", "--deny", "warnings")[0] == 1
    assert (folder / "out.cpp").read_text() == "before"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("unsued", "did you mean `unused`?"),
        ("syntax", "`syntax` is an error already"),
        ("", "there is no code ``"),
    ],
)
def test_what_cannot_be_denied_is_wrong_usage(fw, code, message):
    fw(CLEAN)
    status, _, shown = run("check", "fw.nacl", "--deny", code)
    assert status == 2 and message in shown


def test_errors_stay_errors_and_places_stay_places():
    found = [error("syntax", "m", None), warning("unused", "n", None)]
    judged = Presentation(denied=frozenset({"warnings"})).judge(found)
    assert [each.severity for each in judged] == [Severity.ERROR, Severity.ERROR]
    assert [each.code for each in judged] == ["syntax", "unused"]
    assert Presentation().judge(found) == found


# --- reports ---


def test_several_reports_at_once(fw):
    folder = fw(ODD)
    reports = [f"{form}=out.{form}" for form in forms.FORMS]
    status, _, _ = run("check", "fw.nacl", *[word for report in reports for word in ("--report", report)])
    assert status == 0
    assert {form: "unused" in (folder / f"out.{form}").read_text() for form in forms.FORMS} == dict.fromkeys(
        forms.FORMS, True
    )


def test_a_report_is_written_when_there_is_an_error(fw):
    folder = fw(WRONG)
    assert run("compile", "fw.nacl", "-o", "out.cpp", "--report", "json=out.json")[0] == 1
    assert len(json.loads((folder / "out.json").read_text())["diagnostics"]) == 3
    assert not (folder / "out.cpp").exists()


def test_a_report_of_nothing_replaces_that_of_before(fw):
    folder = fw(CLEAN)
    (folder / "out.json").write_text("before")
    assert run("check", "fw.nacl", "--report", "json=out.json")[0] == 0
    assert json.loads((folder / "out.json").read_text()) == {"diagnostics": []}


def test_a_report_of_a_file_that_is_not_there(fw):
    folder = fw(CLEAN)
    assert run("check", "nothing.nacl", "--report", "sarif=out.sarif")[0] == 1
    assert "unreadable-file" in (folder / "out.sarif").read_text()


def test_a_report_that_cannot_be_written_is_an_error(fw):
    fw(CLEAN)
    status, _, shown = run("check", "fw.nacl", "--report", "json=no/such/folder/out.json")
    assert status == 1 and "[unwritable-output]" in shown


@pytest.mark.parametrize("report", ["sarif", "sarif=", "=out", "xml=out.xml", "out.sarif"])
def test_a_report_is_a_form_and_a_file(fw, report):
    folder = fw(CLEAN)
    assert run("check", "fw.nacl", "--report", report)[0] == 2
    assert os.listdir(folder) == ["fw.nacl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "fw.nacl", "--report", "json=./fw.nacl"],
        ["compile", "fw.nacl", "-o", "fw.nacl"],
        ["compile", "fw.nacl", "-o", "link.nacl"],
        ["compile", "fw.nacl", "-o", "out.cpp", "--report", "json=out.cpp"],
        ["check", "fw.nacl", "--report", "json=out", "--report", "sarif=./out"],
    ],
    ids=["report on policy", "output on policy", "output on link to policy", "report on output", "report on report"],
)
def test_nothing_is_written_over_what_is_needed(fw, arguments):
    folder = fw(CLEAN)
    (folder / "link.nacl").symlink_to("fw.nacl")
    assert run(*arguments)[0] == 2
    assert (folder / "fw.nacl").read_text() == CLEAN
    assert not (folder / "out.cpp").exists() and not (folder / "out").exists()


# --- how many ---


def test_errors_beyond_the_limit_are_counted_only(fw):
    folder = fw(WRONG)
    status, out, shown = run("check", "fw.nacl", "--max-errors", "2", "--report", "compact=all.txt")
    assert status == 1 and out == ""
    assert shown.splitlines()[2:] == ["1 more not shown (--max-errors 2)"]
    assert len((folder / "all.txt").read_text().splitlines()) == 3


def test_a_limit_that_is_not_reached_changes_nothing(fw):
    fw(WRONG)
    assert run("check", "fw.nacl", "--max-errors", "3") == run("check", "fw.nacl")


def test_warnings_do_not_count(fw):
    fw(ODD)
    assert run("check", "fw.nacl", "--max-errors", "1") == run("check", "fw.nacl")


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_limit_is_a_number_from_one(fw, number):
    fw(CLEAN)
    assert run("check", "fw.nacl", "--max-errors", number)[0] == 2


# --- forms and streams ---


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_forms_for_programs_go_to_standard_output(fw, form):
    fw(ODD)
    status, out, shown = run("check", "fw.nacl", "--format", form)
    assert status == 0 and shown == ""
    assert "unused" in out


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_they_leave_standard_output_to_the_program_text(fw, form):
    fw(ODD)
    _, out, shown = run("compile", "fw.nacl", "--format", form)
    assert out.startswith("//") and "unused" in shown


@pytest.mark.parametrize("form", ["pretty", "compact"])
def test_forms_for_people_go_to_standard_error(fw, form):
    fw(ODD)
    _, out, shown = run("check", "fw.nacl", "--format", form)
    assert out == "" and "unused" in shown


def test_check_and_compile_have_the_same_options():
    names = [{option.name for option in command.params} for command in (check_command, compile_command)]
    assert {"form", "reports", "max_errors", "denied"} <= names[0] & names[1]
