"""The scalars of a tests file: addresses, numbers, names, flags, octets."""

from __future__ import annotations

import re
from collections.abc import Mapping as ReadOnly
from difflib import get_close_matches

from naclc.diagnostics import Diagnostic, error
from naclc.net import constants
from naclc.source import Span
from naclc.verify.cases import Cidr
from naclc.verify.packetspec import Key, Shape, Value
from naclc.verify.yamltree import Mapping, Node, Scalar, Sequence, shortened

_ALL_ONES = 0xFFFFFFFF


class Values:
    """Reads values and keeps what is wrong with them; a value that is wrong reads as None."""

    def __init__(self, findings: list[Diagnostic]) -> None:
        self._findings = findings

    def refuse(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        self._findings.append(error(code, message, span, help=help))

    def value(self, key: Key, node: Node) -> Value | None:
        """What `node` holds, as `key` asks."""
        if key.shape is Shape.FLAGS:
            return self.flags(node)
        if not isinstance(node, Scalar):
            self._impossible(node, key.shape.value)
            return None
        match key.shape:
            case Shape.ADDRESS:
                return self.address(node)
            case Shape.BOOL:
                return self.boolean(node)
            case Shape.HEX:
                return self.octets(node, key.largest)
            case Shape.PORT:
                return self._named(node, key, constants.PORTS)
            case Shape.PROTOCOL:
                return self._named(node, key, constants.PROTOCOLS)
            case Shape.ICMP_TYPE:
                return self._named(node, key, constants.ICMP_TYPES)
            case _:
                return self.number(node, 0, key.largest)

    def text(self, node: Node) -> str | None:
        if isinstance(node, Scalar):
            return node.text
        self._impossible(node, "text")
        return None

    def boolean(self, node: Node) -> bool | None:
        if isinstance(node, Scalar) and not node.quoted and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        self._impossible(node, "true or false")
        return None

    def number(self, node: Node, least: int, largest: int) -> int | None:
        value = _integer(node.text) if isinstance(node, Scalar) and not node.quoted else None
        if value is None or not least <= value <= largest:
            self._impossible(node, f"a number from {least} to {largest}")
            return None
        return value

    def address(self, node: Node) -> int | None:
        value = _address(node.text) if isinstance(node, Scalar) else None
        if value is None:
            self._impossible(node, "an IPv4 address")
        return value

    def netmask(self, node: Node) -> int | None:
        value = _address(node.text) if isinstance(node, Scalar) else None
        if not value or (value | value - 1) != _ALL_ONES:
            self._impossible(node, "a netmask: ones, then zeros")
            return None
        return value

    def cidr(self, node: Node) -> Cidr | None:
        """An address, or an address and a prefix length; host bits do not matter."""
        if isinstance(node, Scalar):
            text, _, length = node.text.partition("/")
            address, bits = _address(text), _integer(length) if length else 32
            if address is not None and bits is not None and bits <= 32:
                return Cidr(address, (1 << 32) - (1 << (32 - bits)))
        self._impossible(node, "an IPv4 address or a CIDR")
        return None

    def octets(self, node: Node, most: int) -> bytes | None:
        text = re.sub(r"[\s:]", "", node.text) if isinstance(node, Scalar) else "?"
        if not re.fullmatch(r"([0-9a-fA-F]{2})*", text):
            self._impossible(node, "octets in hexadecimal")
            return None
        if len(text) > 2 * most:
            self._impossible(node, f"at most {most} octets in hexadecimal")
            return None
        return bytes.fromhex(text)

    def flags(self, node: Node) -> int | None:
        if not isinstance(node, Sequence):
            self._impossible(node, "a list of TCP flags")
            return None
        flags = 0
        for item in node.items:
            name = item.text.lower() if isinstance(item, Scalar) else ""
            if name not in constants.FLAGS:
                self._impossible(item, f"a TCP flag ({', '.join(constants.FLAGS)})")
                return None
            flags |= constants.FLAGS[name]
        return flags

    def _named(self, node: Scalar, key: Key, names: ReadOnly[str, int]) -> int | None:
        if _integer(node.text) is not None and not node.quoted:
            return self.number(node, 0, key.largest)
        value = names.get(node.text.lower())
        if value is None:
            near = nearest(node.text.lower(), names)
            self.refuse("tests-value", f"`{shortened(node.text)}` is not {key.shape.value}", node.span, near)
        return value

    def _impossible(self, node: Node, wanted: str) -> None:
        what = f"`{shortened(node.text)}`" if isinstance(node, Scalar) else f"a {kind_of(node)}"
        self.refuse("tests-value", f"{what} is not {wanted}", node.span)


def is_host(address: int, netmask: int) -> bool:
    """Whether a machine may have `address` in a subnet of `netmask`."""
    inverse = netmask ^ _ALL_ONES
    special = address == 0 or address >> 28 >= 14 or address >> 24 == 127
    return not special and (inverse <= 1 or address & inverse not in (0, inverse))


def kind_of(node: Node) -> str:
    if isinstance(node, Mapping):
        return "mapping"
    return "list" if isinstance(node, Sequence) else "value"


def nearest(word: str, words: ReadOnly[str, object]) -> str | None:
    """A help text that names the spelling nearest to `word`, when one is near."""
    close = get_close_matches(word, list(words), 1, 0.6)
    return f"did you mean `{close[0]}`?" if close else None


def _integer(text: str) -> int | None:
    if re.fullmatch(r"0|[1-9][0-9]{0,17}", text):
        return int(text)
    return int(text, 16) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text) else None


def _address(text: str) -> int | None:
    parts = text.split(".")
    if len(parts) != 4 or not all(re.fullmatch(r"0|[1-9][0-9]{0,2}", part) and int(part) < 256 for part in parts):
        return None
    a, b, c, d = (int(part) for part in parts)
    return a << 24 | b << 16 | c << 8 | d
