"""Random frames to the skeleton OS's network stack, under sanitizers, with a new seed each time, for some seconds.

python -m tests.fuzz.hostile SECONDS [SEED]
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time

from tests.cxx.test_net import built_program

TEST = "a_hundred_thousand_hostile_frames_are_all_accounted_for"


def main(seconds: int, first: int) -> None:
    end, rounds = time.monotonic() + seconds, 0
    program = built_program()
    while rounds == 0 or time.monotonic() < end:
        run = subprocess.run([program, TEST], env={**os.environ, "FRAMES_SEED": str(first + rounds)}, check=False)
        if run.returncode != 0:
            sys.exit(f"failed; again: FRAMES_SEED={first + rounds} {program} {TEST}")
        rounds += 1
    print(f"{rounds} times 100,000 frames, from seed {first}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32))
