"""Maps `net` to Ifaces (docs/language.md section 9).

Reports   duplicate-key, unknown-key, missing-key, unknown-word, json-value, value-out-of-range, vlan-out-of-range,
          duplicate-iface; json-ignored, json-ipv6.
"""

from __future__ import annotations

from naclc.config.declared import Declared
from naclc.config.sections import INT_MAX, IPV6_BESIDE, Section, member, path, short
from naclc.config.tree import List, Number, String
from naclc.diagnostics import Label
from naclc.net.addresses import format_address, mask_of
from naclc.semantics.model import Config
from naclc.semantics.spelling import suggestion
from naclc.source import Span
from naclc.syntax import ast

NIC_KEYS = ("iface", "config", "address", "netmask", "gateway", "dns", "timeout", "vlan")
VLAN_KEYS = ("id", "address", "netmask", "gateway")
STATIC_KEYS = ("address", "netmask", "gateway", "dns")
MAX_VLAN = 4094

NONE = "none"
_WORDS = {
    "static": Config.STATIC,
    "static4": Config.STATIC,
    "dhcp": Config.DHCP,
    "dhcp4": Config.DHCP,
    "dhcp-with-fallback": Config.DHCP_WITH_FALLBACK,
    NONE: None,
}
_IPV6_WORDS = ("static6", "dhcp6", "slaac")


class _Config:
    """What `config` says: `config` None is none; `span` None when no word for IPv4 is written."""

    def __init__(self, config: Config | None = None, span: Span | None = None, text: str = "") -> None:
        self.config = config
        self.span = span
        self.text = text


def read_net(declared: Declared, root: Section) -> None:
    """Declares an Iface for each NIC and each VLAN, in the order in which they are written."""
    for index, node in enumerate(root.items("net", "objects") or ()):
        nic = root.object_at("net", index, node)
        if nic is None:
            declared.nics_known = False
        else:
            _read_nic(declared, nic)


def _read_nic(declared: Declared, nic: Section) -> None:
    nic.refuse_unknown(NIC_KEYS)
    number = nic.integer("iface", 0) if nic.require("iface") else None
    members = _static_members(nic)
    config = _read_config(nic)
    timeout = _read_timeout(nic, config)
    if number is None:
        declared.nics_known = False
        _read_vlans(declared, nic, None)
        return
    first = declared.nics.setdefault(number.value, number.span)
    if first is number.span:
        index = member("index", nic.key_span("iface"), number)
        value = ast.Object((index, *_configured(nic, config, members, timeout)), nic.node.span)
        name = f"nic{number.value}"
        declared.add("Iface", name, number.span, value)
        if "vlan" in nic.members or config is None or config.span is None:
            declared.silence("unused", number.span)
    else:
        message = f"NIC {number.value} is configured twice"
        label = Label(first, "first given here")
        nic.reporter.error("duplicate-iface", message, number.span, label, help="remove one of them")
    _read_vlans(declared, nic, number)


def _static_members(nic: Section) -> dict[str, ast.Member]:
    """Address, netmask, gateway and dns, as far as they are there and right."""
    address = nic.addresses("address", with_prefix=True)
    netmask = nic.address("netmask")
    found: dict[str, ast.Member] = {}
    if address:
        found["address"] = member("address", nic.key_span("address"), ast.Ipv4(address.value, address.span))
    if address and address.prefix:
        mask = mask_of(address.prefix)
        if netmask and netmask.value != mask:
            message = f"`netmask` is ignored: the prefix length in `address` gives {format_address(mask)}"
            label = Label(address.span, "the prefix length is here")
            nic.reporter.warning("json-ignored", message, nic.key_span("netmask"), label, help="remove it")
        found["netmask"] = member("netmask", nic.key_span("address"), ast.Ipv4(mask, address.span))
    elif netmask:
        found["netmask"] = member("netmask", nic.key_span("netmask"), netmask)
    for key in ("gateway", "dns"):
        other = nic.addresses(key)
        if other:
            found[key] = member(key, nic.key_span(key), ast.Ipv4(other.value, other.span))
    return found


def _configured(
    nic: Section, config: _Config | None, members: dict[str, ast.Member], timeout: ast.Member | None
) -> list[ast.Member]:
    """Those that count with this config, and the config itself; warns about the others."""
    if config is None:
        return []
    if config.span is None:
        if nic.is_meant("config"):
            return []
        ignored = [f"`{key}`" for key in STATIC_KEYS if key in nic.members]
        rest = f", and {', '.join(ignored)} is ignored" if len(ignored) == 1 else ""
        rest = f", and {', '.join(ignored)} are ignored" if len(ignored) > 1 else rest
        message = f"{nic.title} has no `config`: it is left without a configuration{rest}"
        advice = 'say how it is configured, as in `"config": "static"`, or that it is not: `"config": "none"`'
        nic.reporter.warning("json-ignored", message, nic.key_span("iface"), help=advice)
        return []
    if config.config is None:
        nic.ignored(STATIC_KEYS, f"`config` is `{config.text}`")
        return []
    at = nic.key_span("config")
    word = member("config", at, path(config.config, config.span))
    if config.config is Config.DHCP:
        nic.ignored(STATIC_KEYS, f"it comes from the DHCP server, which `config` asks with `{config.text}`")
        members = {}
    more = [timeout] if timeout else []
    return [word, *members.values(), *more]


def _read_config(nic: Section) -> _Config | None:
    """None when it is wrong."""
    node = nic.value("config")
    if node is None:
        return _Config()
    found: _Config | None = _Config()
    ipv6: String | None = None
    for item in node.items if isinstance(node, List) else (node,):
        if not isinstance(item, String):
            nic.mismatch("config", "a word in quotes, or a list of them", item)
            return None
        if item.value in _IPV6_WORDS:
            message = f"`{item.value}` is ignored: naclc configures IPv4 only"
            nic.reporter.warning("json-ipv6", message, item.span, help=IPV6_BESIDE)
            ipv6 = ipv6 or item
        elif item.value not in _WORDS:
            advice = suggestion(short(item.value), _WORDS)
            nic.reporter.error("unknown-word", f"there is no config `{short(item.value)}`", item.span, help=advice)
            found = None
        elif found and found.span:
            message = f"`config` takes one word about IPv4, and `{short(item.value)}` is a second one"
            label = Label(found.span, "the first one")
            nic.reporter.error("json-value", message, item.span, label, help="remove one of them")
            return None
        elif found:
            found = _Config(_WORDS[item.value], item.span, item.value)
    if found and found.span is None and ipv6:
        return _Config(None, ipv6.span, ipv6.value)
    return found


def _read_timeout(nic: Section, config: _Config | None) -> ast.Member | None:
    node = nic.value("timeout")
    if node is None:
        return None
    if not isinstance(node, Number):
        nic.mismatch("timeout", "a number of seconds", node)
        return None
    if config is not None and config.config in (None, Config.STATIC):
        nic.ignored(("timeout",), "this NIC does not use DHCP")
        return None
    seconds, cut = _seconds(node.text)
    if not 1 <= seconds <= INT_MAX:
        message = f"`timeout` must be 1 to {INT_MAX} seconds, not {short(node.text)}"
        nic.reporter.error("value-out-of-range", message, node.span, help=f"write a number of 1 to {INT_MAX}")
        return None
    if cut:
        message = f"the fraction of a second in `timeout` is ignored: {seconds} seconds"
        nic.reporter.warning("json-ignored", message, node.span, help=f"write {seconds}")
    return member("dhcp_timeout", nic.key_span("timeout"), ast.Integer(seconds, node.span))


def _seconds(text: str) -> tuple[int, bool]:
    """The number without its fraction, and whether it had one that is not zero; any number beyond all bounds is
    answered as one that is, too."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent[:8] or "0") if len(exponent) <= 8 else (-1 if exponent[0] == "-" else 1) * 10**8
    digits = (whole + fraction).rstrip("0") or "0"
    point = len(whole) + power  # the digits before the point
    if not digits.strip("0"):
        return 0, False
    leading = len(digits) - len(digits.lstrip("0"))
    if point - leading > 12:
        return INT_MAX + 1, False
    before = digits[: max(point, 0)].ljust(max(point, 0), "0")
    number = int(before[-12:] or "0")
    return (-number if text[0] == "-" else number), point < len(digits)


# --- VLANs ---


def _read_vlans(declared: Declared, nic: Section, number: ast.Integer | None) -> None:
    """Of a NIC without a readable number they are checked, and not declared."""
    for index, node in enumerate(nic.items("vlan", "objects") or ()):
        vlan = nic.object_at("vlan", index, node)
        if vlan:
            _read_vlan(declared, nic, number, vlan)


def _read_vlan(declared: Declared, nic: Section, number: ast.Integer | None, vlan: Section) -> None:
    vlan.refuse_unknown(VLAN_KEYS)
    known = vlan.integer("id") if vlan.require("id") else None
    if known and not 1 <= known.value <= MAX_VLAN:
        message = f"`id` must be 1 to {MAX_VLAN}, not {short(known.span.text)}"
        advice = "a VLAN tag has 12 bits, and 0 and 4095 are reserved"
        vlan.reporter.error("vlan-out-of-range", message, known.span, help=advice)
        known = None
    members = []
    for key in ("address", "netmask", "gateway"):
        value = vlan.address(key) if key == "gateway" or vlan.require(key) else None
        if value:
            members.append(member(key, vlan.key_span(key), value))
    if known is None or number is None:
        return
    first = declared.vlans.setdefault((number.value, known.value), known.span)
    if first is not known.span:
        message = f"VLAN {known.value} of NIC {number.value} is configured twice"
        label = Label(first, "first given here")
        vlan.reporter.error("duplicate-iface", message, known.span, label, help="remove one of them")
        return
    index = member("index", nic.key_span("iface"), number)
    own = member("vlan", vlan.key_span("id"), known)
    name = f"nic{number.value}_vlan{known.value}"
    declared.add("Iface", name, known.span, ast.Object((index, own, *members), vlan.node.span))
