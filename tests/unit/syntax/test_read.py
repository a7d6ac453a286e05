"""Reading sources: what can go wrong before the first token."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile
from naclc.syntax import read
from naclc.syntax.read import read_source


def code_of(result: SourceFile | Diagnostic) -> str:
    assert isinstance(result, Diagnostic)
    assert result.is_error
    return result.code


def written(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "a.nacl"
    path.write_bytes(data)
    return str(path)


def test_a_missing_file(tmp_path: Path) -> None:
    assert code_of(read_source(str(tmp_path / "nothing.nacl"))) == "unreadable-file"


def test_an_empty_name_is_no_directory() -> None:
    result = read_source("")
    assert isinstance(result, Diagnostic) and result.message == "there is no file ``"


def test_a_directory(tmp_path: Path) -> None:
    result = read_source(str(tmp_path))
    assert code_of(result) == "unreadable-file"
    assert isinstance(result, Diagnostic)
    assert "is a directory" in result.message


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000])
def test_paths_that_are_none(path: str) -> None:
    assert code_of(read_source(path)) == "unreadable-file"


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(read, "_read", refuse)
    result = read_source(written(tmp_path, b""))
    assert code_of(result) == "unreadable-file"
    assert isinstance(result, Diagnostic)
    assert "permission denied" in result.message


def test_a_read_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> bytes:
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr(read, "_read", fail)
    result = read_source("a.nacl")
    assert isinstance(result, Diagnostic)
    assert (result.code, result.message) == ("unreadable-file", "`a.nacl` cannot be read: input/output error")


def test_an_empty_file_is_a_source(tmp_path: Path) -> None:
    result = read_source(written(tmp_path, b""))
    assert isinstance(result, SourceFile)
    assert result.text == ""


def test_the_byte_order_mark_is_skipped_once(tmp_path: Path) -> None:
    result = read_source(written(tmp_path, "\ufeff\ufeffa: 5\r\n".encode()))
    assert isinstance(result, SourceFile)
    assert result.text == "\ufeffa: 5\r\n"


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    result = read_source(written(tmp_path, "a: 5\nü: ".encode() + b"\xff\xfe\nb: 6\n"))
    assert isinstance(result, Diagnostic)
    assert result.span is not None
    assert (result.code, result.span.line, result.span.column) == ("bad-encoding", 2, 3)
    assert result.message == "the octet 0xff on line 2 is not UTF-8"


def test_bad_encoding_behind_a_byte_order_mark(tmp_path: Path) -> None:
    result = read_source(written(tmp_path, b"\xef\xbb\xbfab\xff"))
    assert isinstance(result, Diagnostic)
    assert result.span is not None
    assert (result.span.line, result.span.column) == (1, 2)


def test_the_largest_file_is_read_and_one_octet_more_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LIMIT", 10)
    assert isinstance(read_source(written(tmp_path, b"a: 5      ")), SourceFile)
    assert code_of(read_source(written(tmp_path, b"a: 5       "))) == "file-too-large"


def test_an_endless_file_is_too_large() -> None:
    assert code_of(read_source("/dev/zero")) == "file-too-large"


def test_a_file_of_50_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.nacl"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    assert code_of(read_source(str(path))) == "file-too-large"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a: 5")))
    result = read_source("-")
    assert result == SourceFile("<stdin>", "a: 5")
