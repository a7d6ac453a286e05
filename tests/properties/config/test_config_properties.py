"""Whatever a JSON text holds: a result or a diagnostic, never an exception, always places in the text."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.config.read import read_json
from naclc.config.translate import Translated, translate
from naclc.config.tree import Bool, List, Node, Null, Number, Object, String
from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)
ADDRESSES = st.sampled_from(
    [
        *("10.0.0.1", "10.0.0.1/24", "10.0.1.2/30", "10.0.1.0", "0.0.0.0", "255.255.255.255", "255.255.255.0"),
        *("fe80::1", "fe80::1/64", "127.0.0.1", "10.0.0.1/0", "10.0.0.256", "", "/", "1.2.3.4/", "::/129"),
    ]
)
WORDS = st.sampled_from(
    [
        *("static", "static4", "dhcp", "dhcp4", "dhcp-with-fallback", "none", "static6", "slaac", "dhcp6"),
        *("x", "udp", "tcp", "round_robin"),
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, -1, 80, 4094, 4095, 65535, 65536, 2147483647, 2147483648, 1.5, 5.0, 1e300, 10**50])
LEAVES = ADDRESSES | WORDS | NUMBERS | SCALARS
KEYS = ("iface", "config", "address", "netmask", "gateway", "dns", "timeout", "id", "nexthop", "cost", "port", "type")
MORE_KEYS = ("waitq_limit", "session_limit", "certificate", "algo", "active_check", "path", "unknown")


def objects(**own: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from([*KEYS, *MORE_KEYS])
    likely = LEAVES | st.lists(LEAVES, max_size=3)
    return (
        st.tuples(st.dictionaries(keys, likely, max_size=6), st.fixed_dictionaries({}, optional=own)).map(
            lambda both: both[0] | both[1]
        )
        | SCALARS
    )


VLANS = st.lists(objects(id=NUMBERS, address=ADDRESSES, netmask=ADDRESSES), max_size=3)
NICS = st.lists(objects(iface=NUMBERS, config=WORDS, address=ADDRESSES, netmask=ADDRESSES, vlan=VLANS), max_size=4)
ROUTES = st.lists(objects(address=ADDRESSES, netmask=ADDRESSES, iface=NUMBERS, nexthop=ADDRESSES), max_size=4)
NODES = st.lists(st.tuples(ADDRESSES, NUMBERS).map(list) | st.lists(LEAVES, max_size=3), max_size=3)
CLIENTS = objects(iface=NUMBERS, port=NUMBERS, waitq_limit=NUMBERS, session_limit=NUMBERS)
BALANCERS = objects(clients=CLIENTS, nodes=objects(iface=NUMBERS, list=NODES))
SYSLOGS = objects(type=WORDS, address=ADDRESSES, port=NUMBERS, iface=NUMBERS)
CONFIGS = st.fixed_dictionaries(
    {}, optional={"net": NICS, "router": st.lists(ROUTES, max_size=2), "load_balancer": BALANCERS, "syslog": SYSLOGS}
)


def checked(text: str) -> Translated:
    """The result, after a look at what holds for every text."""
    source = SourceFile("config.json", text)
    result = translate(source)
    failed = any(diagnostic.is_error for diagnostic in result.diagnostics)
    assert (result.configuration is None) == failed
    for diagnostic in result.diagnostics:
        assert diagnostic.span is not None and diagnostic.span.source is source
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.message and "\n" not in diagnostic.message
    places = [diagnostic.span.start for diagnostic in result.diagnostics if diagnostic.span]
    assert places == sorted(places)
    return result


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_any_value(value: Any) -> None:
    checked(json.dumps(value))


@given(CONFIGS)
@settings(max_examples=300, deadline=None)
def test_anything_in_the_places_of_a_configuration(value: Any) -> None:
    checked(json.dumps(value))


@given(CONFIGS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_text_with_a_piece_cut_out_or_put_in(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    piece = data.draw(st.sampled_from(["", ",", "}", "]", "{", '"', "\\", "0", "-", "\x00", "//", "NaN", "\\ud800"]))
    checked(text[:start] + piece + text[end:])


@given(st.text('{}[],:"\\ \n\tatrue0123.-+eEfalsn/u#\x00\u202e', max_size=30))
@settings(max_examples=500, deadline=None)
def test_the_reader_takes_what_the_standard_one_takes(text: str) -> None:
    found = read_json(SourceFile("config.json", text))
    try:
        expected = json.loads(text, parse_constant=refuse)
    except ValueError:
        assert isinstance(found, Diagnostic)
        return
    if not isinstance(found, Diagnostic):
        assert plain(found) == expected
    else:
        assert "half of a character" in found.message


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    found = read_json(SourceFile("config.json", json.dumps(value)))
    assert not isinstance(found, Diagnostic) and plain(found) == json.loads(json.dumps(value))


def refuse(name: str) -> None:
    raise ValueError(name)


def plain(node: Node) -> Any:
    match node:
        case Null():
            return None
        case Bool() | String():
            return node.value
        case Number():
            return json.loads(node.text)
        case List():
            return [plain(item) for item in node.items]
        case Object():
            return {member.key.value: plain(member.value) for member in node.members}
