"""What was skipped, and why, is the last line of every run: a test that did not run proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    result = yield  # the terminal prints its summary in here
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = terminal.stats.get("skipped", []) if terminal else []
    if skipped:
        terminal.write_line(summary(skipped))
    return result


def summary(skipped: list[pytest.TestReport]) -> str:
    """`skipped 7 tests: nft is not installed (6), …`."""
    reasons = Counter(reason(report) for report in skipped)
    return f"skipped {len(skipped)} tests: " + ", ".join(f"{text} ({count})" for text, count in reasons.most_common())


def reason(report: pytest.TestReport) -> str:
    """What the test gave as its reason."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
