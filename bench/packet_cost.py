"""What a packet costs in the stack of the skeleton OS, with and without translation, and what a look-up costs in a
table of a million flows; natively, without devices."""

from __future__ import annotations

import re
import statistics
import subprocess
from pathlib import Path

from naclc.driver import Options, compile_policy
from naclc.source import SourceFile

_PROGRAM = Path(__file__).with_name("packet_cost.cpp")
_OS = Path(__file__).resolve().parents[1] / "includeos_skeleton" / "os"
_COMPILER = ("g++", "-std=c++20", "-O2", "-fno-exceptions", "-fno-rtti", f"-I{_OS / 'include'}", f"-I{_OS}")
_PLAIN = """
Iface wan { index: 0, address: 192.0.2.1, netmask: 255.255.255.0 }
Iface lan { index: 1, address: 10.0.0.1, netmask: 255.255.255.0 }
Gateway router {
  outside: { net: 0.0.0.0, netmask: 0.0.0.0, iface: wan, nexthop: 192.0.2.254 },
  inside: { net: 10.0.0.0, netmask: 255.255.255.0, iface: lan },
  forward: rules
}
Filter::IP rules {
  if (ct.state == established) { accept }
  Filter::TCP { if (tcp.dport in [22, 80, 443, 8080]) { accept } }
  Filter::UDP { if (udp.dport in [53, 123, 4500]) { accept } }
  if (ip.saddr == 10.0.0.7 or ip.daddr == 203.0.113.9) { accept }
  drop
}
"""
_POLICIES = {
    "plain": _PLAIN,
    "masquerade": _PLAIN + "wan.masquerade: true\n",
    "snat": _PLAIN + "wan.postrouting: hide\nNat::IP hide { if (ip.saddr in 10.0.0.0/24) { snat(192.0.2.1) } }\n",
}


def packet_cost(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over `rounds`; the policies take turns, so that they meet the same noise."""
    objects = _objects(work)
    programs = {name: _built(work, name, policy, objects) for name, policy in _POLICIES.items()}
    times: dict[str, list[float]] = {name: [] for name in programs}
    looks = []
    for _ in range(rounds):
        for name, program in programs.items():
            times[name].append(_figures(program, "forward")["ns"])
        looks.append(_figures(programs["plain"], "table"))
    forward = {f"{name}_ns": statistics.median(values) for name, values in times.items()}
    for name in ("masquerade", "snat"):
        ratios = [ours / plain for ours, plain in zip(times[name], times["plain"], strict=True)]
        forward[f"{name}_ratio"] = statistics.median(ratios)
    flows = {f"{key}_ns": statistics.median(look[key] for look in looks) for key in ("hit", "miss", "add")}
    return {"stack, a packet": forward, "1,000,000 flows": flows | {"size_mib": looks[0]["octets"] / 2**20}}


def _objects(work: Path) -> list[Path]:
    """The stack and the program around it, compiled."""
    kernel = [_OS / "kernel" / f"{part}.cpp" for part in ("timers", "frame_pool", "os", "wall_clock")]
    folder = work / "stack"
    folder.mkdir()
    sources = [_PROGRAM, *sorted((_OS / "net").glob("*.cpp")), *kernel]
    subprocess.run([*_COMPILER, "-c", *map(str, sources)], cwd=folder, check=True)
    return sorted(folder.glob("*.o"))


def _built(work: Path, name: str, policy: str, objects: list[Path]) -> Path:
    compilation = compile_policy(SourceFile(f"{name}.nacl", policy), Options(system="skeleton"))
    if compilation.cpp is None:
        raise SystemExit(f"{name}: {[str(d.message) for d in compilation.diagnostics]}")
    service, program = work / f"{name}.cpp", work / f"packet-cost-{name}"
    service.write_text(compilation.cpp)
    subprocess.run([*_COMPILER, str(service), *map(str, objects), "-o", str(program)], check=True)
    return program


def _figures(program: Path, what: str) -> dict[str, float]:
    run = subprocess.run([str(program), what], capture_output=True, text=True, check=True, timeout=300)
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", run.stdout)}
