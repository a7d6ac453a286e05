"""NaCl.py as it is installed: any Python may start it, from any place."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "scripts/NaCl.py"
POLICY = (CHECKOUT / "examples/firewall/firewall.nacl").read_text()
OTHER = shutil.which("python3", path="/usr/bin") or sys.executable  # a Python without naclc, where there is one

pytestmark = pytest.mark.xdist_group("packaging")


def run(*command, env=None, **more):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False, env=env, **more
    )


def checked(*command, **more):
    done = run(*command, **more)
    assert done.returncode == 0, done.stderr
    return done


def environment(place, requirement, *options):
    """A new virtual environment at `place` with naclc in it; what naclc needs comes from this environment."""
    checked(sys.executable, "-m", "venv", "--without-pip", place)
    library = next((place / "lib").glob("python*/site-packages"))
    (library / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "-q", "--no-deps", "--no-index")
    checked(*pip, *options, requirement)
    return place


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    dist = tmp_path_factory.mktemp("dist")
    checked(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist, cwd=CHECKOUT)
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def from_wheel(wheel, tmp_path_factory):
    return environment(tmp_path_factory.mktemp("wheel") / "env", wheel)


@pytest.fixture(scope="module")
def editable(tmp_path_factory):
    return environment(tmp_path_factory.mktemp("editable") / "env", CHECKOUT, "--no-build-isolation", "-e")


@pytest.fixture(params=["from_wheel", "editable"])
def installed(request):
    return request.getfixturevalue(request.param)


def compiles(tmp_path, *command, env=None):
    done = run(*command, tmp_path / "out.cpp", input=POLICY, cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return "register_plugin_nacl" in (tmp_path / "out.cpp").read_text()


def test_another_python_starts_it(installed, tmp_path):
    assert compiles(tmp_path, OTHER, installed / "bin/NaCl.py")


def test_its_own_python_starts_it(installed, tmp_path):
    assert compiles(tmp_path, installed / "bin/python", installed / "bin/NaCl.py")


def test_the_python_of_an_unrelated_environment_starts_it(installed, tmp_path):
    checked(sys.executable, "-m", "venv", "--without-pip", tmp_path / "unrelated")
    assert compiles(tmp_path, tmp_path / "unrelated/bin/python", installed / "bin/NaCl.py")


def test_it_is_found_through_a_link(installed, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/NaCl.py").symlink_to(installed / "bin/NaCl.py")
    assert compiles(tmp_path, OTHER, tmp_path / "tools/NaCl.py")


def test_it_runs_by_itself(installed, tmp_path):
    assert compiles(tmp_path, installed / "bin/NaCl.py")


def test_a_copy_knows_its_python(from_wheel, tmp_path):
    shutil.copy(from_wheel / "bin/NaCl.py", tmp_path / "NaCl.py")
    assert compiles(tmp_path, OTHER, tmp_path / "NaCl.py")


def test_variables_for_another_python_do_not_disturb(from_wheel, tmp_path):
    (tmp_path / "naclc.py").write_text("raise SystemExit('the wrong module')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    assert compiles(tmp_path, OTHER, from_wheel / "bin/NaCl.py", env=env)


def test_a_module_beside_the_output_does_not_disturb(from_wheel, tmp_path):
    (tmp_path / "click.py").write_text("raise SystemExit('the wrong module')")
    assert compiles(tmp_path, OTHER, from_wheel / "bin/NaCl.py")


def test_the_first_line_of_installers_that_go_by_the_shell(from_wheel, tmp_path):
    body = (from_wheel / "bin/NaCl.py").read_text().split("\n", 1)[1]
    opening = f"#!/bin/sh\n'''exec' \"{from_wheel / 'bin/python'}\" \"$0\" \"$@\"\n' '''\n"
    (tmp_path / "NaCl.py").write_text(opening + body)
    assert compiles(tmp_path, OTHER, tmp_path / "NaCl.py")


def test_an_environment_that_moved_finds_the_python_beside_it(wheel, tmp_path):
    environment(tmp_path / "env", wheel).rename(tmp_path / "moved")
    assert compiles(tmp_path, OTHER, tmp_path / "moved/bin/NaCl.py")


def test_exit_status_and_messages_come_through(installed, tmp_path):
    done = run(OTHER, installed / "bin/NaCl.py", tmp_path / "out.cpp", input="a: 080\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert any(line.startswith("line 1:3 ") and line.endswith(" [leading-zero]") for line in done.stderr.splitlines())
    assert not (tmp_path / "out.cpp").exists()


CMAKE = """\
cmake_minimum_required(VERSION 3.13)
project(nacl NONE)
find_program(PYTHON python)
find_program(NACL NaCl.py)
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/out.cpp
  COMMAND cat ${CMAKE_SOURCE_DIR}/fw.nacl | ${PYTHON} ${NACL} ${CMAKE_BINARY_DIR}/out.cpp
  DEPENDS ${CMAKE_SOURCE_DIR}/fw.nacl)
add_custom_target(policy ALL DEPENDS ${CMAKE_BINARY_DIR}/out.cpp)
"""


@pytest.mark.skipif(shutil.which("cmake") is None or shutil.which("make") is None, reason="no cmake or no make")
def test_cmake_finds_it_stops_at_errors_and_is_up_to_date_afterwards(from_wheel, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "fw.nacl").write_text("a: 080\n")
    env = {**os.environ, "PATH": f"{from_wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    build = ("cmake", "--build", tmp_path / "build")
    checked("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Unix Makefiles", env=env)
    failed = run(*build, env=env)
    assert failed.returncode != 0 and "line 1:3 " in failed.stderr + failed.stdout
    assert not (tmp_path / "build/out.cpp").exists()
    (tmp_path / "fw.nacl").write_text(POLICY)
    assert "NaCl: wrote " in checked(*build, env=env).stdout
    os.utime(tmp_path / "fw.nacl")
    assert "NaCl: wrote " in checked(*build, env=env).stdout
    assert "NaCl: wrote " not in checked(*build, env=env).stdout


def test_a_python_that_has_gone_is_named(tmp_path):
    script = tmp_path / "NaCl.py"
    script.write_text(SCRIPT.read_text().replace("#!python", f"#!{tmp_path}/gone/bin/python", 1))
    done = run(sys.executable, "-S", script, input=POLICY)
    assert done.returncode == 3 and done.stdout == ""
    assert "naclc cannot be found" in done.stderr and f"{tmp_path}/gone/bin/python" in done.stderr


def test_a_python_without_naclc_is_named_with_the_cure(tmp_path):
    checked(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
    python = tmp_path / "env/bin/python"
    script = tmp_path / "NaCl.py"
    script.write_text(SCRIPT.read_text().replace("#!python", f"#!{python}", 1))
    done = run(OTHER, script, input=POLICY)
    assert done.returncode == 3
    assert f"{python} -m pip install naclc" in done.stderr


def test_the_script_is_valid_under_every_python_3():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 0))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.Starred, ast.AsyncFunctionDef)
    assert [node for node in ast.walk(tree) if isinstance(node, newer)] == []
