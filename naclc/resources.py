"""Where the grammar, the templates and the skeleton OS are: in the wheel's `_data`, or in the checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The directory `name`: "grammar", "emit" or "includeos_skeleton".

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        path = base / name
        if path.is_dir():
            return path
    raise FileNotFoundError(f"{name} is in neither {_PACKAGE / '_data'} nor {_PACKAGE.parent}: reinstall naclc")
