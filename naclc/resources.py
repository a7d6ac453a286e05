"""Where the grammar, the templates, the skeleton OS and the pages of the diagnostics are: in the wheel's `_data`, or
in the checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The directory `name`: "grammar", "emit", "includeos_skeleton" or "diagnostics" (in the checkout below docs/).

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent, _PACKAGE.parent / "docs"):
        path = base / name
        if path.is_dir():
            return path
    raise FileNotFoundError(f"{name} is in neither {_PACKAGE / '_data'} nor {_PACKAGE.parent}: reinstall naclc")
