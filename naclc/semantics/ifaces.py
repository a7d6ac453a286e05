"""Reads and checks Ifaces (docs/language.md 5.1).

Reports   unknown-key, missing-key, type-mismatch, unknown-word, bad-mac, nic-missing, iface-incomplete, bad-address,
          bad-netmask, value-out-of-range, duplicate-iface, duplicate-address; address-not-host, gateway-outside,
          subnet-overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.diagnostics import Label
from naclc.net.addresses import format_address, in_subnet, is_network_or_broadcast, normalize_mac, subnet_bounds
from naclc.semantics.chains import read_chain
from naclc.semantics.keys import Keys
from naclc.semantics.model import Attachment, Hook, Iface
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import CONFIG_WORDS, Scope
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Element, Sort
from naclc.source import Span
from naclc.syntax import ast

HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)
UNSUPPORTED_KEYS = ("vlan", "dhcp_timeout", "masquerade", "send_queue_limit", "buffer_limit")
KEYS = ("index", "config", "address", "netmask", "gateway", "dns", *HOOKS, *UNSUPPORTED_KEYS)


@dataclass(frozen=True, slots=True)
class ReadIface:
    """An Iface and where its parts are written. `nic` None: wrong or missing. `sole_index`: has no other key."""

    element: Element
    nic: int | str | None
    nic_span: Span
    plain: bool
    address: int | None
    netmask: int | None
    gateway: int | None
    dns: int | None
    address_span: Span
    chains: dict[Hook, tuple[Attachment, ...]]
    sole_index: bool

    def to_model(self, number: int) -> Iface:
        """Only for an Iface without errors."""
        return Iface(
            self.element.name,
            number,
            self.nic if self.nic is not None else 0,
            self.address,
            self.netmask,
            self.gateway or None,
            self.dns or None,
            self.chains,
            self.element.span,
        )


def read_iface(scope: Scope, element: Element, nics: int | None) -> ReadIface | None:
    """None when the Iface's value is no object and no config word."""
    keys = _open_iface(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(KEYS)
    for key in UNSUPPORTED_KEYS:
        if key in keys.entries:
            scope.reporter.not_supported(f"the Iface key `{key}`", keys.key_span(key))
    static = _check_config(keys)
    _check_complete(keys, static)
    iface = ReadIface(
        element=element,
        nic=_read_nic(keys, nics),
        nic_span=keys.value_span("index") if "index" in keys.entries else element.span,
        plain="vlan" not in keys.entries,
        address=keys.host_address("address"),
        netmask=keys.netmask("netmask", 1),
        gateway=keys.host_address("gateway", none_allowed=True),
        dns=keys.host_address("dns", none_allowed=True),
        address_span=keys.value_span("address") if "address" in keys.entries else element.span,
        chains={hook: read_chain(scope, hook, keys.entries[hook]) for hook in HOOKS if hook in keys.entries},
        sole_index=set(keys.entries) == {"index"},
    )
    _check_subnet(keys, iface)
    return iface


def _open_iface(scope: Scope, element: Element) -> Keys | None:
    root = scope.root(element)
    value = scope.ground(root, refuse=lambda path: _refuse_word(scope.reporter, path))
    if value.sort is Sort.OBJECT and value.view:
        return Keys(scope, f"Iface `{element.name}`", element.span, scope.members(value.view))
    if value.sort is not Sort.BAD:
        message = f"an Iface is an object or a config word, not {value.what}"
        scope.reporter.error("type-mismatch", message, root.value.span)
    return None


def _refuse_word(reporter: Reporter, path: ast.Path) -> None:
    advice = suggestion(path.text, sorted(CONFIG_WORDS))
    reporter.error("unknown-word", f"there is no config `{path.text}`", path.span, help=advice)


def _check_config(keys: Keys) -> bool:
    """Whether the Iface is static, as far as can be told."""
    entry = keys.entries.get("config")
    if entry is None:
        return True
    value = keys.scope.ground(entry.view, CONFIG_WORDS, lambda path: _refuse_word(keys.reporter, path))
    if value.sort is Sort.BAD:
        return False
    if value.sort is not Sort.WORD or value.text not in CONFIG_WORDS:
        keys.mismatch("config", "`static`, `dhcp` or `dhcp-with-fallback`", value)
        return False
    if value.text != "static":
        keys.reporter.not_supported(f"the Iface config `{value.text}`", value.span)
    return value.text == "static"


def _check_complete(keys: Keys, static: bool) -> None:
    """Address and netmask belong together, and nothing else of a static configuration makes sense without them."""
    if not static:
        return
    if "address" in keys.entries:
        if "netmask" not in keys.entries and not keys.holds_cidr("address"):
            keys.reporter.error(
                "iface-incomplete",
                f"{keys.title} has an address but no netmask",
                keys.key_span("address"),
                help="give it a netmask, as in `netmask: 255.255.255.0`",
            )
        return
    for key in ("netmask", "gateway", "dns", "config"):
        if key in keys.entries:
            keys.reporter.error(
                "iface-incomplete",
                f"{keys.title} has `{key}` but no address",
                keys.key_span(key),
                help=f"give it an address and a netmask, or remove `{key}`",
            )
            return


def _read_nic(keys: Keys, nics: int | None) -> int | str | None:
    if not keys.require("index"):
        return None
    value = keys.value("index")
    if value is None:
        return None
    if value.sort is Sort.STRING:
        mac = normalize_mac(value.text)
        if mac is None:
            advice = "six pairs of hexadecimal digits, as in 02:00:5e:00:53:01"
            keys.reporter.error("bad-mac", f"`{value.text}` is no MAC address", value.span, help=advice)
        return mac
    if value.sort is not Sort.INT:
        keys.mismatch("index", "a number or a MAC address in quotes", value)
        return None
    number = keys.integer("index")
    if number is not None and nics is not None and number >= nics:
        there = f"NICs 0 to {nics - 1}" if nics else "no NIC"
        keys.reporter.error("nic-missing", f"there is no NIC {number}: the machine has {there}", value.span)
    return number


def _check_subnet(keys: Keys, iface: ReadIface) -> None:
    address, mask, gateway = iface.address, iface.netmask, iface.gateway
    if address is None or mask is None:
        return
    if is_network_or_broadcast(address, mask):
        first, last = subnet_bounds(address, mask)
        which = "network" if address == first else "broadcast"
        keys.reporter.warning(
            "address-not-host",
            f"{format_address(address)} is the {which} address of its subnet",
            keys.value_span("address"),
            help=f"hosts there are {format_address(first + 1)} to {format_address(last - 1)}",
        )
    if gateway and gateway == address:
        keys.reporter.warning("gateway-outside", "the gateway is the Iface's own address", keys.value_span("gateway"))
    elif gateway and not in_subnet(gateway, address, mask):
        keys.reporter.warning(
            "gateway-outside",
            f"the gateway {format_address(gateway)} is outside the Iface's subnet",
            keys.value_span("gateway"),
            Label(keys.value_span("address"), "the Iface's address"),
        )


def check_together(reporter: Reporter, ifaces: list[ReadIface]) -> None:
    """What no Iface may do beside another one: same NIC, same address, overlapping subnets."""
    nics: dict[int | str, ReadIface] = {}
    addresses: dict[int, ReadIface] = {}
    for iface in ifaces:
        if iface.nic is not None and iface.plain:
            other = nics.setdefault(iface.nic, iface)
            if other is not iface:
                message = f"Ifaces `{other.element.name}` and `{iface.element.name}` are on the same NIC"
                label = Label(other.nic_span, "first given here")
                reporter.error("duplicate-iface", message, iface.nic_span, label)
        if iface.address is not None:
            other = addresses.setdefault(iface.address, iface)
            if other is not iface:
                message = f"Ifaces `{other.element.name}` and `{iface.element.name}` have the same address"
                label = Label(other.address_span, "first given here")
                reporter.error("duplicate-address", message, iface.address_span, label)
    _check_overlaps(reporter, [iface for iface in ifaces if addresses.get(iface.address or 0) is iface])


def _check_overlaps(reporter: Reporter, ifaces: list[ReadIface]) -> None:
    """Subnets nest or are apart: in the order of their first addresses, one that starts before the widest end so far
    overlaps the Iface that reached there."""
    order = {id(iface): index for index, iface in enumerate(ifaces)}
    bounded = [
        (*subnet_bounds(iface.address, iface.netmask), iface)
        for iface in ifaces
        if iface.address is not None and iface.netmask is not None
    ]
    bounded.sort(key=lambda item: (item[0], -item[1], order[id(item[2])]))
    widest: tuple[int, ReadIface] | None = None
    for first, last, iface in bounded:
        if widest and first <= widest[0]:
            earlier, later = sorted((widest[1], iface), key=lambda item: order[id(item)])
            reporter.warning(
                "subnet-overlap",
                f"the subnets of `{earlier.element.name}` and `{later.element.name}` overlap",
                later.address_span,
                Label(earlier.address_span, f"the address of `{earlier.element.name}`"),
            )
        if widest is None or last > widest[0]:
            widest = (last, iface)
