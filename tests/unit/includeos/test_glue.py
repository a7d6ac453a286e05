"""The second half of a service on a double of the operating system: entries, hooks, the router's last step, and the
guards, each with and without the fault it is for."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.source import SourceFile

DOUBLE = Path(__file__).parent / "double"
POLICY = """
Iface left { index: 0, address: 10.0.0.1, netmask: 255.255.255.0, prerouting: look, input: look, output: look,
             postrouting: look }
Iface right { index: 1, address: 10.0.1.1, netmask: 255.255.255.0 }
Gateway router {
  a: { net: 10.0.0.0, netmask: 255.255.255.0, iface: left },
  b: { net: 10.0.1.0, netmask: 255.255.255.0, iface: right },
  forward: through,
}
Filter::IP look {
  log(ct.state, "\\n")
  if (ip.ttl == 99) { drop }
  accept
}
Filter::IP through {
  log(ct.state, " in ", iface.in, "\\n")
  accept
}
"""


@dataclass(frozen=True)
class Machine:
    program: Path

    def __call__(
        self, chain: str, packet: bytes, *, iface: int = 0, headroom: int = 24, entry: str = "new", found: str = "none"
    ) -> list[str]:
        """The lines that a packet in a chain leads to, after those of the start."""
        line = f"{chain} {iface} {headroom} {entry} {found} {packet.hex()}\n"
        run = subprocess.run([self.program], input=line, capture_output=True, text=True, check=True)
        greeting, panic, *lines = run.stdout.splitlines()
        assert (greeting.split(":")[0], panic) == ("NaCl", "reboot")
        return lines


def build(folder: Path, *options: str) -> Machine:
    result = compile_policy(SourceFile("test.nacl", POLICY), Options())
    assert result.cpp is not None, result.diagnostics
    service = folder / "service.cpp"
    service.write_text(result.cpp)
    strict = ("-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{DOUBLE}")
    program = folder / "machine"
    subprocess.run(["g++", *strict, *options, service, DOUBLE / "probe.cpp", "-o", program], check=True)
    return Machine(program)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return build(tmp_path_factory.mktemp("faulty"), "-DFAULTY")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return build(tmp_path_factory.mktemp("sound"))


def packet(
    to: tuple[int, int, int, int] = (10, 0, 1, 9),
    *,
    ttl: int = 64,
    protocol: int = 17,
    data: int = 8,
    fragment: int = 0,
    total: int | None = None,
    words: int = 5,
) -> bytes:
    length = 20 + data if total is None else total
    head = bytes((0x40 | words, 0)) + length.to_bytes(2, "big") + b"\0\1" + fragment.to_bytes(2, "big")
    return head + bytes((ttl, protocol, 0, 0, 10, 0, 0, 9, *to)) + bytes(range(1, 256))[:data].ljust(data, b"\0")


def accepted(octets: bytes, headroom: int = 24) -> str:
    return f"accept {headroom} {octets.hex()}"


@pytest.mark.parametrize(
    ("entry", "state"),
    [("unconfirmed", "new"), ("new", "new"), ("established", "established")],
    ids=["the first packet, not yet confirmed, is new", "confirmed is new", "established is established"],
)
@pytest.mark.parametrize("chain", ["prerouting", "output", "postrouting"])
def test_states_of_entries(sound: Machine, chain: str, entry: str, state: str) -> None:
    assert sound(chain, packet(), entry=entry) == [state, accepted(packet())]


@pytest.mark.parametrize("chain", ["prerouting", "input", "output", "postrouting", "forward"])
def test_a_packet_without_entry_is_dropped_without_a_log(sound: Machine, chain: str) -> None:
    assert sound(chain, packet(), entry="none") == ["drop"]


@pytest.mark.parametrize(
    "headerless",
    [packet(data=7), packet(protocol=6, data=19), packet(fragment=1), packet(protocol=47), packet(words=15)],
    ids=["7 octets of UDP", "19 of TCP", "a later fragment", "no transport protocol", "header beyond the packet"],
)
def test_the_entry_of_a_packet_without_transport_header_is_ignored(sound: Machine, headerless: bytes) -> None:
    assert sound("prerouting", headerless, entry="established") == ["drop"]


def test_at_input_the_entry_is_that_of_the_whole_datagram(sound: Machine) -> None:
    to = packet((10, 0, 0, 1))
    assert sound("input", to, entry="new", found="established") == ["established", accepted(to)]
    assert sound("input", to, entry="new", found="none") == ["drop"]


def test_a_drop_gives_no_packet_back(sound: Machine) -> None:
    assert sound("prerouting", packet(ttl=99)) == ["new", "drop"]


@pytest.mark.parametrize(("iface", "name"), [(0, "left"), (1, "right")])
def test_forward_knows_where_the_packet_came_in(sound: Machine, iface: int, name: str) -> None:
    assert sound("forward", packet(), iface=iface) == [f"new in {name}", accepted(packet())]


def test_the_router_drops_last_what_has_no_hop_left(sound: Machine) -> None:
    assert sound("forward", packet(ttl=0)) == ["new in left", "drop"]
    assert sound("forward", packet(ttl=1)) == ["new in left", accepted(packet(ttl=1))]


# --- guards: (machine with the fault, machine without it) ---


def test_a_packet_from_another_driver_is_copied_to_where_its_nic_sends_from(faulty: Machine, sound: Machine) -> None:
    assert faulty("postrouting", packet(), headroom=16) == ["new", accepted(packet(), 24)]
    assert faulty("postrouting", packet(), iface=1, headroom=24) == [accepted(packet(), 16)]
    assert faulty("postrouting", packet(), headroom=24) == ["new", accepted(packet(), 24)]
    assert sound("postrouting", packet(), headroom=16) == ["new", accepted(packet(), 16)]


@pytest.mark.parametrize("to", [(10, 0, 1, 1), (10, 0, 1, 255), (255, 255, 255, 255)], ids=str)
def test_a_fragment_for_the_machine_must_end_within_a_datagram(
    faulty: Machine, sound: Machine, to: tuple[int, int, int, int]
) -> None:
    assert guard_alone(faulty, to, fragment=8189, data=4) == ["drop"]  # 8189 * 8 + 4 = 65516
    assert guard_alone(faulty, to, fragment=8189, data=3)[0].startswith("accept")
    assert guard_alone(sound, to, fragment=8189, data=4)[0].startswith("accept")


def guard_alone(machine: Machine, to: tuple[int, int, int, int], fragment: int, data: int) -> list[str]:
    """On the Iface that has no function of the policy, so that only guards decide."""
    return machine("prerouting", packet(to, fragment=fragment, data=data), iface=1, headroom=16)


def test_a_fragment_that_is_passed_on_may_end_anywhere(faulty: Machine) -> None:
    assert guard_alone(faulty, (10, 0, 0, 9), fragment=8191, data=100)[0].startswith("accept")


@pytest.mark.parametrize(
    ("malformed", "why"),
    [
        (packet(words=4), "header of 16 octets"),
        (packet(total=60), "shorter than it says"),
        (packet(total=19), "shorter than its header"),
    ],
    ids=["header of 16 octets", "shorter than it says", "total below the header"],
)
def test_lengths_are_checked_before_anything_else(faulty: Machine, malformed: bytes, why: str) -> None:
    assert faulty("prerouting", malformed, iface=1) == ["drop"], why


def test_packets_to_groups_are_not_forwarded(faulty: Machine, sound: Machine) -> None:
    group = packet((224, 0, 0, 5))
    assert faulty("prerouting", group) == ["new", "drop"]
    assert sound("prerouting", group) == ["new", accepted(group)]
