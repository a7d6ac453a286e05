"""Changes of policies that keep most of them legal: tokens for tokens of their kind, statements moved and repeated.

Coverage alone spends its time in the lexer; this is what reaches the type rules, the graphs and the proofs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from naclc.net import constants
from naclc.net.fields import FIELDS
from naclc.syntax import tables
from tests.fuzz.seeds import seeds

TOKEN = re.compile(
    r"(?P<blank>(?:\s|#[^\r\n]*|//[^\r\n]*|/\*.*?\*/)+)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<address>\d+(?:\.\d+){3}(?:/\d+)?)"
    r"|(?P<number>\d[\w]*)"
    r"|(?P<field>(?:ip|tcp|udp|icmp|ct|iface)\.[\w-]+)"
    r"|(?P<word>[A-Za-z_][\w-]*)"
    r"|(?P<compare>==|!=|<=|>=|<|>)"
    r"|(?P<join>&&|\|\|)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
NUMBERS = ("0", "1", "2", "21", "22", "80", "255", "256", "1023", "65535", "65536", "4294967295", "0x1f", "1..9")
ADDRESSES = (
    "0.0.0.0",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.1",
    "127.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "10.0.0.1/32",
)
MOST_TOKENS = 3000
Piece = tuple[str, str]  # kind, text


def pieces(text: str) -> list[Piece]:
    return [(match.lastgroup or "mark", match[0]) for match in TOKEN.finditer(text)][:MOST_TOKENS]


@cache
def policies() -> tuple[str, ...]:
    return tuple(data.decode("utf-8", "replace") for data in seeds("policy"))


@cache
def dictionary() -> dict[str, tuple[str, ...]]:
    """Texts by kind: the fields, constants and words of the language, and what the seeds have beside them."""
    found: dict[str, set[str]] = defaultdict(set)
    for text in policies():
        for kind, piece in pieces(text):
            found[kind].add(piece)
    found["field"] |= set(FIELDS)
    found["word"] |= set(tables.load().words) | set(constants.CONSTANTS)
    found["number"] |= set(NUMBERS)
    found["address"] |= set(ADDRESSES)
    found["compare"] |= {"in", "not in"}
    found["mark"] |= set("{}[]():,.!-")
    return {kind: tuple(sorted(texts)) for kind, texts in found.items()}


def words(target: str) -> list[str]:
    """The words of the inputs of `target`, for a fuzzer that knows none: those of its seeds, those of the language."""
    if target not in ("parser", "policy"):
        return sorted(
            {word for data in seeds(target) for word in re.findall(r"[A-Za-z_][\w-]+", data.decode("latin-1"))}
        )
    known = dictionary()
    return sorted({text for kind in ("field", "word", "compare", "join") for text in known[kind] if text.isprintable()})


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """`data`, a policy, with one to three changes; at most `most` octets. The same for the same arguments."""
    random = Random(seed)
    text = data.decode("utf-8", "replace") or random.choice(policies())
    here = pieces(text)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if here:
            random.choice(CHANGES)(here, random)
    return "".join(piece for _, piece in here).encode("utf-8", "replace")[:most]


def replace_by_kind(here: list[Piece], random: Random) -> None:
    at = random.randrange(len(here))
    kind = here[at][0]
    if kind == "blank":
        return
    same = [piece for piece in here if piece[0] == kind]
    here[at] = random.choice(same) if random.random() < 0.7 else (kind, random.choice(dictionary()[kind]))


def drop(here: list[Piece], random: Random) -> None:
    del here[random.randrange(len(here))]


def put_word(here: list[Piece], random: Random) -> None:
    kind = random.choice([kind for kind in dictionary() if kind != "blank"])
    at = random.randrange(len(here))
    here[at:at] = [("blank", " "), (kind, random.choice(dictionary()[kind])), ("blank", " ")]


def move_stretch(here: list[Piece], random: Random) -> None:
    """A balanced stretch is repeated, moved or cut out."""
    start, end = balanced(here, random)
    stretch = here[start:end]
    if random.random() < 0.6:
        del here[start:end]
    if random.random() < 0.8:
        at = random.randint(0, len(here))
        here[at:at] = stretch


def take_from_another(here: list[Piece], random: Random) -> None:
    there = pieces(random.choice(policies()))
    start, end = balanced(there, random)
    to, until = balanced(here, random) if random.random() < 0.5 else (random.randint(0, len(here)),) * 2
    here[to:until] = there[start:end]


def balanced(here: Sequence[Piece], random: Random) -> tuple[int, int]:
    """A stretch that begins anywhere and ends with the bracket that it opens, or with the line."""
    start = random.randrange(len(here))
    depth = 0
    for at in range(start, len(here)):
        piece = here[at][1]
        if piece in "{[(":
            depth += 1
        elif piece in "}])":
            depth -= 1
            if depth <= 0:
                return start, at + (depth == 0)
        elif depth == 0 and here[at][0] == "blank" and "\n" in piece and at > start:
            return start, at
    return start, len(here)


CHANGES: tuple[Callable[[list[Piece], Random], None], ...] = (
    replace_by_kind,
    replace_by_kind,
    replace_by_kind,
    drop,
    put_word,
    move_stretch,
    take_from_another,
)


def flip(data: bytes, most: int, seed: int) -> bytes:
    """`data` with some octets changed, cut out, put in or repeated: what is left without coverage."""
    random = Random(seed)
    octets = bytearray(data or b"\0")
    for _ in range(random.randint(1, 8)):
        at = random.randint(0, len(octets))
        stretch = octets[at : at + random.randint(1, 16)]
        match random.randrange(4):
            case 0:
                octets[at : at + 1] = random.randbytes(1)
            case 1:
                octets[at:at] = random.randbytes(random.randint(1, 8))
            case 2:
                octets[at:at] = stretch * random.randint(1, 3)
            case 3:
                del octets[at : at + len(stretch)]
    return bytes(octets[:most])
