"""Large configurations take time that grows with their size only."""

from __future__ import annotations

import json
import time

from naclc.config.read import read_json
from naclc.config.translate import translate
from naclc.config.tree import Number
from naclc.source import SourceFile


def seconds(text: str) -> float:
    start = time.process_time()
    translate(SourceFile("config.json", text))
    return time.process_time() - start


def nics(count: int, address: str) -> str:
    return json.dumps(
        {
            "net": [
                {"iface": n, "config": "static", "address": address.format(n >> 8, n & 255), "netmask": "255.255.255.0"}
                for n in range(count)
            ]
        }
    )


def test_many_nics() -> None:
    assert seconds(nics(10_000, "10.{}.{}.1")) < 10


def test_many_mistakes() -> None:
    assert seconds(nics(10_000, "10.{}.{}.x")) < 10


def test_a_long_list() -> None:
    text = json.dumps({"net": [{"iface": 0, "config": "static", "address": ["10.0.0.1/24"] + ["::1"] * 50_000}]})
    assert seconds(text) < 10


def test_a_number_of_any_length_is_read() -> None:
    node = read_json(SourceFile("config.json", "9" * 1_000_000))
    assert isinstance(node, Number) and len(node.text) == 1_000_000
