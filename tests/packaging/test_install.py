"""The package as users get it: wheel from sdist, and the editable checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from naclc.resources import resource

CHECKOUT = Path(__file__).resolve().parents[2]
POLICY = CHECKOUT / "examples/firewall/firewall.nacl"

pytestmark = pytest.mark.xdist_group("packaging")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """dist/ with an sdist and the wheel that was built from that sdist."""
    dist = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(CHECKOUT)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return dist


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A directory with the wheel installed, without its dependencies: those of this environment serve."""
    target = tmp_path_factory.mktemp("site")
    wheel = next(built.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return target


def run_installed(installed, *arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_wheel_has_what_the_compiler_reads_and_nothing_else(built):
    names = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    for needed in ("grammar/nacl.lark", "includeos_skeleton/os/platform/platform.hpp", "diagnostics/unused.md"):
        assert f"naclc/_data/{needed}" in names
    assert any(name.startswith("naclc/_data/emit/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".o", ".a", ".so"))]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"naclc"}


def test_the_sdist_has_the_tests_and_the_documents(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"README.md", "LICENSE", "Makefile", "pyproject.toml", "examples/firewall/firewall.nacl"} <= names


def test_the_wheel_compiles_a_policy_from_any_directory(installed, tmp_path):
    (tmp_path / "fw.nacl").write_text(POLICY.read_text())
    run = run_installed(installed, "compile", "fw.nacl", "-o", "service.cpp", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "register_plugin_nacl" in (tmp_path / "service.cpp").read_text()


def test_the_wheel_explains_its_diagnostics(installed, tmp_path):
    run = run_installed(installed, "explain", "unused", cwd=tmp_path)
    assert run.stdout == (CHECKOUT / "docs/diagnostics/unused.md").read_text()


def test_the_wheel_uses_its_own_data(installed, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", "from naclc.resources import resource; print(resource('grammar'))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(installed / "naclc/_data/grammar")


def test_the_editable_install_uses_the_checkout():
    assert resource("emit") == CHECKOUT / "emit"
