"""Brackets that do not match: said once, and put right, so that what parses afterwards is balanced.

Where brackets are wrong, the layout is the best witness of what was meant: a `}` at the beginning of a line closes
the bracket whose line is indented like its own, and a line that is indented like the declaration and begins like one
ends the declaration. A text whose brackets match is never judged by its layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from naclc.diagnostics import Diagnostic, Label, error
from naclc.source import SourceFile, Span
from naclc.syntax import tables
from naclc.syntax.tokens import Token

DEEPEST = 1000  # open brackets of any kind

CLOSER = {"LBRACE": "RBRACE", "LPAR": "RPAR", "LSQB": "RSQB"}
OPENER = {closer: opener for opener, closer in CLOSER.items()}
_TEXT = {"RBRACE": "}", "RPAR": ")", "RSQB": "]"}
_SHOWN = 10  # so many brackets that are open at the end get a message of their own
_MOST = 1000  # problems; then the rest of the text is not looked at
_FAR = 10_000  # tokens after a bracket among which the place of its closer is sought


class Balanced(NamedTuple):
    tokens: list[Token]
    diagnostics: list[Diagnostic]


def balance(source: SourceFile, tokens: list[Token]) -> Balanced:
    """`tokens` with every bracket closed by its own kind, and at most 1000 of them open at a time.

    Missing closers are put in (empty tokens), closers that close nothing are left out, and so is what stands in a
    bracket that is too deep.
    """
    matching = _matches(tokens)
    if matching is None:
        return Balanced(tokens, [])
    if matching:
        return _flatten(source, tokens)
    balancer = _Balancer(source, tokens)
    balancer.run()
    deep = _flatten(source, balancer.out)
    problems = [d for d in balancer.found if not deep.diagnostics or d.code != "unterminated"]
    return Balanced(deep.tokens, problems + deep.diagnostics)


def _matches(tokens: list[Token]) -> bool | None:
    """None: balanced and not too deep. True: balanced, too deep. False: not balanced."""
    open_: list[str] = []
    deepest = 0
    for token in tokens:
        kind = token.kind
        if kind in CLOSER:
            open_.append(CLOSER[kind])
            deepest = max(deepest, len(open_))
        elif kind in OPENER and (not open_ or open_.pop() != kind):
            return False
    if open_:
        return False
    return True if deepest > DEEPEST else None


def _flatten(source: SourceFile, tokens: list[Token]) -> Balanced:
    """Leave out what is inside a bracket that is the 1001st to be open; `tokens` are balanced."""
    kept: list[Token] = []
    found: list[Diagnostic] = []
    depth = 0
    for token in tokens:
        depth -= token.kind in OPENER
        if depth <= DEEPEST:
            kept.append(token)
        depth += token.kind in CLOSER
        if token.kind in CLOSER and depth == DEEPEST + 1:
            kept.extend(_filling(token))
            found.append(_too_deep(source, token))
    return Balanced(kept, found[:1])


def _filling(opener: Token) -> list[Token]:
    """What makes a bracket legal with nothing in it: a condition must have something."""
    return [Token("TRUE", "", opener.end, opener.end)] if opener.kind == "LPAR" else []


def _too_deep(source: SourceFile, token: Token) -> Diagnostic:
    return error(
        "too-deep",
        f"more than {DEEPEST} brackets are open here",
        Span(source, token.start, token.end),
        help="give the inner part a name, and use the name",
    )


@dataclass(slots=True)
class _Open:
    """An open bracket: its index in the input, and how far its line is indented."""

    index: int
    kind: str
    line: int
    indent: int
    place: int  # index in the output


@dataclass(slots=True)
class _Balancer:
    source: SourceFile
    tokens: list[Token]
    out: list[Token] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    missing: int = 0  # closers, over the whole text
    surplus: int = 0
    line: int = 0  # of the present token
    indent: int = 0  # of its line
    first: bool = False  # whether it begins its line

    def run(self) -> None:
        kinds = [token.kind for token in self.tokens]
        for opener, closer in CLOSER.items():
            more = kinds.count(opener) - kinds.count(closer)
            self.missing += max(0, more)
            self.surplus += max(0, -more)
        for index, token in enumerate(self.tokens):
            self._place(token)
            if token.kind == tables.END or len(self.stack) > DEEPEST or len(self.found) >= _MOST:
                self._close(0, None)
                self.out.append(self.tokens[-1])
                return
            if self.first and self.stack and self.missing and self._begins_declaration(index):
                self._close(0, None)
            if token.kind in CLOSER:
                self.stack.append(_Open(index, token.kind, self.line, self.indent, len(self.out)))
            elif token.kind in OPENER and not self._closes(token):
                continue
            self.out.append(token)

    def _place(self, token: Token) -> None:
        line, column = self.source.position(token.start)
        self.first = line != self.line
        if self.first:
            self.line, self.indent = line, column

    def _begins_declaration(self, index: int) -> bool:
        """Whether a line begins like a declaration, and no further to the right than the one that is open."""
        if self.indent > self.stack[0].indent:
            return False
        return begins_declaration(self.tokens, index)

    def _closes(self, token: Token) -> bool:
        """Close what `token` closes; False: nothing, and the token is to be left out."""
        at = self._nearest(OPENER[token.kind])
        if self._is_mistyped(token, at):
            self._mistyped(token)
            return False
        if at < 0 or self._is_misplaced():
            self._stray(token)
            return False
        if self.first and self.missing and self.stack[at].line != self.line and self.stack[at].indent != self.indent:
            alike = self._nearest(OPENER[token.kind], self.indent)
            at = at if alike < 0 else alike
        self._close(at + 1, token)
        self.stack.pop()
        return True

    def _is_mistyped(self, token: Token, at: int) -> bool:
        """Whether `token` stands for the closer of the innermost bracket; `at`: the nearest one that it does close."""
        if not self.stack or self.stack[-1].kind == OPENER[token.kind] or not (self.missing and self.surplus):
            return False
        return at < 0 or (not self.first and self.stack[-1].line == self.line)

    def _mistyped(self, token: Token) -> None:
        """Close the innermost bracket in place of `token`."""
        opened = self.stack.pop()
        self.missing -= 1
        self.surplus -= 1
        opener, kind = self.tokens[opened.index], CLOSER[opened.kind]
        self.out.append(Token(kind, _TEXT[kind], token.start, token.end))
        self.found.append(
            error(
                "syntax",
                f"`{token.text}` cannot close `{opener.text}`",
                Span(self.source, token.start, token.end),
                Label(Span(self.source, opener.start, opener.end), "opened here"),
                help=f"write `{_TEXT[kind]}`",
            )
        )

    def _nearest(self, kind: str, indent: int | None = None) -> int:
        """The innermost open bracket of this kind, on an earlier line of this indentation if one is given; or -1."""
        at = len(self.stack) - 1
        while at >= 0:
            opened = self.stack[at]
            if opened.kind == kind and (indent is None or (opened.indent == indent and opened.line != self.line)):
                break
            at -= 1
        return at

    def _is_misplaced(self) -> bool:
        """Whether there are too many closers, and this one stands where none of the open lines begins."""
        indents = {opened.indent for opened in self.stack}
        return bool(self.surplus and self.first and self.indent not in indents)

    def _stray(self, token: Token) -> None:
        self.surplus = max(0, self.surplus - 1)
        self.found.append(
            error(
                "syntax",
                f"`{token.text}` closes nothing",
                Span(self.source, token.start, token.end),
                help="delete it, or look for a bracket that is closed too early",
            )
        )

    def _close(self, keep: int, by: Token | None) -> None:
        """Put in closers for all but the first `keep` open brackets; `by` closes the one below them."""
        unclosed = self.stack[keep:]
        del self.stack[keep:]
        self.missing = max(0, self.missing - len(unclosed))
        for opened in reversed(unclosed):
            place = self._closing_place(opened) if len(unclosed) <= _SHOWN else len(self.out)
            offset = self.out[place - 1].end
            kind = CLOSER[opened.kind]
            self.out.insert(place, Token(kind, _TEXT[kind], offset, offset))
        self._report(unclosed, by)

    def _report(self, unclosed: list[_Open], by: Token | None) -> None:
        labels: tuple[Label, ...] = ()
        if by is not None:
            labels = (Label(Span(self.source, by.start, by.end), f"`{by.text}` closes the bracket around it"),)
        if len(unclosed) > _SHOWN:
            self._unterminated(unclosed[0], f" and {len(unclosed) - 1} more brackets are", labels)
            return
        for opened in unclosed:
            self._unterminated(opened, " is", labels)

    def _unterminated(self, opened: _Open, are: str, labels: tuple[Label, ...]) -> None:
        token = self.tokens[opened.index]
        closer = _TEXT[CLOSER[opened.kind]]
        message = f"`{token.text}`{are} never closed"
        span = Span(self.source, token.start, token.end)
        self.found.append(error("unterminated", message, span, *labels, help=f"put in the `{closer}`"))

    def _closing_place(self, opened: _Open) -> int:
        """Where in the output the closer was probably forgotten: at the latest now."""
        before = self.out[opened.place - 1].kind if opened.place else ""
        depth = 0
        for at in range(opened.place + 1, min(len(self.out), opened.place + _FAR)):
            token = self.out[at]
            depth -= token.kind in OPENER
            if depth == 0 and opened.kind == "LPAR":
                is_body = token.kind == "LBRACE" and self.out[at - 1].kind not in ("IN", "IN_UPPER", "COMPARE")
                if before == "IF" and is_body:
                    return at
                if before != "IF" and self._begins_line(at) and self.out[at - 1].kind not in ("COMMA", "LPAR"):
                    return at
            if depth == 0 and opened.kind == "LSQB" and self._begins_line(at) and self._is_key(at):
                return at - (self.out[at - 1].kind == "COMMA")
            depth += token.kind in CLOSER
        return len(self.out)

    def _begins_line(self, at: int) -> bool:
        before, token = self.out[at - 1], self.out[at]
        return self.source.position(before.start)[0] != self.source.position(token.start)[0]

    def _is_key(self, at: int) -> bool:
        return at + 1 < len(self.out) and self.out[at + 1].kind == "COLON"


def begins_declaration(tokens: list[Token], index: int) -> bool:
    """Whether `Type Name`, `Type ::`, `name:` or `name.part:` stands at `index`."""
    if tokens[index].kind != "NAME":
        return False
    after = index + 1
    if tokens[after].kind == "NAME":
        return True
    while tokens[after].kind == "DOT" and tokens[after + 1].text[:1].isalpha():
        after += 2
    return tokens[after].kind == "COLON"
