"""The nearest known spelling."""

from __future__ import annotations

import random

import pytest

from naclc.semantics.spelling import Speller, distance, nearest, suggestion


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


WORDS = random.Random(5)
KNOWN = ["".join(WORDS.choices("abcde", k=WORDS.randrange(1, 9))) for _ in range(200)]
ASKED = ["".join(WORDS.choices("abcdeF", k=WORDS.randrange(1, 9))) for _ in range(300)]


def slowly(name: str) -> str | None:
    """As the docstring of `nearest` says, word for word."""
    limit = min(round(len(name) * 0.4), len(name) - 1)
    steps = [(distance(name.lower(), other), place) for place, other in enumerate(dict.fromkeys(KNOWN))]
    near = [each for each in steps if each[0] <= limit]
    return list(dict.fromkeys(KNOWN))[min(near)[1]] if near else None


def test_the_search_finds_what_comparing_with_all_finds() -> None:
    speller = Speller(KNOWN)
    found = [speller.nearest(name) for name in ASKED]
    assert found == [slowly(name) for name in ASKED]
    assert len(set(found)) > 50


def test_beyond_the_budget_one_step_is_found_and_never_more() -> None:
    speller = Speller(KNOWN, budget=0)
    for name in ASKED:
        nearby = slowly(name)
        one_step = nearby is not None and distance(name.lower(), nearby) <= 1
        assert speller.nearest(name) == (nearby if one_step else None)


def test_the_work_for_many_names_is_bounded() -> None:
    speller = Speller((f"service_{number}" for number in range(5000)), budget=20_000)
    for number in range(2000):
        speller.nearest(f"unheard_of_{number}")
    assert -10_000 < speller._left <= 0
