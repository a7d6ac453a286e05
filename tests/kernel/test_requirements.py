"""Where the kernel cannot be asked the tests say so, and do not pass in silence."""

from __future__ import annotations

import pytest

from tests.conftest import summary
from tests.kernel import linux


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "PATH", "/nowhere")


def test_what_is_missing_is_named() -> None:
    assert linux.missing() == "unshare is not installed"


def test_a_test_is_skipped_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_NET", raising=False)
    with pytest.raises(pytest.skip.Exception, match="unshare is not installed"):
        linux.require_kernel()


def test_and_fails_where_it_must_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_NET", "1")
    with pytest.raises(pytest.fail.Exception, match="REQUIRE_NET=1, but unshare is not installed"):
        linux.require_kernel()


def test_skips_are_counted_with_their_reasons() -> None:
    reports = [
        pytest.TestReport(f"test_{n}", ("a.py", 1, None), {}, "skipped", ("a.py", 1, f"Skipped: {reason}"), "setup")
        for n, reason in enumerate(["no nft", "no cpu", "no nft"])
    ]
    assert summary(reports) == "skipped 3 tests: no nft (2), no cpu (1)"
