"""An nftables table in the making: chains, their rules, and the text of it all.

INVARIANT named    every chain that a rule leads to is there.
INVARIANT shallow  no way from a base chain leads through more than MAX_DEPTH chains; see `deepest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_DEPTH = 15  # jumps and gotos on a way; the kernel's jump stack has 16 places
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_LONGEST_NAME = 100  # octets of a user's name in a chain's name; the kernel takes 255 of all
_COMMENT = 110


@dataclass(frozen=True, slots=True)
class Go:
    """Where a rule sends a packet: a verdict of nftables as it is, or a chain."""

    text: str
    chain: Chain | None = None


@dataclass(slots=True, eq=False)
class Chain:
    """`base` is the type, hook and priority line of a base chain, None for a chain that rules lead to."""

    name: str
    base: str | None = None
    lines: list[str] = field(default_factory=list)
    leads_to: list[Chain] = field(default_factory=list)

    def rule(self, matches: Iterable[str], go: Go) -> None:
        self.lines.append(" ".join((*matches, go.text)))
        if go.chain is not None:
            self.leads_to.append(go.chain)

    def comment(self, text: str) -> None:
        self.lines.append(f"# {plain(text)[:_COMMENT]}".rstrip())


ACCEPT, DROP, RETURN = Go("accept"), Go("drop"), Go("return")


def goto(chain: Chain) -> Go:
    return Go(f"goto {chain.name}", chain)


def jump(chain: Chain) -> Go:
    return Go(f"jump {chain.name}", chain)


def plain(text: str) -> str:
    """`text` with a `?` for all but printable ASCII."""
    return _PRINTABLE.sub("?", text)


class Ruleset:
    """The chains of one table, in the order in which they were made."""

    def __init__(self) -> None:
        self.chains: dict[str, Chain] = {}

    def chain(self, name: str, base: str | None = None) -> Chain:
        """A new chain called `name`, or nearly so when there is one."""
        number, unique = 1, name[:_LONGEST_NAME]
        while unique in self.chains:
            number += 1
            unique = f"{name[:_LONGEST_NAME]}.{number}"
        made = self.chains[unique] = Chain(unique, base)
        return made

    def deepest(self) -> dict[str, int]:
        """For each chain the jumps and gotos on the longest way from it."""
        depths: dict[str, int] = {}
        for root in self.chains.values():
            pending = [root]
            while pending:
                chain = pending[-1]
                missing = [after for after in chain.leads_to if after.name not in depths]
                if missing:
                    pending += missing
                    continue
                pending.pop()
                depths[chain.name] = max((1 + depths[after.name] for after in chain.leads_to), default=0)
        return depths

    def text(self, table: str) -> str:
        """The table as nft reads it; base chains first."""
        ordered = sorted(self.chains.values(), key=lambda chain: chain.base is None)
        lines = [f"table ip {table} {{"]
        for chain in ordered:
            lines.append(f"  chain {chain.name} {{")
            lines += [f"    {chain.base}"] if chain.base else []
            lines += [f"    {line}" for line in chain.lines]
            lines += ["  }", ""]
        return "".join(f"{line}\n" for line in [*lines[:-1], "}"])
