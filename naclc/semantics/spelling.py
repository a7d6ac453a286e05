"""The nearest known spelling of a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


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

    None when nothing is near: at most a third of the letters, but always one, may differ.
    """
    folded = name.lower()
    allowed = max(1, len(name) // 3)
    best: str | None = None
    for candidate in known:
        if abs(len(candidate) - len(name)) > allowed:
            continue
        found = distance(folded, candidate.lower())
        if found < allowed or (found == allowed and best is None):
            best, allowed = candidate, found
            if found == 0:
                break
    return best


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """The help text that names the nearest spelling, or None."""
    best = nearest(name, known)
    return f"did you mean `{best}`?" if best else None
