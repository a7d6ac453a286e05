"""`build --os includeos`: what is missing is named, and cmake is run as IncludeOS wants it. cmake is a fake."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from naclc.image import includeos
from naclc.image.includeos import build_includeos
from naclc.image.target import BuildFailure, Image

PACKAGE_FILES = (
    "cmake/os.cmake",
    "include/os",
    "lib/libos.a",
    "drivers/libvirtionet.a",
    "drivers/libvmxnet3.a",
    "drivers/stdout/libdefault_stdout.a",
)

# Records its arguments and does what the test says: configures, then "builds" an image.
FAKE_CMAKE = """#!/bin/sh
case "$1" in
  --version) echo "cmake version ${FAKE_VERSION:-3.31.6}" ;;
  --build) echo "$@" >> "$FAKE_LOG"; BUILD="$2"; %s ;;
  *) echo "$@" >> "$FAKE_LOG"; mkdir -p "$4"; %s ;;
esac
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "includeos"
    for name in PACKAGE_FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    monkeypatch.setenv("INCLUDEOS_PACKAGE", str(root))
    return root


@pytest.fixture
def service(tmp_path: Path) -> Path:
    path = tmp_path / "service.cpp"
    path.write_text("void Service::start() {}\n")
    return path


def install_cmake(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    build: str = 'echo image > "$BUILD/service.elf.bin"',
    configure: str = ":",
) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    cmake = folder / "cmake"
    cmake.write_text(FAKE_CMAKE % (build, configure))
    cmake.chmod(cmake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def failure_of(built: Image | BuildFailure) -> BuildFailure:
    assert isinstance(built, BuildFailure)
    return built


def test_without_the_variable(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INCLUDEOS_PACKAGE", raising=False)
    diagnostic = failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic
    assert diagnostic.code == "includeos-missing"
    assert "INCLUDEOS_PACKAGE is not set" in diagnostic.message


def test_with_a_directory_that_is_none(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCLUDEOS_PACKAGE", str(tmp_path / "nowhere"))
    diagnostic = failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic
    assert diagnostic.code == "includeos-missing"
    assert "which is not a directory" in diagnostic.message


@pytest.mark.parametrize("absent", ["cmake/os.cmake", "lib/libos.a", "drivers/libvmxnet3.a"])
def test_with_a_directory_that_holds_something_else(absent: str, package: Path, service: Path, tmp_path: Path) -> None:
    (package / absent).unlink()
    diagnostic = failure_of(build_includeos(service, tmp_path / "image", "vmxnet3")).diagnostic
    assert diagnostic.code == "includeos-missing"
    assert f"which has no {absent}" in diagnostic.message


@pytest.mark.usefixtures("package")
def test_without_cmake(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic.code == "cmake-missing"


@pytest.mark.usefixtures("package")
def test_with_an_old_cmake(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cmake(tmp_path, monkeypatch)
    monkeypatch.setenv("FAKE_VERSION", "3.25.1")
    diagnostic = failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic
    assert diagnostic.code == "cmake-missing"
    assert "3.25.1, too old" in diagnostic.message


@pytest.mark.parametrize("nic", ["virtio", "vmxnet3"])
def test_an_image(nic: str, package: Path, service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = install_cmake(tmp_path, monkeypatch)
    built = build_includeos(service, tmp_path / "image", nic)
    assert isinstance(built, Image)
    assert (tmp_path / "image").read_text() == "image\n"
    configured, made = log.read_text().splitlines()
    assert f"-DINCLUDEOS_PACKAGE={package} -DCMAKE_MODULE_PATH={package}/cmake -DARCH=x86_64" in configured
    assert f"-DSERVICE_CPP={service} -DNIC={nic}" in configured
    assert made.startswith("--build ")


@pytest.mark.usefixtures("package")
def test_what_the_compiler_says_is_kept(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cmake(tmp_path, monkeypatch, build='echo "service.cpp:1: error: no such thing" >&2; exit 2')
    failure = failure_of(build_includeos(service, tmp_path / "image", "virtio"))
    assert failure.diagnostic.code == "compiler-failed"
    assert "no such thing" in failure.diagnostic.message
    assert "service.cpp:1: error" in failure.output
    assert not (tmp_path / "image").exists()


@pytest.mark.usefixtures("package")
def test_an_old_image_survives_a_failed_build(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image").write_text("old")
    install_cmake(tmp_path, monkeypatch, configure="exit 1")
    failure_of(build_includeos(service, tmp_path / "image", "virtio"))
    assert (tmp_path / "image").read_text() == "old"
    assert not [left for left in tmp_path.iterdir() if left.name.startswith(".image")]


@pytest.mark.usefixtures("package")
def test_a_build_without_a_result(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cmake(tmp_path, monkeypatch, build=":")
    message = failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic.message
    assert "made no service.elf.bin" in message


@pytest.mark.usefixtures("package")
def test_a_cmake_that_hangs_is_ended(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cmake(tmp_path, monkeypatch, configure="sleep 60")
    monkeypatch.setattr(includeos, "_SECONDS", 0.5)
    start = time.monotonic()
    message = failure_of(build_includeos(service, tmp_path / "image", "virtio")).diagnostic.message
    assert "no end after" in message
    assert time.monotonic() - start < 30


@pytest.mark.usefixtures("package")
def test_an_output_that_cannot_be_written(service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_cmake(tmp_path, monkeypatch)
    failure = failure_of(build_includeos(service, tmp_path / "nowhere" / "image", "virtio"))
    assert failure.diagnostic.code == "unwritable-output"


def test_vm_json_names_the_driver_to_be_filled_in() -> None:
    machine = json.loads((includeos.resource("includeos_skeleton") / "service" / "vm.json").read_text())
    assert [nic["device"] for nic in machine["net"]] == ["@NIC@", "@NIC@"]
    assert machine["image"] == "service.elf.bin"
