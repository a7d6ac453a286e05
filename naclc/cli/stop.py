"""How a command ends early when everything has been said."""

from __future__ import annotations


class NotCompiled(Exception):
    """The policy did not compile; its diagnostics have been shown. `exit_status` is what the command ends with."""

    def __init__(self, exit_status: int) -> None:
        super().__init__(f"exit status {exit_status}")
        self.exit_status = exit_status
