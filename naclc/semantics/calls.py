"""What follows from who calls whom: cycles, depth, contexts, and the hooks from which a function is reached.

Reports   call-cycle, too-deep, wrong-subtype, field-not-available, nat-port-icmp; accept-continues.
Every walk visits a (function, context or hook) once: thirty functions that call each other twice stay linear.
"""

from __future__ import annotations

from collections.abc import Iterable

from naclc.diagnostics import Label
from naclc.semantics.arguments import refuse_port_in_icmp
from naclc.semantics.bodies import CallSite, FunctionInfo, an, may_run
from naclc.semantics.model import Attachment, Hook, Protocol
from naclc.semantics.reporter import Reporter

MAX_CALL_DEPTH = 1000
_BREAK_CYCLE = "remove one of the calls: a packet would never get out"

# The iface fields that a hook knows.
KNOWN_IFACES = {
    Hook.PREROUTING: frozenset({"iface.in"}),
    Hook.INPUT: frozenset({"iface.in"}),
    Hook.FORWARD: frozenset({"iface.in"}),
    Hook.OUTPUT: frozenset[str](),
    Hook.POSTROUTING: frozenset({"iface.out"}),
}


def _iface_advice(hook: Hook) -> str:
    known = "".join(f"`{name}`" for name in sorted(KNOWN_IFACES[hook])) or "neither of the two"
    return f"{hook} knows {known}"


class Calls:
    """The call graph of a program; `order` has callees before callers, functions on cycles included."""

    def __init__(self, functions: Iterable[FunctionInfo], reporter: Reporter) -> None:
        self._functions = {info.element.name: info for info in functions if info.element.name}
        self._reporter = reporter
        self.order: list[str] = []
        self._sort()
        self._accepting = self._find_accepting()

    def _sort(self) -> None:
        """Depth first; a call that leads back to a function on the way there closes a cycle."""
        done: set[str] = set()
        for root in self._functions:
            if root in done:
                continue
            path = [root]
            pending = [iter(self._functions[root].calls)]
            on_path = {root}
            while path:
                site = next(pending[-1], None)
                if site is None:
                    name = path.pop()
                    pending.pop()
                    on_path.discard(name)
                    done.add(name)
                    self.order.append(name)
                elif site.target.name in on_path:
                    self._report_cycle([*path[path.index(site.target.name) :], site.target.name], site)
                elif site.target.name not in done and site.target.name in self._functions:
                    path.append(site.target.name)
                    on_path.add(site.target.name)
                    pending.append(iter(self._functions[site.target.name].calls))

    def _report_cycle(self, names: list[str], site: CallSite) -> None:
        self._reporter.error("call-cycle", f"these calls never end: {' -> '.join(names)}", site.span, help=_BREAK_CYCLE)

    def check_depth(self) -> None:
        depths: dict[str, int] = {}
        for name in self.order:
            depth = 0
            for site in self._functions[name].calls:
                below = 1 + depths.get(site.target.name, 0)
                if below == MAX_CALL_DEPTH + 1:
                    message = f"calls are nested more than {MAX_CALL_DEPTH} deep"
                    self._reporter.error("too-deep", message, site.span, help="merge some of the functions")
                depth = max(depth, below)
            depths[name] = depth

    def check_contexts(self) -> None:
        """Follows calls of ::IP functions from contexts of another protocol, which they keep."""
        pending: list[tuple[FunctionInfo, Protocol, CallSite]] = []
        for info in self._functions.values():
            for site in info.calls:
                protocol = site.context.protocol
                if protocol not in (None, Protocol.IP) and site.target.protocol is Protocol.IP:
                    pending.append((self._functions[site.target.name], protocol, site))
        seen: set[tuple[str, Protocol]] = set()
        pending.reverse()
        while pending:
            info, protocol, site = pending.pop()
            if (info.element.name, protocol) not in seen:
                seen.add((info.element.name, protocol))
                pending += self._check_context(info, protocol, site)

    def _check_context(
        self, info: FunctionInfo, protocol: Protocol, site: CallSite
    ) -> list[tuple[FunctionInfo, Protocol, CallSite]]:
        """Checks `info` as called in a context of `protocol`; answers the calls that keep it."""
        name = info.element.name
        label = Label(site.span, f"`{name}` is called in {an(protocol)} context here")
        kind = info.element.function_kind
        for child, span in info.open_blocks:
            if not may_run(child, protocol):
                message = f"a {kind}::{child} cannot stand in {an(protocol)} context, from which `{name}` is called"
                advice = f"no packet is both: call `{name}` outside the {kind}::{protocol}"
                self._reporter.error("wrong-subtype", message, span, label, help=advice)
        if protocol is Protocol.ICMP:
            for action, span in info.open_ports:
                refuse_port_in_icmp(self._reporter, action, span, label)
        below = []
        for call in info.calls:
            target = call.target
            if not call.context.open or target.protocol is None:
                continue
            if not may_run(target.protocol, protocol):
                message = (
                    f"`{target.name}` is a {kind}::{target.protocol} and cannot be called in {an(protocol)} context, "
                    f"from which `{name}` is called"
                )
                advice = f"no packet is both: call `{name}` outside the {kind}::{protocol}"
                self._reporter.error("wrong-subtype", message, call.span, label, help=advice)
            elif target.protocol is Protocol.IP:
                below.append((self._functions[target.name], protocol, call))
        return below

    def check_hooks(self, attachments: Iterable[tuple[Hook, Attachment]]) -> None:
        """Follows each attachment through the calls and checks the iface fields that are used on the way."""
        seen: set[tuple[str, Hook]] = set()
        for hook, attachment in attachments:
            label = Label(attachment.span, f"attached to {hook} here")
            pending: list[tuple[str, tuple[Label, ...]]] = [(attachment.function, (label,))]
            while pending:
                name, labels = pending.pop()
                info = self._functions.get(name)
                if info is None or (name, hook) in seen:
                    continue
                seen.add((name, hook))
                self._check_iface_uses(info, hook, labels)
                for site in reversed(info.calls):
                    call = Label(site.span, f"`{site.target.name}` is called here")
                    pending.append((site.target.name, (label, call)))

    def _check_iface_uses(self, info: FunctionInfo, hook: Hook, labels: tuple[Label, ...]) -> None:
        for field, span in info.iface_uses:
            if field.name not in KNOWN_IFACES[hook]:
                message = f"`{field.name}` is not known in {hook}"
                self._reporter.error("field-not-available", message, span, *labels, help=_iface_advice(hook))

    def check_chain(self, hook: Hook, chain: tuple[Attachment, ...]) -> None:
        """Warns when more than one Filter of a chain can accept."""
        accepting = [attachment for attachment in chain if attachment.function in self._accepting]
        names = dict.fromkeys(attachment.function for attachment in accepting)
        if len(names) < 2:
            return
        first, second = accepting[0], next(a for a in accepting if a.function != accepting[0].function)
        self._reporter.warning(
            "accept-continues",
            f"`accept` in `{first.function}` does not end the {hook} chain, `{second.function}` still decides",
            first.span,
            Label(second.span, "comes after it"),
            help="call one from the other and attach that one alone, if the first `accept` shall count",
        )

    def _find_accepting(self) -> set[str]:
        """The functions in which an accept stands, or that call one."""
        accepting: set[str] = set()
        for name in self.order:
            info = self._functions[name]
            if info.accepts or any(site.target.name in accepting for site in info.calls):
                accepting.add(name)
        return accepting
