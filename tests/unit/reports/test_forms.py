"""Each form of the same findings, octet for octet, and what the standards behind the forms ask."""

import json
import re

import pytest

from naclc.diagnostics import error, pages
from naclc.reports import forms
from naclc.source import SourceFile, Span

from .findings import FINDINGS, snapshot


@pytest.mark.parametrize("form", forms.FORMS)
def test_form(form):
    assert forms.render(FINDINGS, form) == snapshot(form).read_text(encoding="utf-8")


@pytest.mark.parametrize(("form", "text"), [("pretty", ""), ("compact", ""), ("github", "")])
def test_nothing_to_say_is_no_text(form, text):
    assert forms.render([], form) == text


def test_no_findings_is_a_run_without_results():
    (run,) = json.loads(forms.render([], "sarif"))["runs"]
    assert run["results"] == [] and run["tool"]["driver"]["rules"] == []


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="xml"):
        forms.render([], "xml")


@pytest.mark.parametrize("form", ["pretty", "compact", "github"])
def test_no_terminal_is_handed_control_characters(form):
    assert not [character for character in forms.render(FINDINGS, form) if ord(character) < 32 and character != "\n"]


@pytest.mark.parametrize("form", ["compact", "github"])
def test_one_line_a_finding_whatever_the_message(form):
    assert len(forms.render(FINDINGS, form).splitlines()) == len(FINDINGS)


@pytest.mark.parametrize("form", forms.FORMS)
def test_a_file_name_that_is_no_text_is_shown_all_the_same(form):
    source = SourceFile("caf\udce9.nacl", "x")
    shown = forms.render([error("syntax", "m", Span(source, 0, 1))], form)
    assert "caf" in shown.encode("utf-8").decode("utf-8")


# --- GitHub ---


def test_github_properties_end_at_the_first_double_colon():
    for line, finding in zip(forms.render(FINDINGS, "github").splitlines(), FINDINGS, strict=True):
        match = re.fullmatch(r"::(error|warning) ((?:[a-zA-Z]+=[^:,]+,?)+)::(.*)", line)
        assert match is not None
        assert match[1] == finding.severity
        assert f"title={finding.code}" in match[2].split(",")


def test_github_gets_no_columns_of_what_spans_lines():
    (line,) = [line for line in forms.render(FINDINGS, "github").splitlines() if "title=unused" in line]
    assert "line=4,endLine=6" in line and "col=" not in line


# --- SARIF ---


def sarif(findings):
    (run,) = json.loads(forms.render(findings, "sarif"))["runs"]
    return run


def test_every_result_leads_to_its_rule():
    run = sarif(FINDINGS)
    rules = run["tool"]["driver"]["rules"]
    placed = [finding for finding in FINDINGS if finding.span is not None]
    for result, finding in zip(run["results"], placed, strict=True):
        assert len(result["locations"]) == 1
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.code
        assert result["level"] == finding.severity
        assert result["message"]["text"].startswith(finding.message)


def test_a_rule_brings_the_page_of_its_code():
    (rule,) = sarif(FINDINGS[3:4])["tool"]["driver"]["rules"]
    page = pages.page("unused")
    assert rule["help"]["markdown"] == page.text
    assert rule["shortDescription"]["text"] == page.summary
    assert rule["defaultConfiguration"] == {"level": "warning"}


def test_a_region_counts_from_one_in_code_points_and_ends_behind_its_last():
    run = sarif(FINDINGS[2:3])
    assert run["columnKind"] == "unicodeCodePoints"
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 11, "endLine": 3, "endColumn": 12}


def test_what_has_no_place_is_no_result_but_a_notification():
    run = sarif(FINDINGS[:1])
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert run["results"] == [] and not invocation["executionSuccessful"]
    assert notification["message"]["text"].startswith(FINDINGS[0].message)
    assert notification["associatedRule"] == {"id": FINDINGS[0].code, "index": 0}


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("rules/fw.nacl", "rules/fw.nacl"),
        ("fire wall.nacl", "fire%20wall.nacl"),
        ("a:b.nacl", "a%3Ab.nacl"),
        ("/etc/fw.nacl", "file:///etc/fw.nacl"),
        ("<stdin>", "%3Cstdin%3E"),
        ("caf\udce9.nacl", "caf%E9.nacl"),
    ],
    ids=["relative", "blank", "colon", "absolute", "standard input", "not UTF-8"],
)
def test_a_path_is_a_uri(name, uri):
    source = SourceFile(name, "x")
    (result,) = sarif([error("syntax", "m", Span(source, 0, 1))])["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
