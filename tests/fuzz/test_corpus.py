"""The kept inputs of the fuzz targets, and that the tools around the targets do what they say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from naclc.driver import Options, check_policy
from naclc.interpret.events import Delivered, Dropped, Held, Sent
from naclc.source import SourceFile
from tests.fuzz import __main__ as command
from tests.fuzz import frames, guided, mutate
from tests.fuzz.seeds import kept, seeds
from tests.fuzz.targets import TARGETS

INPUTS = [(target, name) for target in TARGETS for name in kept(target)]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fuzzing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("target", "name"), INPUTS)
def test_kept(target: str, name: str) -> None:
    assert TARGETS[target](kept(target)[name]) is None


def test_the_frames_lead_everywhere() -> None:
    kinds = set()
    for data in kept("machine").values():
        octets = frames.Octets(data)
        pipeline, machine, _ = frames.fresh(frames.POLICIES[octets.octet()])
        while octets:
            change = frames.next_change(octets, pipeline)
            events = machine.wait(change) if isinstance(change, int) else machine.receive(*change)
            kinds |= {type(event) for event in events}
    assert kinds >= {Sent, Delivered, Dropped, Held}


def test_mutated_policies_are_often_legal_and_mostly_changed() -> None:
    policy = seeds("policy")[-1]
    drawn = [mutate.mutate(policy, 8192, number) for number in range(40)]
    assert drawn == [mutate.mutate(policy, 8192, number) for number in range(40)]
    assert len(set(drawn)) > 30
    legal = [check_policy(SourceFile("m.nacl", data.decode()), Options(analysis_nodes=100_000)).ok for data in drawn]
    assert 3 < sum(legal) < 40


def test_a_blind_run_keeps_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        raise ValueError(data)

    monkeypatch.setitem(TARGETS, "machine", fails)
    with pytest.raises(ValueError) as raised:
        guided.blind("machine", 5, tmp_path)
    data = raised.value.args[0]
    assert (tmp_path / f"crash-{hashlib.sha1(data).hexdigest()}").read_bytes() == data


def test_a_target_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.COMMANDS, "hostile", ("guided", "policy"))
    assert command.run("hostile", 0, grace=0) == "did not end in time"


def test_ten_minutes_are_enough_for_all() -> None:
    assert len(command.COMMANDS) * (command.SECONDS + command.GRACE) <= 600


@pytest.mark.parametrize("target", command.COMMANDS)
def test_every_target_is_described(target: str) -> None:
    assert f"\n| `{target}` |" in PAGE
