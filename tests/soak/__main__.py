"""A million random packets through machines of every kind of NIC: `make soak`.

    python -m tests.soak [--packets N] [--seed N] [NIC...]

Exit status 1 when something does not add up.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from naclc.verify import qemu
from tests.soak.soak import faults, soak


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.soak", description="Random packets through booted machines.")
    arguments.add_argument("--packets", type=int, default=1_000_000, help="for each machine (default: %(default)s)")
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="draws other packets")
    arguments.add_argument("nics", nargs="*", metavar="NIC", help=", ".join(qemu.NICS))
    given = arguments.parse_args()
    unknown = [nic for nic in given.nics if nic not in qemu.NICS]
    if unknown:
        arguments.error(f"no such NIC: {unknown[0]}")
    failed = False
    for nic in given.nics or qemu.NICS:
        soaked = soak(nic, given.packets, given.seed)
        found = faults(soaked)
        failed = failed or bool(found)
        rate = sum(soaked.traffic[name] for name in ("sent0", "sent1")) / soaked.seconds / 1000
        print(f"{nic}: {given.packets} packets, seed {given.seed}, {soaked.seconds:.0f} s, {rate:.0f} kpps")
        print("  " + " ".join(f"{name}={value}" for name, value in soaked.after.counters["machine"].items()))
        free = [asked.memory["frames_free"] for asked in (soaked.before, soaked.after)]
        print(f"  frames free before {free[0]}, after {free[1]}; longest step {soaked.traffic['longest']:.3f} s")
        print("  " + ("; ".join(found) if found else "all adds up"), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
