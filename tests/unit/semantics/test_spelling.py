"""The nearest known spelling."""

from __future__ import annotations

import pytest

from naclc.semantics.spelling import distance, nearest, suggestion


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "abd", 1),
        ("abc", "acb", 1),
        ("abc", "", 3),
        ("saddr", "sadr", 1),
        ("ca", "abc", 3),
    ],
)
def test_distance(a: str, b: str, steps: int) -> None:
    assert distance(a, b) == distance(b, a) == steps


@pytest.mark.parametrize(
    ("name", "expected"),
    [("htpp", "http"), ("HTTP", "http"), ("plane", "plain"), ("x", None), ("zebra", None), ("htps", "https")],
)
def test_nearest(name: str, expected: str | None) -> None:
    assert nearest(name, ["http", "https", "plain", "y"]) == expected


def test_the_first_of_equals_wins() -> None:
    assert nearest("abx", ["aby", "abz"]) == "aby"


def test_few_names_are_listed_when_none_is_near() -> None:
    assert suggestion("zebra", ["eth0", "eth1"]) == "known: `eth0`, `eth1`"
    assert suggestion("zebra", []) is None
    assert suggestion("zebra", [f"name{number}" for number in range(100)]) is None
