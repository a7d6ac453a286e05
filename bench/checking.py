"""How long naclc takes to check large policies, from the shell, and how long their parts take.

small      1,000 lines of rules: start of the interpreter included
rules      10,000 rules, with all exact analyses; and what their parsing takes of it
addresses  a list of 100,000 addresses that a function tests
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from naclc.source import SourceFile
from naclc.syntax.parse import parse

_HEAD = "Iface eth0 { index: 0, address: 192.0.2.1, netmask: 255.255.255.0, input: f }\n"


def rules(count: int) -> str:
    """Rules about networks and ports that overlap here and there, one a line."""
    body = "".join(_rule(number) for number in range(count))
    return f"{_HEAD}Filter::IP f {{\n  Filter::TCP {{\n{body}  }}\n  drop\n}}\n"


def _rule(number: int) -> str:
    network = f"10.{number * 7919 % 256}.{number * 104729 % 256}.{number * 31 % 16 * 16}/28"
    first = number * 6151 % 60000
    verdict = ("accept", "drop")[number % 3 == 0]
    return f"    if (ip.saddr in {network} and tcp.dport in {first}-{first + number % 50}) {{ {verdict} }}\n"


def addresses(count: int) -> str:
    listed = ",\n".join(f"  10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(count))
    return f"known: [\n{listed}\n]\n{_HEAD}Filter::IP f {{ if (ip.saddr in known) {{ accept }} drop }}\n"


def checking(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of processor time of `naclc check`; of the small policy, where waiting counts, of the clock."""
    large = rules(10_000)
    return {
        "check 1,000 lines": {"clock_s": min(_check(work, rules(990))[0] for _ in range(rounds))},
        "check 10,000 rules": {"cpu_s": _check(work, large)[1], "parsing_cpu_s": _parsing(large)},
        "check 100,000 addresses": {"cpu_s": _check(work, addresses(100_000))[1]},
    }


def _check(work: Path, text: str) -> tuple[float, float]:
    """Wall time and processor time of the whole command."""
    policy = work / "large.nacl"
    policy.write_text(text)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "naclc", "check", str(policy)], check=True, capture_output=True)
    took = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _parsing(text: str) -> float:
    start = time.process_time()
    _, found = parse(SourceFile("large.nacl", text))
    assert not found
    return time.process_time() - start
