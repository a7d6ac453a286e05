"""The picture of a policy: all its functions, hooks and ways, in words that Graphviz takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from naclc.decision.dot import dump
from naclc.driver import Options, check_policy
from naclc.source import SourceFile

POLICY = """Iface a { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, prerouting: [n, f], input: f }
Filter::TCP g { if (tcp.dport in [22, 80-90]) { log("say \\"x\\"") accept } }
Filter::IP f { g() if (ip.saddr == ip.daddr) { drop } accept }
Nat::UDP n { if (udp.dport == 53) { dnat(192.0.2.9, 5353) } }
"""
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")


def picture(text: str = POLICY) -> str:
    checked = check_policy(SourceFile("fw.nacl", text), Options())
    assert checked.graphs is not None and checked.pipeline is not None, checked.diagnostics
    return dump(checked.graphs, checked.pipeline)


def test_hooks_functions_tests_and_verdicts_are_there() -> None:
    text = picture()
    assert text == picture() and text.startswith("digraph policy {\n") and text.endswith("}\n")
    for label in ("Filter::TCP g", "Filter::IP f", "Nat::UDP n", "a prerouting", "a input", "dnat 192.0.2.9:5353"):
        assert label in text
    assert 'label="22, 80..90"' in text and "call g" in text and 'label="else"' in text
    assert re.findall(r'hook0 -> f\d+n0 \[style=bold, label="(\d)"\]', text) == ["1", "2"]


def test_a_long_set_is_cut_short() -> None:
    many = POLICY.replace("80-90", ", ".join(str(port) for port in range(1000, 1200, 2)))
    labels = re.findall(r'label="((?:[^"\\]|\\.)*)"', picture(many))
    assert max(map(len, labels)) < 80 and any("… (101)" in label or "\\u2026" in label for label in labels)


@needs_dot
@pytest.mark.parametrize(("ending", "begin"), [("svg", b"<?xml"), ("html", b"<!doctype html>"), ("png", b"\x89PNG")])
def test_graphviz_draws_it(ending: str, begin: bytes, tmp_path: Path) -> None:
    (tmp_path / "fw.nacl").write_text(POLICY)
    command = [sys.executable, "-m", "naclc", "graph", "fw.nacl", "-o", f"fw.{ending}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / f"fw.{ending}").read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("output", "status", "words"), [("fw.jpg", 2, b"does not end in"), ("fw.svg", 3, b"graphviz-missing")]
)
def test_what_cannot_be_drawn_is_said(output: str, status: int, words: bytes, tmp_path: Path) -> None:
    (tmp_path / "fw.nacl").write_text(POLICY)
    command = [sys.executable, "-m", "naclc", "graph", "fw.nacl", "-o", output]
    environment = {"PATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == status and words in done.stderr and not (tmp_path / output).exists()
