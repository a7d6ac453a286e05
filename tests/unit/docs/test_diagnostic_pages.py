"""Every code has its page, every page its code, and what the pages show is so."""

import re

import pytest

from naclc.cli.exits import MISSING_CODES
from naclc.diagnostics import Severity, pages
from naclc.driver import Options, compile_policy
from naclc.resources import resource
from naclc.source import SourceFile
from naclc.verify.testsfile import read_tests

from .emitted import Emitted, emitted

EMITTED = emitted()
PAGES = {code: pages.page(code) for code in pages.codes()}
FOLDER = resource("diagnostics")

# What finds mistakes in a policy; all else speaks of the machine, or of a tests file.
POLICY_STAGES = {"syntax", "config", "semantics", "pipeline", "decision", "optimize", "driver", "diagnostics"}

# No short text of a policy shows these: they are about a file's octets, its size, or the system it is for.
WITHOUT_EXAMPLE = {
    "analysis-limit",
    "bad-encoding",
    "file-too-large",
    "not-on-target",
    "too-deep",
    "unreadable-file",
}

# The policy that the examples of tests files are for.
TESTED = "Iface eth0 { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: f }\nFilter::IP f { drop }\n"

_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(?:nacl|json)(?: nics=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(heading):
    """(code, how many NICs, policy) of each policy under this heading."""
    for code, page in PAGES.items():
        for match in _BLOCK.finditer(page.sections[heading]):
            nics = int(match[1]) if match[1] else None
            yield pytest.param(code, nics, match[2], id=code)


def files_of_tests(heading):
    """(code, tests file) of each tests file under this heading."""
    for code, page in PAGES.items():
        for match in _YAML.finditer(page.sections[heading]):
            yield pytest.param(code, match[1], id=code)


def compiled(policy, nics):
    return compile_policy(SourceFile("example", policy), Options(nics=nics))


def test_the_code_of_every_finding_can_be_read_in_the_source():
    assert EMITTED.unreadable == []
    assert len(EMITTED.stages) > 80


def test_every_code_has_a_page():
    assert sorted(set(EMITTED.stages) - set(PAGES)) == [], "write docs/diagnostics/CODE.md"


def test_every_page_has_a_code():
    assert sorted(set(PAGES) - set(EMITTED.stages)) == [], "no code of naclc: remove the page"


@pytest.mark.parametrize("code", PAGES)
def test_a_page_tells_the_severity_that_the_source_gives(code):
    given = EMITTED.severities[code]
    assert {severity.value for severity in PAGES[code].severities} >= given


def test_the_codes_that_end_with_another_status_exist():
    assert set(EMITTED.stages) >= MISSING_CODES - {"extra-missing"}


@pytest.mark.parametrize("code", PAGES)
def test_a_code_about_policies_is_shown_in_one(code):
    if EMITTED.stages[code] & POLICY_STAGES and code not in WITHOUT_EXAMPLE:
        for heading in ("Avoid", "Prefer"):
            assert _BLOCK.search(PAGES[code].sections[heading]), f"{heading} of {code} needs a ```nacl or ```json block"


@pytest.mark.parametrize(("code", "nics", "policy"), [*examples("Avoid")])
def test_what_to_avoid_has_this_code_and_no_other(code, nics, policy):
    found = compiled(policy, nics).diagnostics
    assert {diagnostic.code for diagnostic in found} == {code}
    assert {diagnostic.severity for diagnostic in found} <= set(PAGES[code].severities)


@pytest.mark.parametrize(("code", "nics", "policy"), [*examples("Prefer")])
def test_what_to_prefer_is_without_fault(code, nics, policy):
    result = compiled(policy, nics)
    assert [f"{d.code}: {d.message}" for d in result.diagnostics] == []
    assert result.cpp


@pytest.mark.parametrize(("code", "text"), [*files_of_tests("Avoid")])
def test_a_tests_file_to_avoid_has_this_code_and_no_other(code, text):
    tests, found = read_tests(SourceFile("fw.tests.yaml", text), compiled(TESTED, None).pipeline)
    assert tests is None
    assert {diagnostic.code for diagnostic in found} == {code}


@pytest.mark.parametrize(("code", "text"), [*files_of_tests("Prefer")])
def test_a_tests_file_to_prefer_is_without_fault(code, text):
    tests, found = read_tests(SourceFile("fw.tests.yaml", text), compiled(TESTED, None).pipeline)
    assert tests is not None and found == []


@pytest.mark.parametrize("code", sorted(code for code in PAGES if code.startswith("tests-")))
def test_a_code_about_tests_files_is_shown_in_one(code):
    assert all(_YAML.search(PAGES[code].sections[heading]) for heading in ("Avoid", "Prefer"))


@pytest.mark.parametrize("code", PAGES)
def test_a_page_keeps_to_the_width_of_the_documents(code):
    assert max(map(len, PAGES[code].text.splitlines())) <= 120


def test_the_index_is_up_to_date():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == pages.index(), "run python -m naclc.diagnostics.pages"


def test_a_page_is_read_with_its_parts():
    text = "# a-b\n\nerror or warning: what it is\n\n## Avoid\n\nx\n\n## Prefer\n\ny\n\n## Why\n\nz\n"
    page = pages.read_page("a-b", text)
    assert page.severities == (Severity.ERROR, Severity.WARNING)
    assert (page.summary, page.sections) == ("what it is", {"Avoid": "x", "Prefer": "y", "Why": "z"})


@pytest.mark.parametrize(
    "text",
    [
        "# other\n\nerror: x\n\n## Avoid\n\nx\n\n## Prefer\n\ny\n\n## Why\n\nz\n",
        "# a\n\nfatal: x\n\n## Avoid\n\nx\n\n## Prefer\n\ny\n\n## Why\n\nz\n",
        "# a\n\nerror: x\n\n## Prefer\n\ny\n\n## Avoid\n\nx\n\n## Why\n\nz\n",
        "# a\n\nerror: x\n\n## Avoid\n\nx\n\n## Prefer\n\n## Why\n\nz\n",
        "",
    ],
    ids=["another code", "no severity", "another order", "an empty part", "empty"],
)
def test_a_page_out_of_form_is_refused(text):
    with pytest.raises(pages.MalformedPage):
        pages.read_page("a", text)


@pytest.mark.parametrize("code", ["no-such-code", "README", "../language", "", "unused.md"])
def test_there_is_no_page_of_what_is_no_code(code):
    assert pages.page(code) is None


def read_codes(folder, *lines) -> Emitted:
    head = "def error(code: str, message: str): ...\nclass Finding:\n    code: str\n    message: str\n"
    (folder / "module.py").write_text(head + "\n".join(lines))
    return emitted(folder)


@pytest.mark.parametrize(
    "lines",
    [
        ("error('one', 'm')",),
        ("x.error(code='one', message='m')",),
        ("CODE = 'one'", "def f(): return error(CODE, 'm')"),
        ("def f(a):", "    code = 'one'", "    return Finding(code, 'm')"),
    ],
    ids=["literal", "keyword", "constant", "variable"],
)
def test_the_reader_of_codes_finds(tmp_path, lines):
    found = read_codes(tmp_path, *lines)
    assert (dict(found.stages), found.unreadable) == ({"one": {"module"}}, [])


def test_the_reader_of_codes_finds_both_branches(tmp_path):
    assert set(read_codes(tmp_path, "error('one' if x else 'two', 'm')").stages) == {"one", "two"}


def test_the_reader_of_codes_says_what_it_cannot_read(tmp_path):
    assert len(read_codes(tmp_path, "error(f'un{x}', 'm')", "error(y(), 'm')").unreadable) == 2
