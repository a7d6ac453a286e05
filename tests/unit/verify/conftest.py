"""Policies and fake machines for the verifier's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

# Line 12 drops, line 13 accepts.
FIREWALL = """\
Iface outside { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }
Iface inside { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway router {
  a: { net: 192.0.2.0, netmask: 255.255.255.0, iface: outside },
  b: { net: 10.0.0.0, netmask: 255.255.255.0, iface: inside },
  forward: through
}
Filter::IP through {
  Filter::ICMP {
    if (icmp.type == echo-request) {
      log("ping from ", ip.saddr, "\\n")
      drop
    }}
  accept
}
"""


def pipeline_of(text: str, name: str = "fw.nacl") -> Pipeline:
    program, findings = parse(SourceFile(name, text))
    assert program is not None, findings
    configuration, findings = resolve(program, None)
    assert configuration is not None, findings
    return lower(configuration)


@pytest.fixture(scope="session")
def firewall() -> Pipeline:
    return pipeline_of(FIREWALL)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a Python program as an executable file."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
        path.chmod(0o755)
        return path

    return write
