"""Pipelines from policy text, for what is long by hand."""

from __future__ import annotations

from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

NETWORK = """
Iface outside {{ index: 0, address: 192.0.2.1, netmask: 255.255.255.0 {outside} }}
Iface inside {{ index: 1, address: 10.0.0.1, netmask: 255.255.255.0 {inside} }}
Gateway router {{
  to_outside: {{ net: 0.0.0.0, netmask: 0.0.0.0, iface: outside, nexthop: 192.0.2.254 }},
  to_inside: {{ net: 10.0.0.0, netmask: 255.255.255.0, iface: inside }}
}}
"""


def program(text: str) -> Pipeline:
    """Raises AssertionError when the text has an error."""
    tree, problems = parse(SourceFile("by hand", text))
    assert tree is not None, problems
    configuration, problems = resolve(tree)
    assert configuration is not None, problems
    return lower(configuration)


def network(functions: str = "", outside: str = "", inside: str = "") -> Pipeline:
    """Two networks and a router between them; `outside` and `inside` are further keys of the Ifaces."""
    keys = {"outside": f", {outside}" if outside else "", "inside": f", {inside}" if inside else ""}
    return program(NETWORK.format(**keys) + functions)
