"""What happens at a token that does not fit: a message, and a way to go on.

First the repairs of naclc.syntax.repairs. Where none fits, panic mode: the innermost open bracket is emptied (all
tokens up to its closer are skipped), or outside of brackets all up to the next declaration.

INVARIANT progress  after `recover` the machine accepts the token that did not fit, or has passed it.
"""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, error
from naclc.source import SourceFile
from naclc.syntax import tables
from naclc.syntax.brackets import CLOSER, OPENER, begins_declaration
from naclc.syntax.build import Builder
from naclc.syntax.expected import expected, quoted
from naclc.syntax.machine import Machine
from naclc.syntax.repairs import RULES
from naclc.syntax.situation import Repair, Situation
from naclc.syntax.tokens import Token

_MOST = 1000  # recoveries; then the rest of the text is not looked at
_EFFORT = 200_000_000  # tokens moved by edits, at most: bounds the recoveries in a very long text (to 100 at least)

_FILLINGS = {
    "LBRACE": ((),),
    "LSQB": ((),),
    "LPAR": ((), ("TRUE",), ("MINUS", "NUMBER")),
}
_FILLING_TEXT = {"TRUE": "true", "MINUS": "-", "NUMBER": "0"}


class Recovery:
    """Keeps the machine going; `diagnostics` has what it said.

    It says nothing beside a misfit of the scanner, nor in a declaration whose brackets were wrong: that has been
    reported, and what follows is due to it.
    """

    def __init__(
        self,
        source: SourceFile,
        machine: Machine,
        builder: Builder,
        misfits: list[Diagnostic],
        unbalanced: list[Diagnostic],
    ) -> None:
        self.source, self.machine, self.builder = source, machine, builder
        self.diagnostics: list[Diagnostic] = []
        self._misfits = [d.span for d in misfits if d.span and d.is_error]
        self._brackets = sorted(d.span.start for d in unbalanced if d.span)
        self._last = -1  # offset of the end of the last token that was recovered from
        self._left = max(100, min(_MOST, _EFFORT // len(machine.tokens)))

    def recover(self) -> bool:
        """After machine.run() stopped: make it able to go on; False when there is too much wrong to do so."""
        self._left -= 1
        if self._left < 0:
            return False
        situation = Situation(self.source, self.machine)
        repair = next(filter(None, (rule(situation) for rule in RULES)), None)
        problem = repair.diagnostic if repair else self._unexpected(situation)
        if not self._is_consequence(situation, repaired=repair is not None):
            self.diagnostics.append(problem)
        self._last = situation.token.end
        if repair and self._apply(repair):
            return True
        self._panic()
        return True

    def _is_consequence(self, situation: Situation, *, repaired: bool) -> bool:
        """Whether the problem is probably due to one that has been reported."""
        token = situation.token
        begin = self.builder.end
        if any(begin <= at <= token.end for at in self._brackets):
            return True
        near, far = situation.at(-2).start, situation.after.end
        if any(near <= span.end and span.start <= far for span in self._misfits):
            return True
        if repaired or (situation.begins_line() and situation.accepts(tables.END)):
            return False
        return situation.before.start <= self._last

    def _unexpected(self, situation: Situation) -> Diagnostic:
        token, before = situation.token, situation.before
        if situation.accepts(tables.END):
            return self._misplaced(situation)
        span = situation.span(before if token.kind == tables.END else token)
        message = f"expected {expected(self.machine)}"
        if before.kind != tables.END and before.end > before.start:
            message += f" after {quoted(before)}"
        cure = f"remove {quoted(token)}, or write what is missing before it"
        if token.kind == tables.END:
            cure = f"write the rest after {quoted(before)}, or remove it"
        elif message.startswith("expected a name after"):
            cure = "a name begins with a letter"
        return error("syntax", f"{message}, not {quoted(token)}", span, help=cure)

    def _misplaced(self, situation: Situation) -> Diagnostic:
        """Where a declaration could begin."""
        token = situation.token
        if token.kind in ("IF", "ELSE"):
            message = f"{quoted(token)} may stand in a function only"
            cure = "put it between the braces of a Filter or Nat"
        else:
            message = f"{quoted(token)} does not begin a declaration"
            cure = "a declaration is `Type name value`, `name: value` or `Filter::Protocol name { ... }`"
        return error("syntax", message, situation.span(token), help=cure)

    def _apply(self, repair: Repair) -> bool:
        """Make the edit; False, and the edit undone, when it leads nowhere."""
        machine = self.machine
        machine.take_back(repair.back)
        at = machine.position
        cut = machine.tokens[at : at + repair.cut]
        machine.tokens[at : at + repair.cut] = repair.put
        if repair.cut > 0 or machine.accepts(machine.tokens[at].kind):
            self.builder.discarding |= repair.whole
            return True
        machine.tokens[at : at + len(repair.put)] = cut
        return False

    def _panic(self) -> None:
        machine = self.machine
        if machine.accepts(tables.END):  # a declaration is complete, what follows begins none
            self._next_declaration()
            return
        self.builder.discarding = True
        for length in range(len(machine.values), 0, -1):
            opener = machine.values[length - 1]
            if type(opener) is Token and opener.kind in CLOSER and self._empty(opener, length):
                return
        machine.cut_back(min(1, len(machine.values)))
        self._next_declaration()

    def _empty(self, opener: Token, length: int) -> bool:
        """Go to the closer of `opener`, the value before `length`; False when it cannot be empty here."""
        machine = self.machine
        end = self._closer()
        machine.cut_back(length)
        machine.position = end
        for filling in _FILLINGS[opener.kind]:
            if machine.accepts(*filling, CLOSER[opener.kind]):
                place = machine.tokens[end].start
                machine.tokens[end:end] = [Token(kind, _FILLING_TEXT[kind], place, place) for kind in filling]
                return True
        machine.position = end + 1
        return False

    def _closer(self) -> int:
        """The index of the closer of the innermost bracket that is open at the machine's place."""
        tokens, depth = self.machine.tokens, 0
        for index in range(self.machine.position, len(tokens)):
            kind = tokens[index].kind
            if kind in OPENER:
                if not depth:
                    return index
                depth -= 1
            depth += kind in CLOSER
        return len(tokens) - 1

    def _next_declaration(self) -> None:
        """Skip to a line that begins like a declaration, or to what does so after a closed bracket."""
        tokens = self.machine.tokens
        index, depth = self.machine.position, 0
        while tokens[index].kind != tables.END:
            token = tokens[index]
            depth += (token.kind in CLOSER) - (token.kind in OPENER)
            index += 1
            if depth <= 0 and begins_declaration(tokens, index) and self._may_begin(index):
                break
        self.machine.position = index

    def _may_begin(self, index: int) -> bool:
        before, token = self.machine.tokens[index - 1], self.machine.tokens[index]
        if before.kind in OPENER:
            return True
        return self.source.position(before.end)[0] != self.source.position(token.start)[0]
