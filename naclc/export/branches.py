"""Formulas as rules: linear in the size of the formula, without marks.

nftables knows `and` (the matches of a rule) and, within one field, `or` (a set). Other formulas become chains:

    a and (b or c): T     a jump 1            chain 1 {  b T
                                                         c T  }

A jump comes back when nothing matched, so T must not come back itself: it would be done again for `c`. Where it
does come back, `either` leads on with gotos only, and each outcome has its place to go to.
"""

from __future__ import annotations

from collections.abc import Callable

from naclc.export.formula import All, Any, Formula, Test
from naclc.export.ruleset import Chain, Go, goto, jump

Match = Callable[[Test], str]


class Branches:
    """Makes rules; `match` spells a test, `fresh` makes a chain for what does not fit into a rule."""

    def __init__(self, match: Match, fresh: Callable[[], Chain]) -> None:
        self._match = match
        self._fresh = fresh

    def is_one_rule(self, formula: Formula) -> bool:
        return not isinstance(formula, Any) and not self._parts(formula)[1]

    def when(self, chain: Chain, formula: Formula, go: Go) -> None:
        """Append to `chain`: where `formula` holds, `go`, which never comes back. Else go on behind."""
        if formula is False:
            return
        if isinstance(formula, Any):
            for part in formula.parts:
                self.when(chain, part, go)
            return
        simple, complex_ = self._parts(formula)
        if not complex_:
            chain.rule(simple, go)
            return
        inside = self._fresh()
        chain.rule(simple, jump(inside))
        for part in complex_[:-1]:
            after = self._fresh()
            self.when(inside, part, goto(after))
            inside = after
        self.when(inside, complex_[-1], go)

    def either(self, chain: Chain, formula: Formula, yes: Go, no: Go) -> None:
        """Append to `chain`, as its last rules: `yes` where `formula` holds, else `no`. Both may come back to whoever
        jumped to `chain`."""
        if isinstance(formula, bool):
            chain.rule((), yes if formula else no)
        elif isinstance(formula, Any):
            self._alternatives(chain, formula, yes, no)
        else:
            simple, complex_ = self._parts(formula)
            if simple and complex_:
                after = self._fresh()
                chain.rule(simple, goto(after))
                chain.rule((), no)
                chain = after
            for part in complex_[:-1]:
                after = self._fresh()
                self.either(chain, part, goto(after), no)
                chain = after
            if complex_:
                self.either(chain, complex_[-1], yes, no)
            else:
                chain.rule(simple, yes)
                chain.rule((), no)

    def _alternatives(self, chain: Chain, formula: Any, yes: Go, no: Go) -> None:
        hard = [part for part in formula.parts if not self.is_one_rule(part)]
        for part in formula.parts:
            if self.is_one_rule(part):
                chain.rule(self._parts(part)[0], yes)
        if not hard:
            chain.rule((), no)
            return
        for part in hard[:-1]:
            after = self._fresh()
            self.either(chain, part, yes, goto(after))
            chain = after
        self.either(chain, hard[-1], yes, no)

    def _parts(self, formula: Formula) -> tuple[list[str], list[Formula]]:
        """What fits into one rule, and what does not; all of it must hold. `formula` is no Any and not False."""
        if isinstance(formula, Any):
            return [], [formula]
        parts = formula.parts if isinstance(formula, All) else () if isinstance(formula, bool) else (formula,)
        simple = [self._match(part) for part in parts if isinstance(part, Test)]
        return simple, [part for part in parts if not isinstance(part, Test)]
