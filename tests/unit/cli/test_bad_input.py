"""Bad input at the command line: one clear message, the right exit status, no traceback, no half-written file."""

import os
import resource
import signal
import subprocess
import sys

import pytest

GOOD = "Iface e { index: 0, input: f }\nFilter::IP f { drop }\n"
HUNDRED = "".join(f"name{number}: nothing{number}\n" for number in range(100))


def naclc(*arguments, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


@pytest.fixture
def place(tmp_path):
    (tmp_path / "good.nacl").write_text(GOOD)
    (tmp_path / "bad.nacl").write_text(GOOD.replace("drop", "dorp"))
    (tmp_path / "empty.nacl").write_text("")
    (tmp_path / "latin1.nacl").write_bytes(b'Filter::IP f { log("\xe9") drop }\n')
    (tmp_path / "nul.nacl").write_bytes(b"Iface e {\0 index: 0 }\n")
    (tmp_path / "hundred.nacl").write_text(HUNDRED)
    (tmp_path / "folder.nacl").mkdir()
    with open(tmp_path / "huge.nacl", "wb") as file:
        file.truncate(50 << 20)
    return tmp_path


@pytest.mark.parametrize("command", ["check", "compile"])
@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("missing.nacl", "unreadable-file"),
        ("folder.nacl", "unreadable-file"),
        ("huge.nacl", "file-too-large"),
        ("latin1.nacl", "bad-encoding"),
        ("nul.nacl", "bad-character"),
        ("bad.nacl", "unknown-action"),
    ],
)
def test_a_file_that_is_no_policy_is_one_error(place, command, policy, code):
    run = naclc(command, policy, cwd=place)
    assert run.returncode == 1 and run.stdout == ""
    assert f"[{code}]" in run.stderr and policy in run.stderr and "Traceback" not in run.stderr


def test_an_empty_policy_is_a_service_that_does_nothing(place):
    run = naclc("compile", "empty.nacl", "-o", "out.cpp", cwd=place)
    assert run.returncode == 0 and "register_plugin_nacl" in (place / "out.cpp").read_text()


def test_a_hundred_errors_are_all_shown_in_order(place):
    run = naclc("check", "hundred.nacl", "--format", "compact", cwd=place)
    lines = [line for line in run.stderr.splitlines() if "unknown-name" in line]
    assert run.returncode == 1
    assert [line.split(":")[1] for line in lines] == [str(number) for number in range(1, 101)]


@pytest.mark.parametrize("output", ["missing/out.cpp", ".", "folder.nacl"])
def test_an_output_that_cannot_be_written_is_one_error(place, output):
    run = naclc("compile", "good.nacl", "-o", output, cwd=place)
    assert run.returncode == 1 and "[unwritable-output]" in run.stderr and "Traceback" not in run.stderr


def test_a_policy_with_an_error_leaves_the_output_as_it_was(place):
    (place / "out.cpp").write_text("old")
    assert naclc("compile", "bad.nacl", "-o", "out.cpp", cwd=place).returncode == 1
    assert (place / "out.cpp").read_text() == "old"


def test_a_full_disk_leaves_the_output_as_it_was(place):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    (place / "out.cpp").write_text("old")
    run = naclc("compile", "good.nacl", "-o", "out.cpp", cwd=place, preexec_fn=small_files)
    assert run.returncode == 1 and "[unwritable-output]" in run.stderr and "Traceback" not in run.stderr
    assert (place / "out.cpp").read_text() == "old"
    assert not [name for name in os.listdir(place) if name.startswith(".out")]


def test_the_same_policy_gives_the_same_bytes(place):
    first = naclc("compile", "good.nacl", cwd=place, env={**os.environ, "PYTHONHASHSEED": "1"})
    second = naclc("compile", "good.nacl", cwd=place, env={**os.environ, "PYTHONHASHSEED": "2"})
    assert first.stdout == second.stdout != ""


def test_a_reader_that_leaves_is_no_error(place):
    command = f"{sys.executable} -m naclc compile good.nacl | head -1"
    run = subprocess.run(["bash", "-c", command], cwd=place, capture_output=True, text=True, timeout=60, check=True)
    assert "Traceback" not in run.stderr and "error" not in run.stderr


@pytest.mark.parametrize(
    "arguments",
    [("compile",), ("nonsense",), ("compile", "good.nacl", "--dump", "nothing"), ("test", "good.nacl", "--on", "moon")],
)
def test_wrong_usage_is_status_2(place, arguments):
    run = naclc(*arguments, cwd=place)
    assert run.returncode == 2 and "Usage" in run.stderr


def test_a_machine_without_a_compiler_is_status_3(place):
    run = naclc("build", "good.nacl", cwd=place, env={**os.environ, "PATH": str(place)})
    assert run.returncode == 3 and "[compiler-missing]" in run.stderr and "apt-get install" in run.stderr


def test_a_machine_without_qemu_is_status_3(place):
    run = naclc("run", "good.nacl", cwd=place, env={**os.environ, "PATH": _with_only(place, "g++")})
    assert run.returncode == 3 and "[qemu-missing]" in run.stderr and "apt-get install" in run.stderr


def test_an_installation_without_scapy_is_status_3(place):
    without = place / "without"
    without.mkdir()
    (without / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'scapy' else find(name, package)\n"
    )
    run = naclc("test", "good.nacl", cwd=place, env={**os.environ, "PYTHONPATH": str(without)})
    assert run.returncode == 3 and "[extra-missing]" in run.stderr and "naclc[probe]" in run.stderr


def test_a_fault_of_ours_is_one_line_and_status_70(place):
    broken = place / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import naclc.driver\ndef fails(*_a, **_k): raise KeyError('x')\nnaclc.driver.compile_policy = fails\n"
    )
    run = naclc("compile", "good.nacl", cwd=place, env={**os.environ, "PYTHONPATH": str(broken)})
    assert run.returncode == 70 and "internal error" in run.stderr and "Traceback" not in run.stderr


def _with_only(place, *programs):
    """A PATH on which nothing but `programs` and what they need can be found."""
    bin_directory = place / "bin"
    bin_directory.mkdir()
    for program in (*programs, "as", "ld", "ar"):
        found = next(
            os.path.join(folder, program)
            for folder in os.environ["PATH"].split(":")
            if os.path.exists(os.path.join(folder, program))
        )
        (bin_directory / program).symlink_to(os.path.realpath(found))
    return str(bin_directory)
