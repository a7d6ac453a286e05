"""An index of docs/language.md 8: each paragraph, each state and each row of 8.5 has a row in a table, run by all
executors."""

from __future__ import annotations

import pytest

from tests.verdicts.tables import EXECUTORS, FOLDER, Row, rows

ROWS = [row for table in sorted(FOLDER.glob("*.verdicts")) for row in rows(table)]

# what the page says | table: words of a row
INDEX = [
    ("8.1 arrival: padding is cut off", "path: link padding"),
    ("8.1 arrival: version", "path: not IPv4"),
    ("8.1 arrival: header length", "path: IHL 4"),
    ("8.1 arrival: total length", "path: one octet short of its length"),
    ("8.1 arrival: header checksum", "path: header checksum"),
    ("8.1 arrival: multicast source", "path: the first multicast source"),
    ("8.1 arrival: broadcast source", "path: broadcast source"),
    ("8.1 arrival: the Iface's broadcast address as source", "path: this Iface's broadcast address"),
    ("8.1 (4) own address", "path: the own address"),
    ("8.1 (4) the subnet's broadcast address", "path: the subnet's broadcast address"),
    ("8.1 (4) 255.255.255.255", "path: the broadcast address"),
    ("8.1 (4) multicast destination", "path: multicast, after prerouting"),
    ("8.1 (4) an Iface that does not forward", "path: no route names this Iface"),
    ("8.1 (4) the address of another Iface is routed", "path: every hook on its way"),
    ("8.1 (5) a fragment waits", "fragments: a first fragment: tracked, and waits"),
    ("8.1 (5) the datagram is whole", "fragments: its last, without data of its own: input sees the datagram"),
    ("8.1 (5) pieces that contradict each other", "fragments: octets 8 to 23"),
    ("8.1 (5) the rest does not come", "fragments: too late"),
    ("8.1 (8) echo", "path: echo"),
    ("8.1 (8) UDP without a listener", "path: nobody listens"),
    ("8.1 (8) TCP without a listener", "path: SYN to a closed port"),
    ("8.1 (8) a segment with ACK", "path: ACK to a closed port"),
    ("8.1 (8) another protocol", "path: a protocol that is not there"),
    ("8.1 (8) no error about a broadcast", "path: no error about a broadcast"),
    ("8.1 departure without a source", "vlans: nothing to answer from"),
    ("8.1 departure: ROUTE if it forwards", "path: a forwarding Iface asks the routes"),
    ("8.1 departure: the Iface's gateway", "path: off the link: the gateway"),
    ("8.1 ROUTE: TTL 0", "path: an error without a hop"),
    ("8.1 ROUTE: TTL is decremented", "path: forwarded"),
    ("8.1 ROUTE: not for an own source", "path: a source that is the own address"),
    ("8.1 ROUTE: TTL 0 at the end of FORWARD", "path: seen by forward, then silently gone"),
    ("8.1 ROUTE: no route", "path: no route"),
    ("8.1 (S1)", "path: no hop left is enough"),
    ("8.1 (S2) 127.x", "path: 127.x is not sent"),
    ("8.1 (S5) no next hop", "path: neither next hop nor gateway"),
    ("8.1 (S5) the broadcast address of a subnet", "path: the broadcast address of a connected subnet"),
    ("8.1 a VLAN is an Iface like any other", "vlans: between VLANs of one NIC"),
    ("8.1 the address of a lease", "vlans: the address of the lease"),
    ("8.1 the fallback", "vlans: the fallback"),
    ("8.2 a new flow", "tracking: a first packet"),
    ("8.2 a reply establishes", "tracking: the first reply"),
    ("8.2 both directions", "tracking: both ways now"),
    ("8.2 ICMP by its identifier", "tracking: its reply, by the identifier"),
    ("8.2 CONFIRM", "tracking: stopped before it is confirmed"),
    ("8.2 expiry is renewed", "tracking: renewed"),
    ("8.2 a sweep", "tracking: forgotten"),
    ("8.2 expired, not yet swept", "untracked: unconfirmed: 5 s"),
    ("8.2 timeouts of the policy", "untracked: confirmed: 20 s"),
    ("8.2 limit", "untracked: no room for a third"),
    ("8.2 untracked: drop", "tracking: another protocol"),
    ("8.2 untracked: filter", "untracked: Filters run on it, Nats do not"),
    ("8.2 untracked: filter and a Nat", "untracked: a Nat passes it on untouched"),
    *(("8.2 stateful_tcp: " + state, f"stateful: {state}: a second before, it is there")
      for state in ("SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "TIME_WAIT", "CLOSE_WAIT", "LAST_ACK")),
    ("8.2 stateful_tcp: CLOSE", "stateful: CLOSE, after the last ACK: a second before"),
    ("8.2 stateful_tcp: RST closes", "stateful: CLOSE, by RST: a second before"),
    ("8.2 stateful_tcp: only SYN opens", "stateful: SYN and ACK"),
    ("8.2 stateful_tcp: SYN and ACK establish", "stateful: SYN and ACK do"),
    ("8.2 stateful_tcp: other replies do not", "stateful: a reply without SYN does not establish"),
    ("8.3 a later fragment", "tracking: a later fragment"),
    ("8.3 a first fragment", "tracking: a first fragment is an ordinary packet"),
    ("8.3 no TCP header", "tracking: nineteen octets are no TCP header"),
    ("8.3 no UDP header", "tracking: seven octets are no UDP header"),
    ("8.3 no ICMP header", "tracking: seven octets are no ICMP header"),
    ("8.3 no block of the protocol", "untracked: no transport header, no UDP block"),
    ("8.4 the longest netmask", "routing: a host is the longest prefix"),
    ("8.4 then the lower cost", "routing: of equal prefixes the lower cost"),
    ("8.4 then the order of the source", "routing: of equal costs the first written"),
    ("8.5 dnat in prerouting", "hooks: dnat acts in prerouting"),
    ("8.5 dnat in output", "local: a flow of the machine's own"),
    ("8.5 dnat elsewhere", "hooks: dnat does not act in postrouting"),
    ("8.5 snat in postrouting", "hooks: snat does"),
    ("8.5 snat in input", "hooks: snat acts in input"),
    ("8.5 snat elsewhere", "hooks: snat does not"),
    ("8.5 not on a reply", "nat: the snat of its answer is not done"),
    ("8.5 a port form on ICMP", "nat: a port form leaves ICMP as it is"),
    ("8.5 each packet must match again", "nat: each original packet matches the rule again"),
    ("8.5 checksums", "nat: a wrong checksum stays wrong"),
    ("8.5 row demasq", "masquerade: demasq"),
    ("8.5 row demasq, an original packet", "masquerade: and on: an original packet is not demasqueraded"),
    ("8.5 row masq", "masquerade: masq, after the functions of the chain"),
    ("8.5 row masq, the source is an own address", "masquerade: and one that begins a flow"),
    ("8.5 row masq, ICMP", "masquerade: an echo request"),
    ("8.5 row masq, p is freed with the entry", "masquerade: the entry is gone, its port is free"),
    ("8.5 row un-snat", "nat: un-snat, before forward and route"),
    ("8.5 row un-dnat", "nat: un-dnat"),
    ("8.5 row Nat on output", "local: its reply (an echo"),
    ("8.5 row Nat on input", "local: the answer goes to the new source"),
    ("8.5 untracked, masq drops", "masquerade: a later fragment"),
    ("8.5 untracked, but the source is Own(O)", "masquerade: the own address of the Iface it leaves by"),
    ("8.5 an Iface with neither", "asymmetric: its reply out by the one without"),
    ("8.6 log and go on", "path: every hook on its way"),
    ("8.6 syslog and go on", "syslog: and the packet goes on"),
    ("8.6 the order of messages", "syslog: two messages in their order"),
    ("13 dnat to another own address", "hooks: delivered there"),
    ("13 a tuple that collides", "nat: the second looks the same from outside"),
]  # fmt: skip


def found(words: str) -> list[Row]:
    return [row for row in ROWS if row.why.startswith(words)]


@pytest.mark.parametrize(("paragraph", "words"), INDEX, ids=[entry[0] for entry in INDEX])
def test_a_paragraph_has_a_row_for_all_executors(paragraph: str, words: str) -> None:
    assert any(row.on == EXECUTORS for row in found(words)), words


def test_every_section_is_in_the_index() -> None:
    assert {entry[0].split()[0] for entry in INDEX} == {"8.1", "8.2", "8.3", "8.4", "8.5", "8.6", "13"}
