"""Names and what they lead to: look-up, dotted paths, members, values by name (docs/language.md section 3).

Look-up never reports: it answers with an `Unknown`, and whoever stands where the path is written reports it. Only
what has no better place is reported here: members defined twice, and dotted assignments that miss their parent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from naclc.diagnostics import Label
from naclc.net.constants import CONSTANTS, RETIRED, SEVERITIES
from naclc.net.fields import FIELDS
from naclc.semantics import synonyms
from naclc.semantics.model import Config, TimerData, Untracked
from naclc.semantics.reporter import Reporter
from naclc.semantics.spelling import Speller, suggestion
from naclc.semantics.values import (
    CONSTANT_SORTS,
    Addition,
    Element,
    ElementKind,
    Entry,
    Sort,
    Unknown,
    Value,
    View,
    literal_value,
)
from naclc.source import Span
from naclc.syntax import ast

# The words of each place. `tcp` is also a constant.
CONFIG_WORDS = tuple(Config)
LAYERS = ("tcp",)
ALGORITHMS = ("round_robin",)
WORDS = frozenset({*CONFIG_WORDS, *ALGORITHMS, *Untracked, *TimerData, *SEVERITIES})
FIELD_HEADS = frozenset({"ip", "tcp", "udp", "icmp", "ct", "iface"})

BREAK_CYCLE = "give one of them a value that does not lead to the others"

_NO_WORDS: frozenset[str] = frozenset()


class Scope:
    """The flat namespace of one program. `silenced` are names whose definition was refused: nothing that mentions
    them is reported again. `uses` says which names each element mentions."""

    def __init__(self, reporter: Reporter) -> None:
        self.elements: dict[str, Element] = {}
        self.silenced: set[str] = set()
        self.meant: set[str] = set()  # named in a way that was refused: not unused
        self.uses: dict[str, set[str]] = {}
        self.reporter = reporter
        self._targets: dict[str, View | Value | Unknown] = {}
        self._trail: list[str] = []  # paths on the way to what is looked up at the moment
        self._in_progress: dict[str, ast.Path] = {}
        self._members: dict[tuple[int, ...], dict[str, Entry]] = {}
        self._roots: dict[str, View] = {}
        self._spellers: dict[tuple[object, ...], Speller] = {}

    # --- values ---

    def ground(
        self, view: View, words: frozenset[str] = _NO_WORDS, refuse: Callable[[ast.Path], None] | None = None
    ) -> Value:
        """What stands in a place, all names followed.

        A path that leads nowhere is reported, or given to `refuse`, unless it is written in an untyped element
        (those are checked as a whole, see naclc.semantics.constants). `words` are the words of the place.
        """
        value = view.value
        if isinstance(value, ast.Path) and not _is_word(value, words):
            self.use(view.owner, value)
            if view.owner.typed:
                target = self.target(value)
                if isinstance(target, Unknown):
                    if refuse:
                        refuse(value)
                    else:
                        self.report(target, value)
                    return _bad(value.span)
        return self.follow(view, words)

    def report(self, unknown: Unknown, path: ast.Path) -> None:
        """Says why `path` leads nowhere, at the part of it that is to blame."""
        self.reporter.error(unknown.code, unknown.message, path.parts[unknown.part].span, help=unknown.help)

    def use(self, owner: Element, path: ast.Path) -> None:
        self.uses.setdefault(owner.name, set()).add(path.parts[0].text)

    def follow(self, view: View, words: frozenset[str] = _NO_WORDS) -> Value:
        """As `ground`, in silence: BAD when a name on the way is not known or leads back to itself."""
        if not isinstance(view.value, ast.Path):
            return literal_value(view, view.value.span, direct=True)
        depth = len(self._trail)
        value = self._follow_names(view, words)
        del self._trail[depth:]
        return value

    def _follow_names(self, view: View, words: frozenset[str]) -> Value:
        span = view.value.span
        seen: set[int] = set()
        while isinstance(view.value, ast.Path):
            path = view.value
            if _is_word(path, words):
                return Value(Sort.WORD, span, path.span, text=path.text.lower(), literal=not seen)
            if id(path) in seen:
                return _bad(span)
            seen.add(id(path))
            target = self.target(path)
            if isinstance(target, Unknown):
                if not view.owner.typed and path.text.lower() in WORDS:
                    return Value(Sort.WORD, span, path.span, text=path.text.lower(), literal=False)
                return _bad(span)
            if isinstance(target, Value):
                return _at(target, span, path.span, literal=target.element is None and len(seen) == 1)
            self._trail.append(path.text)
            view = View(target.value, target.additions + view.additions, target.owner, view.fold or target.fold)
        return literal_value(view, span, direct=False)

    # --- paths ---

    def target(self, path: ast.Path) -> View | Value | Unknown:
        """Where `path` leads in one step. The same text leads to the same place everywhere."""
        text = path.text
        found = self._targets.get(text)
        if found is not None:
            return found
        if text in self._in_progress:
            self._report_lookup_cycle(path)
            return _bad(path.span)
        self._in_progress[text] = path
        self._trail.append(text)
        found = self._find(path)
        self._trail.pop()
        del self._in_progress[text]
        return self._targets.setdefault(text, found)

    def _report_lookup_cycle(self, path: ast.Path) -> None:
        cycle = " -> ".join([*self._trail[self._trail.index(path.text) :], path.text])
        span = self._in_progress[path.text].span
        self.reporter.error("value-cycle", f"values lead back to themselves: {cycle}", span, help=BREAK_CYCLE)

    def _find(self, path: ast.Path) -> View | Value | Unknown:
        head = path.parts[0].text
        element = self.elements.get(head)
        field = FIELDS.get(path.text.lower()) if len(path.parts) == 2 else None
        if head in self.silenced and len(path.parts) > 1:
            return _bad(path.span)
        if element is None or element.kind is ElementKind.FUNCTION:
            if field:
                return Value(Sort.FIELD, path.span, path.span, field=field)
            if element is None:
                return self._find_builtin(path)
        if element.kind is ElementKind.UNKNOWN:
            return _bad(path.span)
        if len(path.parts) == 1:
            return self._element_target(element, path.span)
        found = self._find_member(element, path)
        if isinstance(found, Unknown) and field:
            return Value(Sort.FIELD, path.span, path.span, field=field)
        return found

    def _find_builtin(self, path: ast.Path) -> Value | Unknown:
        head = path.parts[0].text
        if len(path.parts) == 1:
            constant = CONSTANTS.get(head.lower())
            if constant:
                sort = CONSTANT_SORTS[constant.kind]
                return Value(sort, path.span, path.span, number=constant.value, text=constant.name)
            return _bad(path.span) if head in self.silenced else self.unknown_name(head)
        if head.lower() in CONSTANTS and head.lower() not in FIELD_HEADS:
            what = CONSTANT_SORTS[CONSTANTS[head.lower()].kind]
            return Unknown("unknown-member", f"`{head}` is {what}: it has no members", 1, f"write `{head}` alone")
        if head.lower() in FIELD_HEADS:
            known = [name for name in FIELDS if name.startswith(head.lower() + ".")]
            advice = synonyms.of_field(path.text) or suggestion(path.text, known)
            advice = advice or f"known: {', '.join(f'`{name}`' for name in known)}"
            return Unknown("unknown-field", f"there is no packet field `{path.text}`", 1, advice)
        return self.unknown_name(head)

    def unknown_name(self, name: str, *more: str) -> Unknown:
        """What is wrong with `name`, which nothing declares; `more` is what else may stand in its place."""
        if name.lower() in RETIRED:
            advice: str | None = "test `iface.in` or `iface.out`"
        else:
            advice = synonyms.of_value(name) or self.suggest(name, more=(*CONSTANTS, *more))
            if any(self._is_known(name[:at]) and self._is_known(name[at + 1 :]) for at in _hyphens(name)):
                advice = "a range is written in numbers, as in `80-443`; between letters `-` is part of a name"
        return Unknown("unknown-name", f"nothing is called `{name}`", 0, advice or f"declare it, as in `{name}: 80`")

    def _is_known(self, name: str) -> bool:
        return name in self.elements or name.lower() in CONSTANTS

    def _element_target(self, element: Element, span: Span) -> View | Value:
        match element.kind:
            case ElementKind.UNTYPED:
                return self.root(element)
            case ElementKind.IFACE:
                return Value(Sort.IFACE, span, span, element=element)
            case ElementKind.FUNCTION:
                return Value(Sort.FUNCTION, span, span, element=element)
            case _:
                return Value(Sort.ELEMENT, span, span, element=element)

    def root(self, element: Element) -> View:
        """The whole value of an element that is no function; an Iface's config word is read as `{config: word}`."""
        view = self._roots.get(element.name)
        if view is None:
            assert element.value is not None
            additions = (element.additions,) if element.additions else ()
            view = View(element.value, additions, element, element.typed)
            if element.kind is ElementKind.IFACE and isinstance(element.value, ast.Path):
                view = self._read_config_word(view)
            self._roots[element.name] = view
        return view

    def _read_config_word(self, view: View) -> View:
        if self.follow(view, frozenset(CONFIG_WORDS)).sort is not Sort.WORD:
            return view
        span = view.value.span
        member = ast.Member(ast.Name("config", span), view.value, span)
        return View(ast.Object((member,), span), view.additions, view.owner, True)

    def _find_member(self, element: Element, path: ast.Path) -> View | Value | Unknown:
        if element.kind is ElementKind.FUNCTION:
            message = f"`{element.name}` is a function: it has no members"
            return Unknown("unknown-member", message, 1, "members are read from objects and typed elements")
        view = self.root(element)
        for index, part in enumerate(path.parts[1:], 1):
            value = self.follow(view)
            if value.sort in (Sort.IFACE, Sort.ELEMENT) and value.element:
                value = self.follow(self.root(value.element))
            if value.sort is Sort.BAD:
                return _bad(path.span)
            before = ".".join(name.text for name in path.parts[:index])
            if value.sort is not Sort.OBJECT or value.view is None:
                message = f"`{before}` is {value.what}: it has no members"
                return Unknown("unknown-member", message, index, f"write `{before}` alone")
            members = self.members(value.view)
            entry = members.get(part.text.lower() if value.view.fold else part.text)
            if entry is None:
                advice = self._suggest_member(part.text, value.view, members)
                advice = advice or f"add it, as in `{before}.{part.text}: …`"
                return Unknown("unknown-member", f"`{before}` has no member `{part.text}`", index, advice)
            view = entry.view
        if element.typed and isinstance(view.value, ast.Object):
            message = f"`{path.text}` is part of {element.kind}, not a value"
            return Unknown("not-a-value", message, 0, "name a plain value in it")
        return view

    # --- members ---

    def members(self, view: View) -> dict[str, Entry]:
        """The members of a view that holds an object, those of dotted assignments last."""
        found = self._members.get(view.key)
        if found is not None:
            return found
        assert isinstance(view.value, ast.Object)
        members: dict[str, Entry] = {}
        for member in view.value.members:
            key = member.key.text.lower() if view.fold else member.key.text
            if key in members:
                self.duplicate_key(member.key, members[key].name)
            else:
                members[key] = Entry(member.key, View(member.value, (), view.owner, view.fold))
        for addition in view.additions:
            for child in addition.children.values():
                self._add_member(members, child, view)
        self._members[view.key] = members
        return members

    def _add_member(self, members: dict[str, Entry], addition: Addition, view: View) -> None:
        fold = view.fold
        key = addition.name.text.lower() if fold else addition.name.text
        known = members.get(key)
        if addition.value is not None:
            if known:
                self.duplicate_key(addition.name, known.name)
                return
            added = (addition,) if addition.children else ()
            members[key] = Entry(addition.name, View(addition.value, added, addition.owner, fold))
        elif known:
            below = known.view
            members[key] = Entry(known.name, View(below.value, (*below.additions, addition), below.owner, fold))
        else:
            self.reporter.error(
                "bad-assignment",
                f"there is no member `{addition.name.text}` to add to",
                addition.name.span,
                help=self._suggest_member(addition.name.text, view, members)
                or f"give it an object first, as in `{addition.name.text}: {{ }}`",
            )

    def duplicate_key(self, again: ast.Name, first: ast.Name) -> None:
        label, advice = Label(first.span, "first given here"), "remove one of them"
        self.reporter.error("duplicate-key", f"`{again.text}` is given twice", again.span, label, help=advice)

    def suggest(self, name: str, *kinds: ElementKind, more: tuple[str, ...] = ()) -> str | None:
        """Help with `name`, which is none of the elements of these kinds (of all, if none is given) nor of `more`."""
        key = (len(self.elements), more, *kinds)
        if key not in self._spellers:
            names = self.names(*kinds) if kinds else self.elements
            self._spellers[key] = Speller([*names, *more])
        return self._spellers[key].suggestion(name)

    def _suggest_member(self, name: str, view: View, members: dict[str, Entry]) -> str | None:
        if view.key not in self._spellers:
            self._spellers[view.key] = Speller(member.name.text for member in members.values())
        return self._spellers[view.key].suggestion(name)

    def names(self, *kinds: ElementKind) -> Iterable[str]:
        """Those of the elements of these kinds, in source order."""
        return (name for name, element in self.elements.items() if element.kind in kinds)


def _hyphens(name: str) -> list[int]:
    return [at for at, character in enumerate(name) if character == "-"]


def _is_word(path: ast.Path, words: frozenset[str]) -> bool:
    return bool(words) and len(path.parts) == 1 and path.parts[0].text.lower() in words


def _at(value: Value, span: Span, origin: Span, literal: bool) -> Value:
    return Value(
        value.sort, span, origin, value.number, value.last, value.text, value.field, value.element, literal=literal
    )


def _bad(span: Span) -> Value:
    return Value(Sort.BAD, span, span)
