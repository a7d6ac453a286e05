"""A config.json wherever a policy is: by its name, or by its first character."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = '{ "net": [ { "iface": 0, "config": "static", "address": "192.0.2.1/24" } ] }\n'
NACL_PY = Path(__file__).resolve().parents[3] / "scripts" / "NaCl.py"


def naclc(*arguments, text=""):
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(CONFIG)
    return path


def test_check_and_compile_take_one(config):
    assert naclc("check", str(config)).returncode == 0
    run = naclc("compile", str(config))
    assert run.returncode == 0 and "// nic0" in run.stdout


def test_standard_input_is_json_by_its_first_character():
    assert "192, 0, 2, 1" in naclc("compile", "-", text="\n  " + CONFIG).stdout


def test_a_name_in_json_is_enough(tmp_path):
    path = tmp_path / "fw.json"
    path.write_text("Iface eth0 { index: 0 }\n")
    run = naclc("check", str(path), "--format", "compact")
    assert (
        run.returncode == 1 and "fw.json:1:1: error: a value should stand here, not `Iface`" in run.stdout + run.stderr
    )


def test_the_place_of_a_mistake_is_in_the_json(config):
    config.write_text(CONFIG.replace("/24", "/0"))
    run = naclc("check", str(config), "--format", "compact")
    assert run.returncode == 1 and "config.json:1:57: error: " in run.stdout + run.stderr


def test_an_output_is_not_touched_when_there_is_a_mistake(config, tmp_path):
    config.write_text(CONFIG.replace("net", "router"))
    output = tmp_path / "service.cpp"
    output.write_text("before")
    assert naclc("compile", str(config), "-o", str(output)).returncode == 1
    assert output.read_text() == "before"


def test_the_model_is_shown(config):
    assert naclc("compile", str(config), "--dump", "model").stdout.startswith("iface nic0 = 0\n  nic 0\n")


def test_the_number_of_nics_counts(config):
    run = naclc("check", str(config), "--nics", "0")
    assert run.returncode == 1 and "[nic-missing]" in run.stdout + run.stderr


def test_it_is_tested_on_every_executor(config):
    tests = config.with_name("pings.yaml")
    tests.write_text(
        "tests:\n"
        "  - name: a ping is answered\n"
        "    in: nic0\n"
        "    packet: {src: 192.0.2.9, dst: 192.0.2.1, icmp: {type: echo-request}}\n"
        "    expect: {answer: {src: 192.0.2.1, dst: 192.0.2.9, icmp: {type: echo-reply}}}\n"
    )
    run = naclc("test", str(config), "--tests", str(tests))
    assert run.returncode == 0 and "all passed" in run.stdout, run.stdout + run.stderr


def test_nacl_py_takes_one(tmp_path):
    command = [sys.executable, str(NACL_PY), "out.cpp"]
    run = subprocess.run(command, input=CONFIG, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "192, 0, 2, 1" in (tmp_path / "out.cpp").read_text()
