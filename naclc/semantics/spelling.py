"""The nearest known spelling of a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable

LISTED = 16
BUDGET = 2_000_000  # names looked at: a second or so

_CELLS = 8  # letters compared with letters that cost as much as a name looked at
_LONGEST = 64  # letters of a name that is indexed
_LOOKED_AT = 16  # names of the index for one spelling


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
    return Speller(known).nearest(name)


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """The help text that names the nearest spelling; all of them when none is near and they are few."""
    return Speller(known).suggestion(name)


class Speller:
    """Answers `nearest` and `suggestion` for the same known names again and again.

    Looking through all of them takes its time, so there is only so much of it (the work is counted, so that the answer
    is the same on every machine). After that only spellings that are one step away are found, by an index.
    """

    def __init__(self, known: Iterable[str], budget: int = BUDGET) -> None:
        self._known = list(dict.fromkeys(known))
        self._left = budget
        self._by_length: dict[int, list[tuple[int, str, int]]] = {}  # place in _known, in small letters, its letters
        for place, name in enumerate(self._known):
            folded = name.lower()
            self._by_length.setdefault(len(folded), []).append((place, folded, _letters(folded)))
        self._index: dict[str, list[int]] | None = None
        self._answers: dict[str, str | None] = {}

    def suggestion(self, name: str) -> str | None:
        best = self.nearest(name)
        if best:
            return f"did you mean `{best}`?"
        if 0 < len(self._known) <= LISTED:
            return "known: " + ", ".join(f"`{candidate}`" for candidate in self._known)
        return None

    def nearest(self, name: str) -> str | None:
        if name not in self._answers:
            limit = min(round(len(name) * 0.4), len(name) - 1)
            place = self._search(name.lower(), limit) if self._left > 0 else self._one_step(name.lower(), limit)
            self._answers[name] = None if place is None else self._known[place]
        return self._answers[name]

    def _search(self, folded: str, limit: int) -> int | None:
        """Lengths that are most like its own come first: what is near narrows the search for the rest."""
        letters = _letters(folded)
        best: tuple[int, int] | None = None
        for difference in range(limit + 1):
            for length in sorted({len(folded) - difference, len(folded) + difference}):
                for place, other, others in self._by_length.get(length, ()):
                    most = limit if best is None else best[0]
                    if difference > most:
                        break
                    self._left -= 1
                    if _surely_farther(letters, others, most):
                        continue
                    self._left -= 1 + len(folded) * length // _CELLS
                    found = (distance(folded, other), place)
                    if found[0] <= limit and (best is None or found < best):
                        best = found
        return best[1] if best else None

    def _one_step(self, folded: str, limit: int) -> int | None:
        """Two spellings are one step apart only if they are the same with a letter less in one of them, or in both."""
        if self._index is None:
            self._index = {}
            for same_length in self._by_length.values():
                for place, other, _ in same_length:
                    for shorter in _shorter(other):
                        self._index.setdefault(shorter, []).append(place)
        places = {place for shorter in _shorter(folded) for place in self._index.get(shorter, ())[:_LOOKED_AT]}
        found = ((distance(folded, self._known[place].lower()), place) for place in places)
        near = [each for each in found if each[0] <= min(limit, 1)]
        return min(near)[1] if near else None


def _shorter(name: str) -> set[str]:
    """`name`, and without one of its letters."""
    if len(name) > _LONGEST:
        return {name}
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def _letters(name: str) -> int:
    """One bit for each letter that occurs; a few letters share one."""
    bits = 0
    for letter in set(name):
        bits |= 1 << ord(letter) % 64
    return bits


def _surely_farther(a: int, b: int, limit: int) -> bool:
    """Every letter that only one of them has costs a step of its own."""
    return (a & ~b).bit_count() > limit or (b & ~a).bit_count() > limit
