"""A Linux router in network namespaces of its own, driven over standard input and output: a line of JSON each way.

    neighbours' namespace                     router's namespace
    raw socket ── veth ─────────────────────── veth `outside`   nftables, routes, connection tracking
    raw socket ── veth ─────────────────────── veth `inside`    raw sockets see what is delivered
    ARP        ── veth ─────────────────────── veth `control`

Runs under `unshare -rn` (or -n); both namespaces are nobody else's and go with this process, which ends with its
standard input. A packet is answered when an ARP request sent after it on `control` is: packets go through one queue
of one processor, in order.
"""

import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
ETH_P_IP, ETH_P_ARP, ETH_P_ALL = 0x0800, 0x0806, 0x0003
ROUTER_MAC, NEIGHBOUR_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
CONTROL = "control"
CONTROL_ADDRESS = bytes((169, 254, 77, 1))
PATIENCE = 5  # seconds for a control answer
TOOL_SECONDS = 30
DELIVERED = (socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_UDP)
FLUSH = (1 << 8 | 2, 0x05)  # netlink: IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK; NLM_F_REQUEST | NLM_F_ACK

SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv4.icmp_ratemask": 0,
    "net.ipv4.icmp_echo_ignore_broadcasts": 0,
    "net.ipv4.ip_local_port_range": "49152 65535",
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
}

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Answer one request after the other until standard input ends."""
    router = Router(json.loads(sys.stdin.readline()))
    reply({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        match request["do"]:
            case "load":
                reply({"error": router.load(request["ruleset"])})
            case "sysctl":
                reply({"error": router.sysctl(request["values"])})
            case "flush":
                router.flush()
                reply({})
            case "send":
                reply(router.send(request["iface"], bytes.fromhex(request["packet"])))


def reply(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


class Router:
    def __init__(self, setup: dict) -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.names = [iface["name"] for iface in setup["ifaces"]]
        neighbours = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._check(libc.unshare(CLONE_NEWNET))
        router = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.sysctl(SYSCTLS)
        self._links(neighbours)
        ip(*setup_lines(setup))
        self.delivered = [raw_socket(protocol) for protocol in DELIVERED]
        self._check(libc.setns(neighbours, CLONE_NEWNET))
        self.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        ip("link set lo up", *(f"link set {name} up" for name in (*self.names, CONTROL)))
        self.wires = {name: packet_socket(name, ETH_P_IP) for name in self.names}
        self.control = packet_socket(CONTROL, ETH_P_ARP)
        self._check(libc.setns(router, CLONE_NEWNET))

    def _check(self, result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _links(self, neighbours: int) -> None:
        peer_namespace = f"/proc/{os.getpid()}/fd/{neighbours}"
        lines = ["link set lo up"]
        for name in (*self.names, CONTROL):
            ends = f"peer name {name} address {NEIGHBOUR_MAC.hex(':')} netns {peer_namespace}"
            lines.append(f"link add {name} address {ROUTER_MAC.hex(':')} type veth {ends}")
        lines += [f"link set {name} arp off" for name in self.names]
        lines += [f"link set {name} up" for name in (*self.names, CONTROL)]
        ip(*lines, f"addr add {socket.inet_ntoa(CONTROL_ADDRESS)}/32 dev {CONTROL}")

    def sysctl(self, values: dict) -> str:
        """Set them; the names of those that the kernel does not have or does not give away."""
        refused = []
        for name, value in values.items():
            try:
                Path("/proc/sys", *name.split(".")).write_text(f"{value}\n")
            except OSError:
                refused.append(name)
        return " ".join(refused)

    def load(self, ruleset: str) -> str:
        """What nft says against `ruleset`; empty when it is loaded."""
        done = subprocess.run(
            ["nft", "-f", "-"], input=ruleset, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
        )
        return done.stderr or ("" if done.returncode == 0 else f"exit status {done.returncode}")

    def flush(self) -> None:
        """Forget all connections."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:  # 12: NETLINK_NETFILTER
            kind, flags = FLUSH
            netlink.send(struct.pack("=IHHII", 20, kind, flags, 1, 0) + struct.pack("=BBH", socket.AF_INET, 0, 0))
            netlink.settimeout(PATIENCE)
            netlink.recv(4096)

    def send(self, iface: str, packet: bytes) -> dict:
        """Let `packet` arrive on `iface`; what left, and what was delivered."""
        frame = ROUTER_MAC + NEIGHBOUR_MAC + struct.pack(">H", ETH_P_IP) + packet
        self.wires[iface].send(frame)
        self._wait()
        out = [[name, data[14:].hex()] for name, wire in self.wires.items() for data in waiting(wire)]
        return {"out": out, "local": [data.hex() for raw in self.delivered for data in waiting(raw)]}

    def _wait(self) -> None:
        question = struct.pack(">HHBBH", 1, ETH_P_IP, 6, 4, 1) + NEIGHBOUR_MAC + bytes(4) + bytes(6) + CONTROL_ADDRESS
        self.control.send(b"\xff" * 6 + NEIGHBOUR_MAC + struct.pack(">H", ETH_P_ARP) + question)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([self.control], [], [], deadline - time.monotonic())[0]:
                data = self.control.recv(2048)
                if data[6:12] == ROUTER_MAC and data[20:22] == b"\0\2":  # an ARP reply
                    return
        raise TimeoutError("no answer on the control link")


def setup_lines(setup: dict) -> list[str]:
    lines = [f"addr add {i['address']}/{i['prefix']} dev {i['name']} noprefixroute" for i in setup["ifaces"]]
    return lines + [f"route add {route}" for route in setup["routes"]]


def ip(*lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(
        ["ip", "-batch", "-"], input=text, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
    )
    if done.returncode != 0:
        raise OSError(f"ip: {done.stderr}")


def packet_socket(name: str, protocol: int) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    wire.bind((name, protocol))
    wire.setblocking(False)
    return wire


def raw_socket(protocol: int) -> socket.socket:
    """Gets a copy of each packet of `protocol` that is delivered."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    raw.setblocking(False)
    return raw


def waiting(wire: socket.socket) -> list[bytes]:
    """What has been received on `wire`; on a packet socket not what was sent there."""
    packets = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, address = wire.recvfrom(65535)
            if wire.family != socket.AF_PACKET or address[2] != socket.PACKET_OUTGOING:
                packets.append(data)
    return packets


if __name__ == "__main__":
    main()
