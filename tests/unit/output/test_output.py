"""Output files are whole or untouched."""

import os
import resource
import signal
import stat

import pytest

from naclc.output import put_in_place, write_output


def test_writes_a_new_file(tmp_path):
    assert write_output(str(tmp_path / "out"), b"text") is None
    assert (tmp_path / "out").read_bytes() == b"text"


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_output(str(tmp_path / "out"), b"text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_replacing_keeps_the_mode(tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    (tmp_path / "out").chmod(0o600)
    write_output(str(tmp_path / "out"), b"new")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


def test_an_unchanged_file_keeps_its_time(tmp_path):
    target = tmp_path / "out"
    target.write_bytes(b"same")
    os.utime(target, (1, 1))
    write_output(str(target), b"same")
    assert target.stat().st_mtime == 1


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_output(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("path", ["missing/out", ".", "/proc/nothing"])
def test_a_place_that_cannot_be_written_is_one_diagnostic(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    problem = write_output(path, b"text")
    assert problem is not None and problem.code == "unwritable-output" and path in problem.message


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        problem = write_output(str(tmp_path / "out"), b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert problem is not None and problem.code == "unwritable-output"
    assert (tmp_path / "out").read_bytes() == b"old" and os.listdir(tmp_path) == ["out"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_device_is_one_diagnostic():
    problem = write_output("/dev/full", b"text")
    assert problem is not None and "no space left" in problem.message


def test_a_finished_file_takes_the_place_of_the_old_one_and_a_link_stays_a_link(tmp_path):
    (tmp_path / "made").write_bytes(b"new")
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    put_in_place(tmp_path / "made", tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
    assert not (tmp_path / "made").exists()


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    (tmp_path / "made").write_bytes(b"new")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        put_in_place(tmp_path / "made", tmp_path / "pipe")
        assert os.read(reader, 100) == b"new" and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    finally:
        os.close(reader)


def test_a_directory_is_not_replaced(tmp_path):
    (tmp_path / "made").write_bytes(b"new")
    (tmp_path / "out").mkdir()
    with pytest.raises(IsADirectoryError):
        put_in_place(tmp_path / "made", tmp_path / "out")
