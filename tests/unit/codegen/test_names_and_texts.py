"""Names that mean something in C++, and texts with control characters, arrive in the generated C++ as they are."""

from __future__ import annotations

from pathlib import Path

from naclc.driver import Options, compile_policy
from naclc.interpret.walk import evaluator as interpreter
from naclc.net.fields import NO_IFACE, State
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.source import SourceFile
from tests.native import native_evaluator

KEYWORDS = """
    alignas asm auto bool break case catch char class co_await concept const constexpr continue decltype default
    delete do double enum explicit export extern float for friend goto inline int long mutable namespace new
    noexcept nullptr operator private public register requires return short signed sizeof static struct switch
    template this throw try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
"""
MACROS = """NULL EOF INT_MAX BIG_ENDIAN stdin errno assert offsetof major minor linux unix SERVICE EXPECTS"""
OF_INCLUDEOS = """net Inet IP4 Interfaces Router Conntrack Packet nacl register_plugin_nacl std main Service"""
NAMES = " ".join([KEYWORDS, MACROS, OF_INCLUDEOS]).split()
CONTROLS = [chr(code) for code in (*range(1, 0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\r\n\x85"]
DIRECTIONS = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
ODD = ["%s%n", "??/", "*/", "//", "\u2028", "\x85", "\U0001f525", "\x00", '\\"', "\\\\", "\\n", "\\t", "R(", "\\\\x41"]
UDP = bytes.fromhex("45000020000100004011000001020304c00002010035003500000000") + bytes(4)


def pipeline_of_text(text: str) -> Pipeline:
    compiled = compile_policy(SourceFile("hostile.nacl", text), Options())
    assert [each.message for each in compiled.diagnostics if each.is_error] == []
    assert compiled.pipeline is not None
    return compiled.pipeline


def logged(text: str, place: Path) -> bytes:
    """What the function `first` writes about a UDP packet, in generated code as on the interpreter."""
    pipeline = pipeline_of_text(text)
    facts = Facts(UDP, State.NEW, 0, NO_IFACE)
    said = native_evaluator(pipeline, place)("first", facts)
    assert said == interpreter(pipeline)("first", facts)
    assert said.verdict is Verdict.DROP
    return said.log


def test_functions_and_ifaces_may_be_called_like_anything_in_cpp(tmp_path: Path) -> None:
    functions = "".join(f'Filter::IP {name} {{ log("{name} ") }}\n' for name in NAMES)
    constants = "".join(f"{name}_n: {number}\n{name}_N: {number}\n" for number, name in enumerate(NAMES))
    calls = " ".join(f"{name} if (ip.id == {name}_n or ip.ttl == {name}_N) {{ {name}() }}" for name in NAMES)
    text = f"Iface while_if {{ index: 0, input: first }}\n{functions}{constants}Filter::IP first {{ {calls} drop }}\n"
    assert set(NAMES) == set(logged(text, tmp_path).decode().split())


def test_ifaces_may_be_called_like_anything_in_cpp() -> None:
    ifaces = "".join(f"Iface {name} {{ index: {number}, input: first }}\n" for number, name in enumerate(NAMES))
    compiled = compile_policy(SourceFile("ifaces.nacl", f"{ifaces}Filter::IP first {{ drop }}\n"), Options())
    assert compiled.cpp is not None
    assert len(compiled.pipeline.ifaces if compiled.pipeline else ()) == len(NAMES)


def test_texts_of_every_control_character_arrive_as_written(tmp_path: Path) -> None:
    texts = [*CONTROLS, *DIRECTIONS, *ODD]
    actions = " ".join(f'log("<{text}>")' for text in texts)
    said = logged(f"Iface e {{ index: 0, input: first }}\nFilter::IP first {{ {actions} drop }}\n", tmp_path)
    meant = [text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\\\", "\\") for text in texts]
    assert said == "".join(f"<{text}>" for text in meant).encode()
