"""Comments that allow a warning: where they count, and what is said about those that do not."""

import time

import pytest

from naclc.driver import Options, check_policy
from naclc.source import SourceFile

HEAD = "Iface e { index: 0, input: f }\n"
FINE = f"{HEAD}Filter::IP f {{ drop }}\n"


def found(text):
    """`code:line` of all that is said."""
    result = check_policy(SourceFile("fw.nacl", text), Options())
    return [f"{d.code}:{d.span.line}" for d in result.diagnostics]


def only(text):
    (diagnostic,) = check_policy(SourceFile("fw.nacl", text), Options()).diagnostics
    return diagnostic


@pytest.mark.parametrize(
    "statement",
    [
        "# naclc: allow(unused) kept for later\nFilter::IP g { drop }\n",
        "// naclc: allow(unused) kept for later\nFilter::IP g { drop }\n",
        "/* naclc: allow(unused) kept for later */\nFilter::IP g { drop }\n",
        "/* naclc: allow(unused) kept\n   for later */\nFilter::IP g { drop }\n",
        "Filter::IP g { drop } # naclc: allow(unused) kept for later\n",
        "Filter::IP g { # naclc: allow(unused) kept for later\n drop\n}\n",
        "/* naclc: allow(unused) kept for later */ Filter::IP g { drop }\n",
        "/* naclc: allow(unused) kept\n for later */ Filter::IP g { drop }\n",
        "# naclc: allow(unused) kept for later\n# which is soon\nFilter::IP g { drop }\n",
        "#naclc:allow( unused )kept\nFilter::IP g { drop }\n",
        "# naclc: allow(unused) kept for later\r\nFilter::IP g { drop }\r\n",
        "# naclc: allow(unused) kept for later\nFilter::IP\ng { drop }\n",
        "# naclc: allow(unused, empty-body) kept for later\nFilter::IP g { Filter::TCP { } drop }\n",
        "# naclc: allow(unused) kept\n# naclc: allow(empty-body) so far\nFilter::IP g { Filter::TCP { } drop }\n",
    ],
)
def test_a_warning_is_allowed(statement):
    assert found(FINE + statement) == []


@pytest.mark.parametrize(
    "comment",
    ["# naclc: allow(unused) kept for later\n\n", "Filter::IP f { drop } # naclc: allow(unused) kept for later\n"],
    ids=["a blank line between", "behind another statement"],
)
def test_it_counts_for_one_statement_only(comment):
    text = (
        HEAD + (comment if "Filter" in comment else f"Filter::IP f {{ drop }}\n{comment}") + "Filter::IP g { drop }\n"
    )
    codes = [each.split(":")[0] for each in found(text)]
    assert sorted(codes) == ["allow-unused", "unused"]


def test_it_counts_for_all_lines_of_a_statement():
    function = "Filter::IP f {\n  Filter::TCP { }\n  Filter::UDP { }\n  drop\n}\n"
    assert found(f"{HEAD}# naclc: allow(empty-body) so far\n{function}") == []


def test_it_counts_in_a_body_for_the_statement_there():
    body = "  # naclc: allow(empty-body) so far\n  Filter::TCP { }\n  Filter::UDP { }\n  drop\n"
    assert found(f"{HEAD}Filter::IP f {{\n{body}}}\n") == ["empty-body:5"]


def test_it_counts_behind_a_member_for_that_line():
    iface = "Iface e {\n  index: 0,\n  input: [f, f], # naclc: allow(duplicate-in-chain) on purpose\n}\n"
    assert found(f"{iface}Filter::IP f {{ drop }}\n") == []


def test_other_warnings_of_the_statement_stay():
    text = f"{FINE}# naclc: allow(unused) kept\nFilter::IP g {{ Filter::TCP {{ }} drop }}\n"
    assert found(text) == ["empty-body:4"]


@pytest.mark.parametrize("literal", ['"# naclc: allow(unused) x"', '"\\n// naclc: allow(unused) x"'])
def test_a_string_is_no_comment(literal):
    text = f"{HEAD}Filter::IP f {{ drop }}\nFilter::IP g {{ log({literal}) drop }}\n"
    assert found(text) == ["unused:3"]


@pytest.mark.parametrize(
    "comment",
    ["# run it with naclc: check fw.nacl", "# naclc allows this", "# naclc: our firewall (the new one)", "# allow(x)"],
)
def test_prose_is_left_in_peace(comment):
    assert found(f"{comment}\n{FINE}") == []


# --- what is said about the comments ---


def test_one_that_allows_nothing_is_warned_about_at_its_code():
    diagnostic = only(f"# naclc: allow(host-bits) they are meant\n{FINE}")
    assert (diagnostic.code, diagnostic.severity, diagnostic.span.text) == ("allow-unused", "warning", "host-bits")


def test_of_several_codes_the_idle_one_is_named():
    assert found(f"{FINE}# naclc: allow(unused, host-bits) kept\nFilter::IP g {{ drop }}\n") == ["allow-unused:3"]


@pytest.mark.parametrize("last", ["# naclc: allow(unused) at the end", "# naclc: allow(unused) at the end\n"])
def test_one_at_the_end_of_the_text_allows_nothing(last):
    assert found(FINE + last) == ["allow-unused:3"]


def test_nothing_is_called_idle_while_there_are_errors():
    assert found(f"# naclc: allow(host-bits) they are meant\n{FINE}a: b\n") == ["unknown-name:4"]
    assert found(f"# naclc: allow(host-bits) they are meant\n{FINE}a: [1 2]\n") == ["adjacent-numbers:4"]


def test_one_cannot_allow_the_warning_about_itself():
    assert found(f"# naclc: allow(allow-unused) why not\n{FINE}") == ["allow-unused:1"]


@pytest.mark.parametrize(
    ("comment", "culprit", "message", "advice"),
    [
        ("# naclc: allow(unsued) kept", "unsued", "there is no warning `unsued`", "did you mean `unused`?"),
        ("# naclc: allow(zzzzzzzz) kept", "zzzzzzzz", "no warning `zzzzzzzz`", "`naclc explain` lists"),
        ("# naclc: allow(syntax) kept", "syntax", "`syntax` is an error, not a warning", "cannot be allowed"),
        ("# naclc: allow(unused)", "naclc: allow(unused)", "the reason is missing", "allow(code) reason"),
        ("/* naclc: allow(unused) */", "naclc: allow(unused)", "the reason is missing", "allow(code) reason"),
        ("# naclc: allow unused", "naclc: allow unused", "says nothing to naclc", "allow(code) reason"),
        ("# naclc: allow() kept", "naclc: allow() kept", "says nothing to naclc", "allow(code) reason"),
        ("# naclc: allow(unused kept", "naclc: allow(unused kept", "says nothing to naclc", "allow(code) reason"),
        ("# naclc: alow(unused) kept", "naclc: alow(unused) kept", "says nothing to naclc", "allow(code) reason"),
        ("# NaClC: allow(unused) kept", "NaClC: allow(unused) kept", "says nothing to naclc", "allow(code) reason"),
        ("# naclc: allow(../unused) kept", "naclc: allow(../unused) kept", "says nothing", "allow(code) reason"),
    ],
)
def test_one_that_cannot_be_followed_is_an_error(comment, culprit, message, advice):
    diagnostic = only(f"{comment}\n{FINE}")
    assert (diagnostic.code, diagnostic.severity, diagnostic.span.text) == ("allow-unknown", "error", culprit)
    assert message in diagnostic.message and advice in diagnostic.help


def test_a_misspelt_one_hides_nothing():
    assert found(f"{FINE}# naclc: allow(unsued) kept\nFilter::IP g {{ drop }}\n") == ["allow-unknown:3", "unused:4"]


def test_errors_are_never_allowed():
    text = f"{HEAD}# naclc: allow(duplicate-address) on purpose\nFilter::IP f {{ nosuch }}\n"
    assert found(text) == ["unknown-action:3"]


@pytest.mark.parametrize(
    "line",
    ["# naclc: allow(unused) kept\nx{n}: 1\n", "# naclc: allow(unused) kept\n", "x{n}: 1 # naclc: allow(zz{n}) kept\n"],
    ids=["each at a statement", "all at one statement", "all unknown"],
)
def test_many_comments_take_linear_time(line):
    text = "".join(line.format(n=n) for n in range(4000))
    started = time.process_time()
    codes = {each.split(":")[0] for each in found(f"{FINE}{text}\ny: 1\n")}
    assert "unused" in codes and time.process_time() - started < 10


@pytest.mark.parametrize(
    "comment",
    [
        "# naclc: allow(unused)" + " " * 200_000 + "x",
        "# naclc" + " " * 200_000,
        "#" * 200_000 + "naclc: allow(a",
        "# naclc: allow(a" + " ,a" * 100_000,
        "# naclc: allow(a" + " ,a" * 20_000 + ") kept",
        "# naclc: allow(" + "a" * 200_000 + ") kept",
        "/* naclc: allow(a) " + "* " * 100_000 + "*/",
        "# naclc: " + "a" * 200_000,
    ],
    ids=["blanks", "blanks in the mark", "marks", "codes", "unknown codes", "a long code", "stars", "letters"],
)
def test_a_long_comment_takes_linear_time(comment):
    started = time.process_time()
    result = check_policy(SourceFile("fw.nacl", f"{comment}\n{FINE}"), Options())
    assert {each.code for each in result.diagnostics} <= {"allow-unused", "allow-unknown"}
    assert all(len(each.message) < 100 for each in result.diagnostics)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text", ["/* naclc: allow(", '"naclc: allow(', "# naclc: allow(\0)", "naclc\u202e", "{" * 2000]
)
def test_any_text_is_survived(text):
    assert found(text) != []
