"""Contenders as shared libraries, and what it took to make them.

naclc      `naclc compile`, its C++ compiled by g++ for baseline x86-64
if-chain   what the transpiler of 2019 wrote (bench/rules/naive.py), compiled alike
dpdk-…     librte_acl: one packet a call, and 64 a call with SSE and with the widest vectors there are
pcap       libpcap's compiler and optimizer, and its interpreter of what they make
ovs        Open vSwitch's classifier, where the environment's OPEN_VSWITCH names a tree in which it is built
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.rules.naive import emit
from bench.rulesets import Rule
from naclc.driver import Options, check_policy
from naclc.source import SourceFile

CPP = Path(__file__).with_name("cpp")
CXX = ("g++", "-std=c++20", "-O2", f"-I{CPP}")
_LIBRARY = ("-fPIC", "-shared", "-fvisibility=hidden")
_MEMORY = 6 << 30  # octets that a compiler may take


class Absent(Exception):
    """Why a contender does not take part."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is decided by: a policy, and its rules where it is a set of rules. `group` names what differs in size only;
    `size` counts rules, or what the policy is made of."""

    group: str
    size: int
    policy: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """`cost`: seconds of processor time and octets, by name."""

    library: Path
    cost: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contender:
    """`most`: rules above which it is left out, since it is known not to cope or not to end."""

    name: str
    title: str
    build: Callable[[Subject, Path, int], Built]
    most: int | None = None
    policies: bool = False  # it can decide by any policy, not by sets of rules alone


def naclc(subject: Subject, work: Path, seconds: int) -> Built:
    policy, service, library = work / "policy.nacl", work / "service.cpp", work / "naclc.so"
    policy.write_text(subject.policy)
    command = [sys.executable, "-m", "naclc", "compile", "-o", str(service), str(policy)]
    compiled = timed(command, seconds, "naclc")
    defines = ("-DNACLC_NATIVE", f'-DNACLC_SERVICE="{service}"')
    built = timed([*CXX, *_LIBRARY, *defines, str(CPP / "generated.cpp"), "-o", str(library)], seconds, "g++", _MEMORY)
    return Built(library, {"naclc_cpu_s": compiled, "cxx_cpu_s": built, **sections(library)})


def if_chain(subject: Subject, work: Path, seconds: int) -> Built:
    checked = check_policy(SourceFile("policy.nacl", subject.policy), Options(analysis_nodes=10_000))
    if checked.pipeline is None:
        raise Absent("the policy has errors")
    source, library = work / "naive.cpp", work / "naive.so"
    source.write_text(emit(checked.pipeline, "rules"))
    built = timed([*CXX, *_LIBRARY, str(source), "-o", str(library)], seconds, "g++", _MEMORY)
    return Built(library, {"cxx_cpu_s": built, **sections(library)})


def dpdk(name: str, batch: int, algorithm: str) -> Callable[[Subject, Path, int], Built]:
    defines = (f"-DNACLC_BATCH={batch}", f"-DNACLC_ALGORITHM=RTE_ACL_CLASSIFY_{algorithm}")

    def build(_: Subject, work: Path, seconds: int) -> Built:
        library = work / f"{name}.so"
        options = [*dpdk_flags(), *defines, str(CPP / "dpdk_acl.cpp"), "-lrte_acl", "-lrte_eal"]
        timed([*CXX, *_LIBRARY, *options, "-o", str(library)], seconds, "g++")
        return Built(library)

    return build


def pcap(_: Subject, work: Path, seconds: int) -> Built:
    if not Path("/usr/include/pcap/pcap.h").exists():
        raise Absent("libpcap is not here: apt-get install libpcap-dev")
    library = work / "pcap.so"
    timed([*CXX, *_LIBRARY, str(CPP / "pcap.cpp"), "-lpcap", "-o", str(library)], seconds, "g++")
    return Built(library)


def open_vswitch(_: Subject, work: Path, seconds: int) -> Built:
    tree = Path(os.environ.get("OPEN_VSWITCH", "/nonexistent"))
    archive = tree / "lib/.libs/libopenvswitch.a"
    if not archive.exists():
        raise Absent("it is not here: OPEN_VSWITCH names no tree with lib/libopenvswitch.la, built with -fPIC")
    glue, library = work / "ovs_classifier.o", work / "ovs.so"
    headers = [f"-I{tree / folder}" for folder in (".", "include", "lib")]
    compile_ = ["gcc", "-O2", "-fPIC", "-DNDEBUG", *headers, "-c", str(CPP / "ovs_classifier.c"), "-o", str(glue)]
    timed(compile_, seconds, "gcc")
    files = [str(CPP / "open_vswitch.cpp"), str(glue), str(archive)]
    timed([*CXX, *_LIBRARY, *files, *_private_libraries(tree), "-o", str(library)], seconds, "g++")
    return Built(library)


def _private_libraries(tree: Path) -> list[str]:
    """What the configured tree wants to be linked with."""
    lines = (tree / "lib/libopenvswitch.pc").read_text().splitlines()
    return next((line.split()[1:] for line in lines if line.startswith("Libs.private:")), [])


def dpdk_flags() -> list[str]:
    """What g++ needs for DPDK's headers, which are not made for our warnings.

    Raises:
        Absent: it is not installed.
    """
    try:
        found = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Absent("DPDK is not here: apt-get install libdpdk-dev pkg-config") from None
    flags = (flag.replace("-I", "-isystem", 1) for flag in found.stdout.split())
    return [*(flag for flag in flags if not flag.startswith("-march=")), "-mssse3"]


CONTENDERS = (
    Contender("naclc", "naclc", naclc, policies=True),
    Contender("if-chain", "if-chain (NaCl 2019)", if_chain, most=2000, policies=True),
    Contender("dpdk-1", "DPDK ACL, 1 packet", dpdk("dpdk-1", 1, "DEFAULT"), most=20_000),
    Contender("dpdk-sse-64", "DPDK ACL, SSE, 64 packets", dpdk("dpdk-sse-64", 64, "SSE"), most=20_000),
    Contender("dpdk-max-64", "DPDK ACL, widest, 64 packets", dpdk("dpdk-max-64", 64, "DEFAULT"), most=20_000),
    Contender("pcap", "libpcap's BPF", pcap, most=2000),
    Contender("ovs", "Open vSwitch's classifier", open_vswitch, most=2000),
)


def build(contender: Contender, subject: Subject, work: Path, seconds: int) -> Built:
    """The contender as a library in `work`, within `seconds` of processor time for each step.

    Raises:
        Absent: it has not all it needs here, or it does not cope with the subject.
    """
    if not subject.rules and not contender.policies:
        raise Absent("decides by sets of 5-tuple rules only")
    if contender.most is not None and subject.size > contender.most:
        raise Absent(f"not tried above {contender.most} rules")
    return contender.build(subject, work, seconds)


def timed(command: Sequence[str], seconds: int, what: str, memory: int | None = None) -> float:
    """Seconds of processor time that a command and its children took.

    Raises:
        Absent: a process of it took more than `seconds`, or more than `memory` octets, or failed.
    """

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "NO_COLOR": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if ran.returncode != 0:
        last = (ran.stderr.strip() or f"status {ran.returncode}").splitlines()[-1]
        raise Absent(f"{what} took more than {seconds} s" if took > 0.9 * seconds else f"{what} failed: {last}")
    return took


def sections(library: Path) -> dict[str, float]:
    """Octets of machine code and of tables in a library."""
    listed = subprocess.run(["size", "-A", str(library)], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in listed.splitlines()]
    sizes = {words[0]: int(words[1]) for words in lines if len(words) == 3 and words[1].isdigit()}
    return {"code_octets": sizes.get(".text", 0), "table_octets": sizes.get(".rodata", 0)}
