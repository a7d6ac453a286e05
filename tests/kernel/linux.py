"""The Linux kernel of this machine as a router: a worker in namespaces of its own, and what it needs to be there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from naclc.net.addresses import format_address, prefix_of
from naclc.pipeline.pipeline import Pipeline, Route

WORKER = Path(__file__).with_name("worker.py")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
OF_THE_MACHINE = "net.netfilter.nf_conntrack_max"  # a namespace cannot set it
SECONDS = 60  # for one answer of the worker, and for its end
UNSHARE = (("unshare", "-rn"), ("unshare", "-n"))  # as anybody, or as root where there are no user namespaces


def require_kernel() -> None:
    """Skip the test, or with REQUIRE_NET=1 fail it, where there is no kernel to ask."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("REQUIRE_NET") == "1":
        pytest.fail(f"REQUIRE_NET=1, but {reason}")
    pytest.skip(reason)


def missing() -> str | None:
    """What keeps this machine from running rulesets in namespaces; None: nothing."""
    for program in ("unshare", "ip", "nft"):
        if shutil.which(program, path=PATH) is None:
            return f"{program} is not installed"
    return None if namespace() else "network namespaces with nftables do not work here"


@cache
def namespace() -> tuple[str, ...]:
    """The command that runs another one in a network namespace of its own, as its root; empty: there is none."""
    tries = ((*unshare, "nft", "list", "ruleset") for unshare in UNSHARE)
    return next((tried[:2] for tried in tries if _succeeds(tried)), ())


def _succeeds(command: tuple[str, ...]) -> bool:
    done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS, env={**os.environ, "PATH": PATH})
    return done.returncode == 0


def setup_of(pipeline: Pipeline) -> dict[str, Any]:
    """Addresses and routes for the worker, as docs/language.md 8.1 and 8.4 use them."""
    ifaces = [
        {"name": i.name, "address": format_address(i.address), "prefix": prefix_of(i.netmask)}
        for i in pipeline.ifaces
        if i.address is not None and i.netmask is not None
    ]
    routes: list[str] = []
    for metric, route in enumerate(pipeline.router.routes if pipeline.router else (), 1):
        routes += _routes(pipeline, route, metric)
    if pipeline.router is None:
        routes += [f"{_net(i.address & i.netmask, i.netmask)} dev {i.name}" for i in pipeline.ifaces]
    return {"ifaces": ifaces, "routes": routes}


def _routes(pipeline: Pipeline, route: Route, metric: int) -> list[str]:
    """One route, and what it reaches without its next hop."""
    out = pipeline.ifaces[route.iface]
    hop = out.gateway if route.nexthop is None else route.nexthop
    subnet = out.address & out.netmask
    target = _net(route.net, route.netmask)
    inside = route.netmask >= out.netmask and route.net & out.netmask == subnet
    if inside:
        return [f"{target} dev {out.name} metric {metric}"]
    lines = [f"{target} via {format_address(hop)} dev {out.name} onlink metric {metric}" if hop else ""]
    covering = (r for r in pipeline.router.routes if subnet & r.netmask == r.net and r.netmask <= out.netmask)
    best = next(covering, None)
    if subnet & route.netmask == route.net and best is route:
        lines.append(f"{_net(subnet, out.netmask)} dev {out.name} metric {metric}")
    return [line for line in lines if line] if hop else [*lines[1:], f"unreachable {target} metric {metric}"]


def _net(address: int, mask: int) -> str:
    return f"{format_address(address)}/{prefix_of(mask)}"


class LinuxRouter:
    """A context: the worker runs inside it, and is gone behind it."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self._setup = setup

    def __enter__(self) -> LinuxRouter:
        self._worker = subprocess.Popen(
            [*namespace(), sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": PATH},
        )
        try:
            self._ask(self._setup)
        except BaseException:
            self._worker.kill()
            self._worker.wait()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        assert self._worker.stdin is not None
        self._worker.stdin.close()
        try:
            self._worker.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()

    def load(self, ruleset: str, sysctls: dict[str, int]) -> None:
        """Raises AssertionError when nft or the kernel says no."""
        assert not self._ask({"do": "load", "ruleset": ruleset})["error"]
        values = {name: value for name, value in sysctls.items() if name != OF_THE_MACHINE}
        assert not self._ask({"do": "sysctl", "values": values})["error"]

    def flush(self) -> None:
        """Forget all connections."""
        self._ask({"do": "flush"})

    def send(self, iface: str, packet: bytes) -> tuple[list[tuple[str, bytes]], list[bytes]]:
        """Let `packet` arrive; what left on which Iface, and what was delivered."""
        answer = self._ask({"do": "send", "iface": iface, "packet": packet.hex()})
        out = [(name, bytes.fromhex(text)) for name, text in answer["out"]]
        return out, [bytes.fromhex(text) for text in answer["local"]]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        assert line, "the worker has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer
