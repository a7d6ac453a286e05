"""What those write who know other firewalls: one message each, and help that cures it."""

from __future__ import annotations

import pytest

from naclc.driver import Options, check_policy
from naclc.source import SourceFile

IFACE = "Iface a { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, input: f }\n"
TCP = IFACE + "Filter::IP f { Filter::TCP { if (CONDITION) { accept } } drop }\n"
IP = IFACE + "Filter::IP f { if (CONDITION) { accept } drop }\n"
NAT = "Iface a { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, prerouting: n }\nNat::TCP n { ACTION }\n"
ROUTE = (
    IFACE + "Filter::IP f { accept }\nGateway g { r: { net: 0.0.0.0, netmask: 0.0.0.0, KEY: 10.0.0.7, iface: a } }\n"
)

HABITS = [
    (IFACE + "Filter::IP f { deny }", "unknown-action", "write `drop`"),
    (IFACE + "Filter::IP f { allow }", "unknown-action", "write `accept`"),
    (IP.replace("CONDITION", "ip.src == 10.0.0.5"), "unknown-field", "write `ip.saddr`"),
    (TCP.replace("CONDITION", "tcp.port == 80"), "unknown-field", "write `tcp.sport` or `tcp.dport`"),
    (
        IP.replace("CONDITION", "ip.saddr == any"),
        "unknown-name",
        "leave the test out",
    ),
    (TCP.replace("CONDITION", 'tcp.dport in "80-90"'), "not-a-set", "sets are written without quotes"),
    (TCP.replace("CONDITION", "tcp.dport in 80:90"), "syntax", "write `80-90`"),
    (TCP.replace("CONDITION", "tcp.dport in 80..90"), "syntax", "write `80-90`"),
    (TCP.replace("CONDITION", "tcp.flags & SYN"), "syntax", "test each flag, as in `tcp.has-syn"),
    (NAT.replace("ACTION", "dnat(10.0.0.5:80)"), "syntax", "a port is a value of its own: `10.0.0.5, 80`"),
    (ROUTE.replace("KEY", "gateway"), "unknown-key", "known: `net`"),
    (IFACE.replace("input: f", 'input: "f"') + "Filter::IP f { accept }", "type-mismatch", "as in `input: f`"),
    (IFACE.replace("input", "masquerade: yes, input") + "Filter::IP f { drop }", "unknown-name", "write `true`"),
    (IFACE + 'Filter::IP f { log("hello) accept }', "unterminated", 'close it with `"`'),
    (IFACE + "Filter f { accept }", "syntax", "write `Filter::IP f { ... }`"),
    (IFACE + "Filter f { if (ip.ttl == 1) { drop } accept }", "syntax", "write `Filter::IP f { ... }`"),
    (IFACE + "Filter::IP f { accept }\nFilter::IPv6 g { drop }", "unknown-subtype", "NaCl knows IPv4 only"),
]


@pytest.mark.parametrize(("text", "code", "cure"), HABITS)
def test_a_habit_is_one_mistake_and_its_cure_is_told(text: str, code: str, cure: str) -> None:
    found = check_policy(SourceFile("habit.nacl", text), Options()).diagnostics
    assert [problem.code for problem in found] == [code]
    assert (found[0].help or "").startswith(cure)
