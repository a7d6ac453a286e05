"""The LALR(1) machine: tokens through the tables, each reduction to an action of the builder.

A shift/reduce loop of our own over Lark's tables: it starts without importing Lark, and it leaves both stacks open
to the repairs of naclc.syntax.recover.

Reference: Aho, Lam, Sethi, Ullman, Compilers, 2nd edition, algorithm 4.44 (LR parsing).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naclc.syntax import tables
from naclc.syntax.tokens import Token

Action = Callable[[list[Any]], Any]


class Machine:
    """Both stacks and the place in the tokens.

    INVARIANT parallel  `states` is one longer than `values`; `values[i]` was pushed on the way to `states[i + 1]`.
    """

    def __init__(self, tokens: list[Token], builder: object) -> None:
        self.tables = tables.load()
        self.tokens = tokens
        self.position = 0  # of the next token
        self.states = [0]
        self.values: list[Any] = []
        self._rules: list[tuple[str, int, Action | None]] = [
            (rule.origin, rule.size, getattr(builder, rule.action) if rule.action else None)
            for rule in self.tables.rules
        ]

    def run(self) -> bool:
        """Go on until the program is accepted (True) or a token does not fit (False: `position` is its index)."""
        table, rules, accept = self.tables.states, self._rules, self.tables.accept
        states, values, tokens = self.states, self.values, self.tokens
        state = states[-1]
        for index in range(self.position, len(tokens)):
            token = tokens[index]
            kind = token.kind
            while True:
                code = table[state].get(kind)
                if code is None:
                    self.position = index
                    return state == accept
                if code >= 0:
                    break
                origin, size, action = rules[-1 - code]
                if size:
                    popped = values[-size:]
                    del values[-size:]
                    del states[-size:]
                else:
                    popped = []
                values.append(action(popped) if action else popped[0])
                state = table[states[-1]][origin]
                states.append(state)
            state = code
            states.append(state)
            values.append(token)
        raise AssertionError("the last token is $END, which the tables accept or refuse")

    def take_back(self, count: int) -> None:
        """Undo the last `count` shifts; nothing may have been reduced since."""
        if count:
            del self.states[-count:]
            del self.values[-count:]
            self.position -= count

    def cut_back(self, length: int) -> None:
        """Keep `length` values."""
        del self.values[length:]
        del self.states[length + 1 :]

    def accepts(self, *kinds: str) -> bool:
        """Whether tokens of these kinds could come next, one after the other."""
        table, rules = self.tables.states, self._rules
        states = list(self.states)
        for kind in kinds:
            while True:
                code = table[states[-1]].get(kind)
                if code is None:
                    return kind == tables.END and states[-1] == self.tables.accept
                if code >= 0:
                    break
                origin, size, _ = rules[-1 - code]
                if size:
                    del states[-size:]
                states.append(table[states[-1]][origin])
            states.append(code)
        return True
