"""What a guided run begins with: the kept inputs of tests/fuzz/corpus, and what the repository has of the kind."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CORPUS = CHECKOUT / "tests" / "fuzz" / "corpus"
POLICIES = ("tests/corpus/*.nacl", "tests/verdicts/*.nacl", "tests/golden/policies/*.nacl", "examples/*/*.nacl")
CASE = re.compile(rb"^== [^\n]*\n(.*?)^---$", re.DOTALL | re.MULTILINE)
OTHERS = {
    "parser": POLICIES,
    "policy": POLICIES,
    "config": ("tests/cases/config/*.case",),
    "tests-file": ("examples/*/*.tests.yaml",),
    "machine": (),
}


def kept(target: str) -> dict[str, bytes]:
    """The inputs of tests/fuzz/corpus by name. A `.hex` file holds octets in hexadecimal, and comments behind `#`."""
    return {path.name: read(path) for path in sorted((CORPUS / target).iterdir())}


def read(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".hex":
        return data
    return bytes.fromhex(re.sub(r"#.*", "", data.decode("ascii")))


def seeds(target: str) -> list[bytes]:
    """All that a run of `target` begins with."""
    others = [data for pattern in OTHERS[target] for path in sorted(CHECKOUT.glob(pattern)) for data in inputs(path)]
    return [*kept(target).values(), *others]


def inputs(path: Path) -> list[bytes]:
    """The file, or of a `.case` file what stands above each `---`."""
    data = path.read_bytes()
    return CASE.findall(data) if path.suffix == ".case" else [data]
