"""One target of tests/fuzz/targets.py for some seconds: guided by coverage (atheris), or blind where there is none.

    python -m tests.fuzz.guided TARGET SECONDS

What is found stays in build/fuzz/TARGET: `corpus` for the next run, `crashes` for you.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import CHECKOUT, seeds

KEPT = CHECKOUT / "build" / "fuzz"
LONGEST = {"parser": 4096, "policy": 8192, "config": 4096, "tests-file": 4096, "machine": 512}  # octets
SLOWEST = 20  # seconds that one input may take


def main(target: str, seconds: int) -> None:
    corpus, crashes = KEPT / target / "corpus", KEPT / target / "crashes"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    for seed in seeds(target):
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    try:
        import atheris
    except ImportError:
        print(f"atheris is not installed for this Python: {target} runs blind", flush=True)
        blind(target, seconds, crashes)
    else:
        guided(atheris, target, seconds)


def guided(atheris: Any, target: str, seconds: int) -> None:
    with atheris.instrument_imports(include=["naclc"]):
        from tests.fuzz.targets import TARGETS

        check = TARGETS[target]
        for seed in seeds(target)[:8]:  # imports what is imported late
            check(seed)
    from tests.fuzz.mutate import mutate, words

    folder = KEPT / target
    dictionary = folder / "dictionary"
    quoted = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words(target) if word.isascii()]
    dictionary.write_text("".join(f'"{word}"\n' for word in quoted))
    arguments = [
        *(sys.argv[0], str(folder / "corpus"), f"-artifact_prefix={folder / 'crashes'}/"),
        *(f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-max_len={LONGEST[target]}"),
        *("-rss_limit_mb=3000", "-print_final_stats=1", "-verbosity=1"),
    ]
    if target != "machine":
        arguments.append(f"-dict={dictionary}")

    def changed(data: bytes, most: int, seed: int) -> bytes:
        return mutate(data, most, seed) if seed % 4 else atheris.Mutate(data, most)

    if target == "policy":
        atheris.Setup(arguments, check, custom_mutator=changed)
    else:
        atheris.Setup(arguments, check)
    atheris.Fuzz()


def blind(target: str, seconds: int, crashes: Path) -> None:
    from tests.fuzz.mutate import flip, mutate
    from tests.fuzz.targets import TARGETS

    check, begin, drawn = TARGETS[target], seeds(target), random.Random()
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        change = mutate if target in ("parser", "policy") and drawn.random() < 0.75 else flip
        data = change(drawn.choice(begin), LONGEST[target], drawn.getrandbits(32))
        started = time.monotonic()
        try:
            check(data)
            assert time.monotonic() - started < SLOWEST, "too slow"
        except BaseException:
            crash = crashes / f"crash-{hashlib.sha1(data).hexdigest()}"
            crash.write_bytes(data)
            print(f"the input is {crash}", file=sys.stderr)
            raise
        runs += 1
    print(f"Done {runs} runs in {seconds} second(s)")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
