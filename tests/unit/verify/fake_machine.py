"""A machine without a stack: answers ARP requests and the console's `counters`, and misbehaves as it is told.

    fake_machine.py MODE --nic fd=N,mac=M ...

With the first IPv4 packet it does what MODE says: `ignore`, `exit3`, `panic`, `hang`, `noise`, `flood`, or `forward`
(out of the other NIC, after an ARP question there). `silent` and `stillborn` do not get that far.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

MODE = sys.argv[1]
NICS = [argument for argument in sys.argv[2:] if argument.startswith("fd=")]
WIRES = [socket.socket(fileno=int(nic[3:].split(",")[0])) for nic in NICS]
MACS = [bytes.fromhex(nic.split("mac=")[1].replace(":", "")) for nic in NICS]
HELD: list[bytes] = []
COUNTS = {"received": 0}


def arp(frame: bytes, number: int) -> None:
    if frame[21] == 1:
        reply = frame[6:12] + MACS[number] + frame[12:21] + b"\x02" + MACS[number] + frame[38:42] + frame[22:32]
        WIRES[number].send(reply.ljust(60, b"\0"))
    elif HELD:
        WIRES[number].send(frame[22:28] + MACS[number] + HELD.pop()[12:])


def packet(frame: bytes) -> None:
    COUNTS["received"] += 1
    if MODE == "exit3":
        sys.stderr.write("last words\n")
        sys.exit(3)
    if MODE == "panic":
        os.write(1, b"panic: at the disco\n")
        os._exit(101)
    if MODE == "hang":
        time.sleep(1000)
    if MODE == "flood":
        while True:
            WIRES[1].send(frame)
    if MODE == "noise":
        for _ in range(3000):
            os.write(1, b"x" * 1024)
    if MODE == "forward":
        HELD.append(frame)
        body = b"\x08\x06\0\x01\x08\0\x06\x04\0\x01" + MACS[1] + bytes((10, 0, 0, 1)) + bytes(6) + frame[30:34]
        WIRES[1].send((b"\xff" * 6 + MACS[1] + body).ljust(60, b"\0"))


def console() -> None:
    if not os.read(0, 100):
        sys.exit(0)
    os.write(1, f"text counters eth0 received={COUNTS['received']} delivered=0\n".encode())
    os.write(1, f"counters machine received={COUNTS['received']} delivered=0\ncounters end\n".encode())


if MODE == "silent":
    time.sleep(1000)
if MODE == "stillborn":
    sys.stderr.write("cannot be\n")
    sys.exit(1)
while True:
    ready, _, _ = select.select([0, *WIRES], [], [])
    for number, wire in enumerate(WIRES):
        if wire in ready:
            frame = wire.recv(65536)
            (arp(frame, number) if frame[12:14] == b"\x08\x06" else packet(frame))
    if 0 in ready:
        console()
