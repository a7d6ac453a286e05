"""`naclc build` and `naclc run`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, format_option, show, status
from naclc.cli.policy import compiled, refuse_same_file
from naclc.diagnostics import Diagnostic
from naclc.driver import Options
from naclc.image import BuildFailure, Image, Target, build_image

_SIZE_UNIT = 1024


@click.command("build")
@click.argument("policy")
@click.option("-o", "--output", metavar="FILE", help="The image; by default the policy's name with `.elf`, here.")
@click.option(
    "--os",
    "system",
    type=click.Choice(("skeleton", "includeos")),
    default="skeleton",
    help="skeleton: the small OS that comes with naclc. includeos: the one in $INCLUDEOS_PACKAGE.",
)
@click.option(
    "--platform",
    type=click.Choice(("pc", "linux")),
    default="pc",
    help="pc: boots in QEMU. linux: an ordinary program whose NICs are sockets. Skeleton OS only.",
)
@click.option(
    "--nic",
    type=click.Choice(("virtio", "vmxnet3")),
    default="virtio",
    help="IncludeOS's network driver. The skeleton OS has both in every image.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A C++ file of your own that defines Service::start; may be given several times. Skeleton OS only.",
)
@format_option
def build_command(
    policy: str,
    output: str | None,
    system: str,
    platform: str,
    nic: str,
    services: tuple[Path, ...],
    form: str | None,
) -> int:
    """Build an image of POLICY."""
    target = Path(output) if output else Path(Path(policy).stem + ".elf")
    _refuse(policy, target, system, platform, services)
    result = compiled(policy, Options(plugin=bool(services), system=system), Presentation(form))
    assert result.cpp is not None
    with tempfile.TemporaryDirectory(prefix="naclc.") as work:
        service = Path(work) / "service.cpp"
        service.write_text(result.cpp, encoding="utf-8")
        if system == "includeos":
            built = _build_includeos(service, target, nic)
        else:
            kind = Target.PC if platform == "pc" else Target.LINUX
            built = build_image(service, kind, target, plugin=services)
    return _tell(built, form)


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.argument("policy")
@click.option(
    "--net",
    "nets",
    multiple=True,
    metavar="N=NETDEV",
    help="What NIC N is plugged into, as QEMU's -netdev has it without the id, such as "
    "`0=tap,ifname=tap0,script=no`; a NIC that is not named has nobody at its end.",
)
@click.option("--memory", type=click.IntRange(16, 65536), default=32, metavar="MB", help="Memory of the machine.")
@click.option("--machine", type=click.Choice(("q35", "pc")), default="q35", help="QEMU's machine type.")
@click.option("--accel", type=click.Choice(("tcg", "kvm")), default="tcg", help="How QEMU runs it.")
@click.option(
    "--nic",
    type=click.Choice(("virtio", "vmxnet3", "mixed")),
    default="virtio",
    help="Its NICs. mixed: virtio and vmxnet3 in turns.",
)
@format_option
def run_command(
    policy: str, nets: tuple[str, ...], memory: int, machine: str, accel: str, nic: str, form: str | None
) -> int:
    """Boot POLICY in QEMU with its console on this terminal; Ctrl-C ends it.

    On the console `counters` shows what the Ifaces did, `exit 0` stops the machine.
    """
    from naclc.verify.executor import MachineFailure
    from naclc.verify.nics import mac_addresses
    from naclc.verify.qemu import Hardware, run_foreground

    netdevs = _netdevs(nets)
    result = compiled(policy, Options(system="skeleton"), Presentation(form))
    assert result.cpp is not None and result.pipeline is not None
    macs = mac_addresses(result.pipeline)
    for number in sorted(number for number in netdevs if number >= len(macs)):
        raise click.BadParameter(f"there is no NIC {number}: the policy has {len(macs)}", param_hint="--net")
    with tempfile.TemporaryDirectory(prefix="naclc.") as work:
        service, image = Path(work) / "service.cpp", Path(work) / "image.elf"
        service.write_text(result.cpp, encoding="utf-8")
        built = build_image(service, Target.PC, image)
        if isinstance(built, BuildFailure):
            return _tell(built, form)
        try:
            hardware = Hardware(machine, memory, accel, nic)
            return run_foreground(image, macs, netdevs, hardware)
        except MachineFailure as failure:
            show([failure.diagnostic], form)
            return status([failure.diagnostic])


def _refuse(policy: str, target: Path, system: str, platform: str, services: tuple[Path, ...]) -> None:
    """Raises click.UsageError for options that exclude each other, and for an image in the place of a source."""
    if system == "includeos" and services:
        raise click.UsageError("`--service` is for the skeleton OS: with IncludeOS link your own files yourself")
    if system == "includeos" and platform == "linux":
        raise click.UsageError("`--platform linux` is for the skeleton OS only")
    if str(target) == "-":
        raise click.UsageError("an image is a file: name one with `-o`")
    for source in services:
        if os.path.realpath(source) == os.path.realpath(target):
            raise click.UsageError(f"`{source}` is a source: write to another file")
    refuse_same_file(policy, str(target))


def _netdevs(nets: tuple[str, ...]) -> dict[int, str]:
    netdevs: dict[int, str] = {}
    for net in nets:
        number, equals, netdev = net.partition("=")
        if not equals or not number.isdecimal() or not netdev:
            raise click.BadParameter(f"`{net}` is not of the form N=NETDEV", param_hint="--net")
        netdevs[int(number)] = netdev
    return netdevs


def _build_includeos(service: Path, output: Path, nic: str) -> Image | BuildFailure | Diagnostic:
    from naclc.image.includeos import build_includeos

    return build_includeos(service, output, nic)


def _tell(built: Image | BuildFailure | Diagnostic, form: str | None) -> int:
    if isinstance(built, Image):
        click.echo(f"{built.path}: {built.size / _SIZE_UNIT:.0f} KiB", err=form == "json")
        show([], form) if form == "json" else None
        return exits.OK
    if isinstance(built, BuildFailure):
        show([built.diagnostic], form)
        if built.output:
            click.echo(built.output, err=True)
        return status([built.diagnostic])
    show([built], form)
    return status([built])
