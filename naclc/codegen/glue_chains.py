"""Chains in the second half of the file: functions of the policy, the steps added after them, guards, the router."""

from __future__ import annotations

from naclc.codegen.glue_ifaces import cpp_address
from naclc.codegen.unit import Unit
from naclc.net.fields import PROTOCOL_NUMBERS
from naclc.pipeline.pipeline import Iface, Pipeline, Route, Router, Translation
from naclc.semantics.model import Function, Hook, Kind

_IFACE_HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)
_STEPS = {
    Translation.DEMASQUERADE: "demasquerade",
    Translation.MASQUERADE: "masquerade",
    Translation.UN_SNAT: "undo_snat",
    Translation.UN_DNAT: "undo_dnat",
}


class Functions:
    """The functions of a unit by number, as filters to push into a chain."""

    def __init__(self, unit: Unit, pipeline: Pipeline, identifiers: tuple[str, ...], *, rewrites: bool) -> None:
        self._functions = [pipeline.functions[plan.name] for plan in unit.functions]
        self._identifiers = identifiers
        self._rewrites = rewrites

    def push(self, chain: str, number: int, hook: Hook, iface: Iface | None) -> list[str]:
        """push_back of a filter that knows its hook and its Iface."""
        known = str(iface.number) if iface else ""
        stack, known_in, known_out = {
            Hook.PREROUTING: ("", known, "kNoIface"),
            Hook.INPUT: ("", known, "kNoIface"),
            Hook.OUTPUT: ("", "kNoIface", "kNoIface"),
            Hook.POSTROUTING: ("", "kNoIface", known),
            Hook.FORWARD: (" from", "number_of(from)", "kNoIface"),
        }[hook]
        name = f"  // {iface.name}" if iface else ""
        return [
            f"{chain}.chain.push_back([](Packet_ptr packet, Inet&{stack}, Entry_ptr entry) {{{name}",
            f"  return {self._runner(number, hook)}(std::move(packet), entry, {known_in}, {known_out});",
            "});",
        ]

    def _runner(self, number: int, hook: Hook) -> str:
        function, arguments = self._functions[number], [self._identifiers[number]]
        if function.kind is Kind.NAT:
            arguments += self._of_nat(function, hook)
        if hook is Hook.INPUT:
            arguments.append("true")
        runner = "translate" if function.kind is Kind.NAT else "filter"
        return f"{runner}<{', '.join(arguments)}>"

    def _of_nat(self, function: Function, hook: Hook) -> list[str]:
        """Its protocol, and which of dnat and snat acts at the hook (docs/language.md 8.5)."""
        acting = "kDnat" if hook in (Hook.PREROUTING, Hook.OUTPUT) else "kSnat"
        return [str(PROTOCOL_NUMBERS.get(function.protocol, 0)), *([acting] if self._rewrites else [])]


def attach_chains(unit: Unit, ifaces: tuple[Iface, ...], functions: Functions) -> list[str]:
    """The first guards of all Ifaces, then the user's functions."""
    lines: list[str] = []
    for iface in ifaces:
        lines.append(f"guard_before(*ifaces[{iface.number}]);  // {iface.name}")
        for hook in _IFACE_HOOKS:
            for number in unit.chains.get((hook, iface.number), ()):
                lines += functions.push(_chain(iface, hook), number, hook, iface)
    return lines


def translate_addresses(ifaces: tuple[Iface, ...]) -> list[str]:
    """The steps of docs/language.md 8.5, in the order of its table; none where nothing is translated."""
    steps = [
        f"{_chain(iface, hook)}.chain.push_back({_step(translation, hook, ifaces)});  // {iface.name}"
        for iface in ifaces
        for hook, translations in iface.translations.items()
        for translation in translations
    ]
    return ["translator = std::make_unique<net::nat::NAPT>(connections);", *steps] if steps else []


def _step(translation: Translation, hook: Hook, ifaces: tuple[Iface, ...]) -> str:
    name = _STEPS[translation]
    if translation is Translation.UN_DNAT and undoes_at_input(ifaces):
        return f"{name}<{'true' if hook is Hook.INPUT else 'false'}>"
    return name


def undoes_at_input(ifaces: tuple[Iface, ...]) -> bool:
    return any(Translation.UN_DNAT in iface.translations.get(Hook.INPUT, ()) for iface in ifaces)


def guard_chains(ifaces: tuple[Iface, ...]) -> list[str]:
    """The last guards: after all that may change where a packet goes."""
    return [f"guard_after(*ifaces[{iface.number}]);  // {iface.name}" for iface in ifaces]


def _chain(iface: Iface, hook: Hook) -> str:
    return f"ifaces[{iface.number}]->ip_obj().{hook.value}_chain()"


def start_router(router: Router, unit: Unit, ifaces: tuple[Iface, ...], functions: Functions) -> list[str]:
    lines = [
        "// Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.",
        "router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{",
        *(f"    {_route_entry(route)},  // {ifaces[route.iface].name}" for route in router.routes),
        "});",
        f"router->send_time_exceeded = {'true' if router.send_time_exceeded else 'false'};",
    ]
    for number in unit.chains.get((Hook.FORWARD, None), ()):
        lines += functions.push("router->forward_chain", number, Hook.FORWARD, None)
    lines.append("router->forward_chain.chain.push_back(check_ttl);")
    forwarding = [iface for iface in ifaces if iface.forwards]
    lines += [f"ifaces[{iface.number}]->set_forward_delg(router->forward_delg());" for iface in forwarding]
    return lines


def _route_entry(route: Route) -> str:
    addresses = ", ".join(cpp_address(value) for value in (route.net, route.netmask, route.nexthop))
    return f"{{{addresses}, *ifaces[{route.iface}], {route.cost}}}"
