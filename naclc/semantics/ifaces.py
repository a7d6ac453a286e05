"""Reads and checks Ifaces (docs/language.md 5.1).

Reports   unknown-key, missing-key, type-mismatch, unknown-word, bad-mac, nic-missing, iface-incomplete, bad-address,
          bad-netmask, value-out-of-range, vlan-out-of-range, dhcp-with-static, limit-on-vlan, duplicate-iface,
          duplicate-address; address-not-host, gateway-outside, subnet-overlap, masquerade-no-address, no-effect.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.diagnostics import Label
from naclc.net.addresses import format_address, in_subnet, is_network_or_broadcast, normalize_mac, subnet_bounds
from naclc.semantics.chains import read_chain
from naclc.semantics.keys import Keys
from naclc.semantics.model import DEFAULT_DHCP_TIMEOUT, Attachment, Config, Hook, Iface
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import CONFIG_WORDS, Scope
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Element, Sort
from naclc.source import Span
from naclc.syntax import ast

HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)
STATIC_KEYS = ("address", "netmask", "gateway", "dns")
LIMITS = ("send_queue_limit", "buffer_limit")
KEYS = ("index", "vlan", "config", *STATIC_KEYS, "dhcp_timeout", "masquerade", *LIMITS, *HOOKS)


@dataclass(frozen=True, slots=True)
class ReadIface:
    """An Iface and where its parts are written. What is wrong or missing is None. `is_vlan`: has the key, however
    wrong. `tracks`: packets on it are looked up in the connection table even if no route names it."""

    element: Element
    nic: int | str | None
    nic_span: Span
    is_vlan: bool
    vlan: int | None
    config: Config | None
    address: int | None
    netmask: int | None
    gateway: int | None
    dns: int | None
    address_span: Span
    dhcp_timeout: int | None
    masquerade: bool
    send_queue_limit: int | None
    buffer_limit: int | None
    chains: dict[Hook, tuple[Attachment, ...]]
    keys: dict[str, Span]

    @property
    def sole_index(self) -> bool:
        return set(self.keys) == {"index"}

    @property
    def tracks(self) -> bool:
        return self.masquerade or bool(self.chains)

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
            vlan=self.vlan,
            config=self.config or Config.STATIC,
            dhcp_timeout=self.dhcp_timeout or DEFAULT_DHCP_TIMEOUT,
            masquerade=self.masquerade,
            send_queue_limit=self.send_queue_limit,
            buffer_limit=self.buffer_limit,
            keys=self.keys,
        )


def read_iface(scope: Scope, element: Element, nics: int | None) -> ReadIface | None:
    """None when the Iface's value is no object and no config word."""
    keys = _open_iface(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(KEYS)
    config = _read_config(keys)
    _check_complete(keys, config)
    iface = ReadIface(
        element=element,
        nic=_read_nic(keys, nics),
        nic_span=keys.value_span("index") if "index" in keys.entries else element.span,
        is_vlan="vlan" in keys.entries,
        vlan=keys.vlan("vlan"),
        config=config,
        address=keys.host_address("address"),
        netmask=keys.netmask("netmask", 1),
        gateway=keys.host_address("gateway", none_allowed=True),
        dns=keys.host_address("dns", none_allowed=True),
        address_span=keys.value_span("address") if "address" in keys.entries else element.span,
        dhcp_timeout=keys.integer("dhcp_timeout", 1),
        masquerade=_read_masquerade(keys, config),
        send_queue_limit=_read_limit(keys, "send_queue_limit"),
        buffer_limit=_read_limit(keys, "buffer_limit"),
        chains={hook: read_chain(scope, hook, keys.entries[hook]) for hook in HOOKS if hook in keys.entries},
        keys={key: entry.name.span for key, entry in keys.entries.items()},
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
        advice = f"as in `Iface {element.name} {{ index: 0 }}`"
        scope.reporter.error("type-mismatch", message, root.value.span, help=advice)
    return None


def _refuse_word(reporter: Reporter, path: ast.Path) -> None:
    advice = suggestion(path.text, CONFIG_WORDS)
    reporter.error("unknown-word", f"there is no config `{path.text}`", path.span, help=advice)


def _read_config(keys: Keys) -> Config | None:
    """None when it is written wrong: nothing that depends on it is checked then."""
    if "config" not in keys.entries:
        return Config.STATIC
    word = keys.word("config", "config", CONFIG_WORDS)
    return None if word is None else Config(word)


def _check_complete(keys: Keys, config: Config | None) -> None:
    """Which keys of a configuration need each other, or have no place beside the config."""
    match config:
        case Config.DHCP:
            for key in STATIC_KEYS:
                if key in keys.entries:
                    message = f"`{key}` comes from the DHCP server: {keys.title} cannot be given one"
                    advice = "remove it, or use `config: dhcp-with-fallback`"
                    label = Label(keys.value_span("config"), "asks for DHCP")
                    keys.reporter.error("dhcp-with-static", message, keys.key_span(key), label, help=advice)
        case Config.DHCP_WITH_FALLBACK:
            _require_address(keys, "dhcp-with-fallback")
        case Config.STATIC if "vlan" in keys.entries:
            _require_address(keys, "a VLAN Iface")
        case Config.STATIC:
            _check_static(keys)
    if config is Config.STATIC and "dhcp_timeout" in keys.entries:
        message = f"`dhcp_timeout` has no effect: {keys.title} does not use DHCP"
        advice = "remove it, or ask for an address with `config: dhcp`"
        keys.reporter.warning("no-effect", message, keys.key_span("dhcp_timeout"), help=advice)


def _require_address(keys: Keys, what: str) -> None:
    missing = [key for key in ("address", "netmask") if not keys.given(key)]
    if keys.holds_cidr("address"):
        return
    if missing:
        message = f"{keys.title} needs {' and '.join(f'`{key}`' for key in missing)}: {what} must have them"
        keys.reporter.error("iface-incomplete", message, keys.span, help="as in `netmask: 255.255.255.0`")


def _check_static(keys: Keys) -> None:
    """Address and netmask belong together, and nothing else of a static configuration makes sense without them."""
    if "address" in keys.entries:
        if not keys.given("netmask") and not keys.holds_cidr("address"):
            keys.reporter.error(
                "iface-incomplete",
                f"{keys.title} has an address but no netmask",
                keys.key_span("address"),
                help="give it a netmask, as in `netmask: 255.255.255.0`",
            )
        return
    if keys.given("address"):
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


def _read_limit(keys: Keys, key: str) -> int | None:
    if key in keys.entries and "vlan" in keys.entries:
        label = Label(keys.key_span("vlan"), "makes it a VLAN Iface")
        message = f"a VLAN Iface has no `{key}`: the queue is its NIC's"
        keys.reporter.error("limit-on-vlan", message, keys.key_span(key), label, help="give it to the Iface of the NIC")
    return keys.integer(key)


def _read_masquerade(keys: Keys, config: Config | None) -> bool:
    masquerade = bool(keys.boolean("masquerade"))
    if masquerade and config is Config.STATIC and not keys.given("address"):
        message = f"{keys.title} has no address that packets could be masqueraded with"
        advice = "give it `address` and `netmask`, or `config: dhcp`"
        keys.reporter.warning("masquerade-no-address", message, keys.key_span("masquerade"), help=advice)
    return masquerade


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
        there = "no NIC" if not nics else "NIC 0 alone" if nics == 1 else f"NICs 0 to {nics - 1}"
        message, advice = (
            f"there is no NIC {number}: the machine has {there}",
            f"say `--nics {number + 1}` if it has more",
        )
        keys.reporter.error("nic-missing", message, value.span, help=advice)
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
        message, advice = "the gateway is the Iface's own address", "write the address of the router in its subnet"
        keys.reporter.warning("gateway-outside", message, keys.value_span("gateway"), help=advice)
    elif gateway and not in_subnet(gateway, address, mask):
        keys.reporter.warning(
            "gateway-outside",
            f"the gateway {format_address(gateway)} is outside the Iface's subnet",
            keys.value_span("gateway"),
            Label(keys.value_span("address"), "the Iface's address"),
            help="write an address of its subnet, or correct the netmask",
        )


def check_together(reporter: Reporter, ifaces: list[ReadIface]) -> None:
    """What no Iface may do beside another one: same NIC or VLAN, same address, overlapping subnets."""
    places: dict[tuple[int | str, int | None], ReadIface] = {}
    for iface in ifaces:
        if iface.nic is None or (iface.is_vlan and iface.vlan is None):
            continue
        other = places.setdefault((iface.nic, iface.vlan), iface)
        if other is not iface:
            where = "on the same NIC" if iface.vlan is None else f"VLAN {iface.vlan} of the same NIC"
            message = f"Ifaces `{other.element.name}` and `{iface.element.name}` are {where}"
            label = Label(other.nic_span, "first given here")
            which = "index" if iface.vlan is None else "vlan"
            reporter.error("duplicate-iface", message, iface.nic_span, label, help=f"give one another `{which}`")
    _check_overlaps(reporter, _check_addresses(reporter, ifaces))


def _check_addresses(reporter: Reporter, ifaces: list[ReadIface]) -> list[ReadIface]:
    """Answers the Ifaces with the address that they are the first to have."""
    holders: dict[int, list[ReadIface]] = {}
    for iface in ifaces:
        if iface.address is None:
            continue
        earlier = holders.setdefault(iface.address, [])
        clash = next((other for other in earlier if not _may_share_address(other, iface)), None)
        if clash or earlier:
            other = clash or earlier[0]
            message = f"Ifaces `{other.element.name}` and `{iface.element.name}` have the same address"
            label = Label(other.address_span, "first given here")
            advice = "give one of them another address"
            if clash:
                reporter.error("duplicate-address", message, iface.address_span, label, help=advice)
            else:
                advice += ", unless the networks are meant to be apart"
                reporter.warning("duplicate-address", message, iface.address_span, label, help=advice)
        if clash is None:
            earlier.append(iface)
    return [same[0] for same in holders.values()]


def _may_share_address(one: ReadIface, other: ReadIface) -> bool:
    """VLANs on different NICs are separate networks. Whether a number and a MAC address are different NICs is not
    known."""
    known_apart = type(one.nic) is type(other.nic) and one.nic != other.nic
    return one.is_vlan and other.is_vlan and known_apart


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
                help="correct an address or a netmask: a host of both is looked for on one of them only",
            )
        if widest is None or last > widest[0]:
            widest = (last, iface)
