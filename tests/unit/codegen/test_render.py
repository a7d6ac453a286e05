"""The text of a service: what it is made of, how it grows, and that compilers take it without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from naclc.codegen.names import function_name, literal, source_comment
from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.decision.build import build
from naclc.pipeline.pipeline import Iface, Pipeline, Route, Router
from naclc.semantics.model import Hook
from naclc.source import SourceFile, Span
from tests.unit.decision.policies import (
    Body,
    address,
    and_,
    block,
    call,
    if_,
    in_,
    is_,
    log,
    not_,
    or_,
    pipeline_of,
)

# Not -fsyntax-only: it says nothing of unused functions.
STRICT = ("-std=c++20", "-Wall", "-Wextra", "-Werror", "-DNACLC_NATIVE", "-c", "-o", "/dev/null", "-x", "c++", "-")


def text_of(pipeline: Pipeline, *, plugin: bool = False) -> str:
    return render(plan(build(pipeline), pipeline), pipeline, "test.nacl", plugin=plugin)


def of_body(body: Body) -> str:
    return text_of(pipeline_of({"f": ("IP", body)}, {Hook.INPUT: ["f"]}))


def function_lines(text: str) -> list[str]:
    """The body of decide_f, without comments."""
    body = text.split("uint32_t decide_f(")[1].split("\n}\n", maxsplit=1)[0].splitlines()[1:]
    return [line.split("  //")[0].strip() for line in body if not line.strip().startswith("//")]


def test_an_if_chain_reads_like_the_policy() -> None:
    body = [
        if_(is_("ct.state", "==", 1), ["accept"]),
        block("TCP", [if_(or_(is_("tcp.dport", "==", 22), in_("tcp.dport", (80, 90))), [log("web\n"), "accept"])]),
        if_(and_(is_("ip.ttl", "<", 5), not_(is_("ip.saddr", "==", "192.0.2.1"))), [log("low\n")]),
        "drop",
    ]
    assert function_lines(of_body(body)) == [
        "if (packet.ct_state() == kEstablished) return accept(1);",
        "if (packet.has(kTcp)) {",
        "if (packet.tcp_dport() == 22 || between(packet.tcp_dport(), 80, 90)) {",
        'log.text("web\\n");',
        "return accept(5);",
        "}",
        "}",
        'if (packet.ip_ttl() <= 4 && packet.ip_saddr() != address(192, 0, 2, 1)) log.text("low\\n");',
        "return drop(8);",
    ]


def test_both_branches_meet_again_without_repeating_what_follows() -> None:
    body = [if_(is_("ip.ttl", "==", 1), [log("a")], [log("b")]), log("c"), "drop"]
    assert "".join(function_lines(of_body(body))).count('log.text("c")') == 1


def test_comments_give_line_and_text_of_the_policy() -> None:
    assert "// line 1: line" in of_body([if_(is_("ip.ttl", "==", 1), ["accept"]), "drop"])


def test_the_same_policy_gives_the_same_octets_and_no_paths() -> None:
    pipeline = pipeline_of({"f": ("IP", ["drop"])}, {Hook.INPUT: ["f"]})
    unit = plan(build(pipeline), pipeline)
    here, there = (render(unit, pipeline, f"/{folder}/test.nacl", plugin=False) for folder in ("here", "there"))
    assert here == there
    assert "/here" not in here
    assert here.isascii()


def test_a_plugin_leaves_service_start_to_the_user() -> None:
    pipeline = pipeline_of({"f": ("IP", ["drop"])}, {Hook.INPUT: ["f"]})
    assert "void Service::start() { register_plugin_nacl(); }" in text_of(pipeline)
    assert "Service::start" not in text_of(pipeline, plugin=True)
    assert "\nvoid register_plugin_nacl() {" in text_of(pipeline, plugin=True)


def test_only_what_is_used_is_there() -> None:
    text = of_body(["drop"])
    for unused in ("load16", "is_member", "between", "address(", "kTcp", "cstring", "kIfaceNames", "accept("):
        assert unused not in text.split("#ifdef NACLC_NATIVE\nnamespace")[0]


def test_names_that_differ_stay_different() -> None:
    names = ["my_f", "My_f", "my__f", "my___f", "decide_my_f", "int", "main", "if0", "f"]
    assert len({function_name(name, number) for number, name in enumerate(names)}) == len(names)
    assert all("__" not in function_name(name, number) for number, name in enumerate(names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a"b', r'"a\"b"'),
        ("a\\", r'"a\\"'),
        ("\n\t", r'"\n\t"'),
        ("\x001", r'"\0001"'),
        ("é", r'"\303\251"'),
        ("???/", r'"?\?\?/"'),
    ],
    ids=["quote", "backslash", "line end", "octet then digit", "UTF-8", "trigraph"],
)
def test_user_text_in_a_literal(text: str, expected: str) -> None:
    assert literal(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if (a) { accept }", "line 1: if (a)"),
        ("Filter::TCP {\n drop }", "line 1: Filter::TCP"),
        ("log(\n  a)", "line 1: log( a)"),
        ("log(\\", "line 1: log(\\."),
        ("log(\u202e\u2028)", "line 1: log(. )"),
        ("x" * 200, "line 1: " + "x" * 81 + "..."),
    ],
    ids=["if", "block", "line ends", "backslash last", "turned direction", "long"],
)
def test_user_text_in_a_comment(text: str, expected: str) -> None:
    assert source_comment(Span(SourceFile("t", text), 0, len(text))) == expected


def nesting(text: str) -> int:
    deepest = depth = 0
    for char in re.sub(r'"(\\.|[^"\\])*"|//[^\n]*', "", text):
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(char, 0)
        deepest = max(deepest, depth)
    return deepest


def deep(levels: int) -> Body:
    body: Body = ["accept"]
    for level in range(levels):
        body = [log(f"in {level}"), if_(is_("ip.length", "!=", level), body, [log(f"out {level}")])]
    return [*body, "drop"]


def test_brackets_nest_within_what_compilers_take() -> None:
    text = of_body(deep(150))
    assert nesting(text) <= 64
    subprocess.run(["g++", *STRICT], input=text, text=True, check=True)


def calls_that_double(levels: int) -> Pipeline:
    functions: dict[str, tuple[str, Body]] = {"f0": ("IP", [log("x")])}
    functions |= {f"f{level}": ("IP", [call(f"f{level - 1}")] * 2) for level in range(1, levels)}
    functions["main"] = "IP", [call(f"f{levels - 1}"), "drop"]
    return pipeline_of(functions, {Hook.INPUT: ["main"]})


def test_calls_that_double_are_linear_text() -> None:
    assert len(text_of(calls_that_double(40))) < 1.5 * len(text_of(calls_that_double(30)))


def test_a_long_function_is_cut_into_parts_and_a_large_set_is_one_table() -> None:
    rules = [if_(and_(is_("ip.length", "==", n), is_("ip.id", "==", n)), [log(f"{n}")]) for n in range(1000)]
    text = of_body([*rules, if_(in_("ip.saddr", *range(0, 20_000, 2)), ["accept"]), "drop"])
    parts = re.findall(r"uint32_t (part\d+_)?decide_f\(", text)
    assert len(parts) >= 4
    assert text.count("constexpr uint32_t kSet") == 1
    subprocess.run(["g++", *STRICT], input=text, text=True, check=True)


def machine() -> Pipeline:
    """Two Ifaces that forward, functions at every hook, VLAN-free."""
    body = [if_(is_("ct.state", "==", 1), ["accept"]), block("TCP", [log("x ", "iface.in")]), "drop"]
    pipeline = pipeline_of({"f": ("IP", body)}, {hook: ["f"] for hook in Hook if hook is not Hook.FORWARD}, ["f"])
    outside, inside = pipeline.ifaces
    configured = {"address": address("192.0.2.1"), "netmask": address("255.255.255.0"), "forwards": True}
    routes = (Route(0, 0, 0, address("192.0.2.9"), 1),)
    second: Iface = replace(inside, nic="02:00:00:00:00:01", dns=address("192.0.2.3"), **configured)
    return replace(
        pipeline,
        ifaces=(replace(outside, gateway=address("192.0.2.9"), **configured), second),
        router=Router(routes, ("f",), True),
    )


SHAPES = {
    "everything": machine,
    "no functions": lambda: pipeline_of({}),
    "no interfaces": lambda: replace(pipeline_of({}), ifaces=()),
    "a router without interfaces": lambda: replace(machine(), ifaces=(), router=Router((), ("f",), True)),
    "a router without routes": lambda: pipeline_of({"f": ("IP", ["drop"])}, forward=["f"]),
    "untracked filter": lambda: replace(machine(), untracked="filter"),
    "one filter": lambda: pipeline_of({"f": ("IP", ["drop"])}, {Hook.POSTROUTING: ["f"]}),
    "router alone": lambda: replace(machine(), functions={}, router=Router((), (), False), ifaces=bare(machine())),
}


def bare(pipeline: Pipeline) -> tuple[Iface, ...]:
    return tuple(replace(iface, chains=dict.fromkeys(iface.chains, ())) for iface in pipeline.ifaces)


@pytest.mark.parametrize("plugin", [False, True], ids=["service", "plugin"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_skeleton_os_compiles_every_shape_without_a_warning(shape: str, plugin: bool, tmp_path: Path) -> None:
    source = tmp_path / "service.cpp"
    source.write_text(text_of(SHAPES[shape](), plugin=plugin))
    include = Path(__file__).parents[3] / "includeos_skeleton" / "os" / "include"
    options = ("-std=c++20", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti", f"-I{include}")
    subprocess.run(["g++", *options, "-c", source, "-o", tmp_path / "service.o"], check=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_native_library_compiles_every_shape_without_a_warning(shape: str) -> None:
    subprocess.run(["g++", *STRICT], input=text_of(SHAPES[shape]()), text=True, check=True)


@pytest.mark.skipif(shutil.which("clang++-19") is None, reason="clang++-19 is not on this machine")
@pytest.mark.parametrize("shape", SHAPES)
def test_clang_with_libcxx_takes_every_shape(shape: str) -> None:
    options = ("-std=c++23", "-stdlib=libc++", *STRICT[1:])
    subprocess.run(["clang++-19", *options], input=text_of(SHAPES[shape]()), text=True, check=True)
