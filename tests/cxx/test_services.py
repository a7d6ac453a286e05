"""DHCP, messages and timers of a compiled policy that runs as a process, with sanitizers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.image import BuildFailure, Target, build_image
from naclc.source import SourceFile

from .conftest import HERE, Running, running, service
from .dhcp_server import DISCOVER, REQUEST, Datagram, Server, frame_of, options_of

POLICY = HERE / "services.nacl"
MACHINE = bytes([2, 0, 0, 0, 0, 1])


def image_of(policy: str, folder: Path) -> Path:
    result = compile_policy(SourceFile("services.nacl", policy), Options(system="skeleton"))
    assert result.cpp is not None, result.diagnostics
    (folder / "service.cpp").write_text(result.cpp)
    built = build_image(folder / "service.cpp", Target.LINUX, folder / "image", sanitize=True)
    assert not isinstance(built, BuildFailure), built.output
    return built.path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_of(POLICY.read_text(), tmp_path_factory.mktemp("services"))


@pytest.fixture
def machine(image: Path) -> Iterator[Running]:
    with run(image) as started:
        yield started


def run(image: Path) -> AbstractContextManager[Running]:
    return running(lambda wires: service(image, wires, ["--virtual-clock"]), 2)


def advance(machine: Running, seconds: int) -> None:
    """Let virtual time pass; `memory` is answered once it has."""
    before = machine.said.count("memory frames_free")
    machine.say(f"advance {seconds}")
    machine.say("memory")
    while machine.said.count("memory frames_free") == before:
        machine.said += machine.process.stdout.read1(65536).decode()  # type: ignore[union-attr]


def leased(machine: Running) -> Server:
    server = Server(machine.wires[0])
    server.serve(10, until=REQUEST)
    machine.wait_for("DHCP: eth0 has 10.0.0.9, netmask 255.255.255.0, router 10.0.0.254\n")
    server.heard.clear()
    return server


def test_an_address_is_asked_for_and_used(machine: Running) -> None:
    server = Server(machine.wires[0])
    server.serve(10, until=REQUEST)
    (first, discover), (second, request) = server.heard
    assert (first, second) == (DISCOVER, REQUEST)
    assert discover[:4] == request[:4] == ("0.0.0.0", 68, "255.255.255.255", 67)
    assert options_of(request.data)[50] == bytes([10, 0, 0, 9]) and options_of(request.data)[54] == bytes([10, 0, 0, 5])
    machine.wait_for("DHCP: eth0 has 10.0.0.9, netmask 255.255.255.0, router 10.0.0.254\n")


def test_an_iface_that_masquerades_asks_from_no_address(tmp_path: Path) -> None:
    policy = """
Iface wan { index: 0, config: dhcp, masquerade: true }
Iface lan { index: 1, address: 10.0.1.1, netmask: 255.255.255.0 }
Gateway router { inside: { net: 10.0.1.0, netmask: 255.255.255.0, iface: lan },
                 others: { net: 0.0.0.0, netmask: 0.0.0.0, iface: wan } }
"""
    with run(image_of(policy, tmp_path)) as machine:
        leased(machine)


def test_a_lease_is_renewed_and_ends(machine: Running) -> None:
    server = leased(machine)
    advance(machine, 1801)
    server.serve(1, until=REQUEST)
    [(kind, renewal)] = server.heard
    assert (kind, renewal.source, renewal.destination) == (REQUEST, "10.0.0.9", "10.0.0.5")
    assert renewal.data[12:16] == bytes([10, 0, 0, 9]) and 54 not in options_of(renewal.data)
    server.up = False
    advance(machine, 3595)
    assert "no longer" not in machine.said
    advance(machine, 10)
    machine.wait_for("DHCP: eth0 has no longer 10.0.0.9\n")


def test_without_a_server_the_policy_is_told(machine: Running) -> None:
    advance(machine, 9)
    assert "no address for uplink" not in machine.said
    advance(machine, 2)
    machine.wait_for("NaCl: no address for uplink by DHCP\n")
    server = Server(machine.wires[0])
    server.serve(0.2)  # what was sent until now
    server.heard.clear()
    advance(machine, 70)  # it goes on asking
    server.serve(5, until=REQUEST)
    machine.wait_for("DHCP: eth0 has 10.0.0.9")


def test_the_fallback_is_taken(tmp_path: Path) -> None:
    policy = POLICY.read_text().replace(
        "config: dhcp", "config: dhcp-with-fallback, address: 10.0.0.1, netmask: 255.0.0.0"
    )
    with run(image_of(policy, tmp_path)) as machine:
        advance(machine, 11)
        server = Server(machine.wires[0])
        server.serve(0.2)
        assert {kind for kind, _ in server.heard} == {DISCOVER}
        assert machine.first_reply()[0][28:32] == bytes([10, 0, 0, 1])


@pytest.mark.parametrize("drop", ["input", "output"])
def test_a_policy_that_lets_no_dhcp_through_gets_no_address(tmp_path: Path, drop: str) -> None:
    policy = f"""
    Iface uplink {{ index: 0, config: dhcp, {drop}: nothing }}
    Filter::IP nothing {{ drop }}
    """
    with running(lambda wires: service(image_of(policy, tmp_path), wires, ["--virtual-clock"]), 1) as machine:
        server = Server(machine.wires[0])
        server.serve(0.5)
        advance(machine, 11)
        machine.wait_for("NaCl: no address for uplink by DHCP\n")
        server.serve(0.5)
    assert {kind for kind, _ in server.heard} == ({DISCOVER} if drop == "input" else set())


def test_a_message_goes_to_the_server(machine: Running) -> None:
    server = leased(machine)
    started = time.gmtime()
    server.wire.send(frame_of(Datagram("10.0.0.7", 4000, "10.0.0.9", 53, b"?"), MACHINE))
    server.serve(1)
    [message] = server.others
    assert message[:1] + message[2:4] == ("10.0.0.9", "10.0.0.5", 514) and message.sport >= 49152
    form = r"<69>1 (\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d\.000Z 10\.0\.0\.9 service 1 UDPOUT - closed: 10\.0\.0\.7:4000"
    date = re.fullmatch(form, message.data.decode())
    assert date is not None and abs(int(date[1]) - started.tm_year) <= 1


def test_timers_print_what_they_measure(machine: Running) -> None:
    advance(machine, 4)
    said = machine.said
    dates = re.findall(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$", said, re.MULTILINE)
    assert len(dates) == len(set(dates)) == 4
    memory = re.findall(r"^memory in use: (\d+) KiB$", said, re.MULTILINE)
    assert len(memory) == 4 and all(int(kib) > 1000 for kib in memory)  # the frames alone
    assert re.search(r"^CPU: (no samples|\d+ %)$", said, re.MULTILINE)
    assert len(re.findall(r"^Stack sampling - 4 results \(\d+ samples\)$", said, re.MULTILINE)) == 4
    active, existing, free = map(int, re.findall(r"timers: (\d+) active, (\d+) existing, (\d+) free", said)[-1])
    assert active >= 2 and active + free == existing


def test_an_idle_machine_is_asleep(image: Path) -> None:
    """By the host's clock."""
    with running(lambda wires: service(image, wires), 2) as machine:
        leased(machine)
        machine.wait_for("CPU: ")
        time.sleep(2.5)
        machine.say("memory")
        said = machine.wait_for("memory frames_free")
    last = re.findall(r"CPU: (\d+) %", said)[-1]
    assert int(last) <= 5
