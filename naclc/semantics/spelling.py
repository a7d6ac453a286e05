"""The nearest known spelling of a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable

LISTED = 16


def distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
    (Damerau-Levenshtein, optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is spelled most like `name` (case does not count), the first of equals.

    None when nothing is near: two fifths of the letters may differ, but never all of them.
    """
    folded = name.lower()
    letters = set(folded)
    limit = min(round(len(name) * 0.4), len(name) - 1)
    best: str | None = None
    for candidate in known:
        if limit < 0:
            break
        other = candidate.lower()
        if abs(len(other) - len(folded)) > limit or _surely_farther(letters, set(other), limit):
            continue
        found = distance(folded, other)
        if found <= limit:
            best, limit = candidate, found - 1
    return best


def _surely_farther(a: set[str], b: set[str], limit: int) -> bool:
    """Every letter that only one of them has costs a step of its own."""
    return len(a - b) > limit or len(b - a) > limit


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """The help text that names the nearest spelling; all of them when none is near and they are few."""
    candidates = list(dict.fromkeys(known))
    best = nearest(name, candidates)
    if best:
        return f"did you mean `{best}`?"
    if 0 < len(candidates) <= LISTED:
        return "known: " + ", ".join(f"`{candidate}`" for candidate in candidates)
    return None
