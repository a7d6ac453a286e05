"""naclc.image: images come out whole or not at all, the library is kept, and failures are values."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from naclc.image import BuildFailure, Image, Library, Target, build_image, build_shared_library, skeleton, toolchain
from naclc.image.cache import cached, key_of
from naclc.image.toolchain import Compiler, Flavour

SERVICE = '#include <os>\n#include <cstdlib>\nvoid Service::start() { os::print("up\\n", 3); os::shutdown(); }\n'
POLICY = '#include <os>\nvoid register_plugin_nacl() { os::print("policy\\n", 7); }\n'


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def service(tmp_path: Path) -> Path:
    path = tmp_path / "service.cpp"
    path.write_text(SERVICE)
    return path


def run(image: Path) -> str:
    done = subprocess.run(
        [str(image)], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=True
    )
    return done.stdout


def test_a_process_runs(service: Path, tmp_path: Path, kept: Path) -> None:
    result = build_image(service, Target.LINUX, tmp_path / "out", cache=kept)
    assert isinstance(result, Image)
    assert (result.size, result.target) == ((tmp_path / "out").stat().st_size, Target.LINUX)
    assert run(result.path) == "up\n"


def test_a_plugin_runs_before_the_service_beside_it(service: Path, tmp_path: Path, kept: Path) -> None:
    policy = tmp_path / "policy.cpp"
    policy.write_text(POLICY)
    result = build_image(policy, Target.LINUX, tmp_path / "out", plugin=[service], cache=kept)
    assert isinstance(result, Image), result.output
    assert run(result.path) == "policy\nup\n"


def test_nothing_is_compiled_twice(service: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(build_image(service, Target.LINUX, tmp_path / "one", cache=kept), Image)
    commands: list[list[str]] = []
    original = subprocess.run

    def recorded(command: list[str], **options: object) -> object:
        commands.append(command)
        return original(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", recorded)
    assert isinstance(build_image(service, Target.LINUX, tmp_path / "two", cache=kept), Image)
    assert [command for command in commands if "-c" in command] == []
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_missing_compiler_is_named_with_its_cure(
    service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = build_image(service, Target.PC, tmp_path / "out", cache=tmp_path / "cache")
    assert isinstance(result, BuildFailure)
    assert (result.diagnostic.code, result.diagnostic.help) == ("compiler-missing", "sudo apt-get install g++")
    assert not (tmp_path / "out").exists()


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path, kept: Path) -> None:
    broken = tmp_path / "broken.cpp"
    broken.write_text("this is no C++\n")
    before = sorted(tmp_path.iterdir())
    result = build_image(broken, Target.LINUX, tmp_path / "out", cache=kept)
    assert isinstance(result, BuildFailure)
    assert result.diagnostic.code == "compiler-failed"
    assert "broken.cpp:1" in result.output
    assert "\n" not in result.diagnostic.message
    assert sorted(tmp_path.iterdir()) == before


def test_what_the_skeleton_os_lacks_fails_at_the_link(tmp_path: Path, kept: Path) -> None:
    lacking = tmp_path / "lacking.cpp"
    lacking.write_text("#include <os>\nvoid missing();\nvoid Service::start() { missing(); }\n")
    result = build_image(lacking, Target.LINUX, tmp_path / "out", cache=kept)
    assert isinstance(result, BuildFailure)
    assert "missing()" in result.output


def test_a_missing_source_is_an_unreadable_file(tmp_path: Path, kept: Path) -> None:
    result = build_image(tmp_path / "none.cpp", Target.LINUX, tmp_path / "out", cache=kept)
    assert isinstance(result, BuildFailure)
    assert result.diagnostic.code == "unreadable-file"


@pytest.mark.parametrize("place", ["no/such/folder/out", "file/out"])
def test_an_output_that_cannot_be_written(service: Path, tmp_path: Path, kept: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    result = build_image(service, Target.LINUX, tmp_path / place, cache=kept)
    assert isinstance(result, BuildFailure)
    assert result.diagnostic.code == "unwritable-output"


def test_a_cache_that_cannot_be_written(service: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    result = build_image(service, Target.LINUX, tmp_path / "out", cache=tmp_path / "cache")
    assert isinstance(result, BuildFailure)
    assert result.diagnostic.code == "unwritable-output"


def test_a_shared_library_exports_its_functions(tmp_path: Path) -> None:
    import ctypes

    source = tmp_path / "twice.cpp"
    source.write_text('extern "C" int twice(int x) { return 2 * x; }\n')
    result = build_shared_library(source, tmp_path / "twice.so")
    assert isinstance(result, Library)
    assert ctypes.CDLL(str(result.path)).twice(21) == 42


def test_sanitizers_are_for_processes_only() -> None:
    with pytest.raises(ValueError, match="LINUX"):
        Flavour(Target.PC, sanitize=True)


def test_the_key_depends_on_flavour_compiler_and_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiler = Compiler("g++", "g++ 12")
    keys = {
        skeleton.skeleton_key(compiler, Flavour(Target.PC)),
        skeleton.skeleton_key(compiler, Flavour(Target.LINUX)),
        skeleton.skeleton_key(compiler, Flavour(Target.LINUX, sanitize=True)),
        skeleton.skeleton_key(Compiler("g++", "g++ 13"), Flavour(Target.PC)),
    }
    assert len(keys) == 4
    for part in ("include", "kernel", "drivers", "net", "platform"):
        (tmp_path / part).mkdir()
    monkeypatch.setattr(skeleton, "skeleton_os", lambda: tmp_path)
    monkeypatch.setattr(toolchain, "skeleton_os", lambda: tmp_path)
    empty = skeleton.skeleton_key(compiler, Flavour(Target.PC))
    (tmp_path / "net" / "new.cpp").write_text("")
    assert skeleton.skeleton_key(compiler, Flavour(Target.PC)) != empty


def test_keys_keep_parts_apart() -> None:
    assert key_of(["ab", "c"]) != key_of(["a", "bc"]) != key_of(["abc"])


def test_a_failed_entry_is_not_kept(tmp_path: Path) -> None:
    failure = toolchain.run(["false"], "try")
    assert failure is not None
    assert cached(tmp_path, "key", lambda work: failure) is failure
    assert list(tmp_path.iterdir()) == []


def test_two_makers_at_once_agree_on_one_entry(tmp_path: Path) -> None:
    both = threading.Barrier(2)
    results: list[object] = []

    def make(work: Path) -> None:
        (work / "file").write_text("whole")
        both.wait(10)

    threads = [threading.Thread(target=lambda: results.append(cached(tmp_path, "key", make))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [tmp_path / "key"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_entries_that_nobody_used_are_removed(tmp_path: Path) -> None:
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    old.mkdir()
    fresh.mkdir()
    os.utime(old, (1, 1))
    cached(tmp_path, "key", lambda work: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "key"]


def test_an_image_can_be_executed(service: Path, tmp_path: Path, kept: Path) -> None:
    result = build_image(service, Target.LINUX, tmp_path / "out", cache=kept)
    assert isinstance(result, Image)
    assert result.path.stat().st_mode & stat.S_IXUSR


def test_an_image_does_not_tell_where_it_was_built(service: Path, tmp_path: Path, kept: Path) -> None:
    result = build_image(service, Target.PC, tmp_path / "out", cache=kept)
    assert isinstance(result, Image)
    assert str(toolchain.skeleton_os()).encode() not in result.path.read_bytes()
    assert result.size <= 500_000


@pytest.mark.parametrize("target", list(Target))
def test_the_skeleton_os_compiles_without_warnings(target: Target) -> None:
    flavour = Flavour(target)
    compiler = toolchain.find_compiler()
    assert isinstance(compiler, Compiler)
    sources = skeleton.sources(flavour)
    if target is Target.LINUX:  # the rest is the same for both
        sources = [source for source in sources if source.parent.name == "linux"]
    assert sources
    for source in sources:
        options = [*toolchain.compile_options(flavour), *skeleton.object_options(source), "-Werror", "-fsyntax-only"]
        assert toolchain.run([compiler.path, *options, str(source)], f"compile {source}") is None
