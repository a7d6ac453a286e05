"""The command line: arguments in, text out. Rules live in the layers below."""

from naclc.cli.main import main

__all__ = ["main"]
