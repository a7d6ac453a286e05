"""Plan → C++: the whole service.cpp, from the templates in emit/.

The same unit and pipeline give the same octets: source order throughout, no dates, no paths.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from naclc.codegen import decision_half, glue
from naclc.codegen.active import active
from naclc.codegen.unit import Unit
from naclc.pipeline.pipeline import Pipeline
from naclc.resources import resource


def render(unit: Unit, pipeline: Pipeline, source_name: str, *, plugin: bool) -> str:
    """The service as one C++ file.

    Args:
        unit: the plan of `pipeline`.
        source_name: of the policy; its last part stands in the first line.
        plugin: leave out Service::start, for a file that is linked beside a service of the user's own.

    Returns:
        C++20 in the common subset of g++ 12 with libstdc++ and clang 19 with libc++, ASCII, ending in a newline.
        With -DNACLC_NATIVE it needs no operating system and defines naclc_decide (naclc.codegen.native).
    """
    unit = active(unit)
    decision, registration = decision_half.values(unit, pipeline), glue.values(unit, pipeline)
    uses = decision_half.uses(unit, bool(decision["sets"])) | glue.uses(unit, pipeline)
    above = [header for header in ("cstddef", "cstring") if unit.functions and uses[header]]
    above += ["cstdint"] * bool(unit.functions)
    variables: dict[str, Any] = {
        **decision,
        **registration,
        "headers": [header for header in registration["headers"] if header not in above],
        "uses": uses,
        "source_name": _ascii(PurePath(source_name).name) or "a policy",
        "plugin": plugin,
    }
    text: str = _environment().get_template("service.cpp.j2").render(variables)
    return text


def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("emit")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _ascii(text: str) -> str:
    return "".join(char if " " <= char <= "~" and char != "\\" else "." for char in text)
