"""`naclc graph`."""

from __future__ import annotations

import html
import shutil
import subprocess

import click

from naclc.cli import exits
from naclc.cli.diagnostics import Presentation, show, status
from naclc.cli.policy import checked, refuse_same_file
from naclc.diagnostics import Diagnostic, error
from naclc.driver import Options
from naclc.output import write_output

_DEADLINE = 60  # seconds: Graphviz takes more than linear time
_FORMS = {".svg": "svg", ".png": "png", ".pdf": "pdf", ".html": "svg"}


@click.command("graph")
@click.argument("policy")
@click.option("-o", "--output", metavar="FILE", required=True, help="FILE.svg, .html, .png, .pdf, or .dot.")
def graph_command(policy: str, output: str) -> int:
    """Draw how POLICY decides: its hooks, functions and tests.

    All forms but .dot are drawn by Graphviz, which must be on this machine.
    """
    refuse_same_file(policy, output)
    form = next((form for ending, form in _FORMS.items() if output.lower().endswith(ending)), None)
    if form is None and not output.lower().endswith((".dot", ".gv")):
        raise click.UsageError(f"`{output}` does not end in {', '.join(_FORMS)} or .dot")
    result = checked(policy, Options(), Presentation())
    assert result.graphs is not None and result.pipeline is not None
    from naclc.decision.dot import dump

    text = dump(result.graphs, result.pipeline)
    drawn = text.encode() if form is None else _drawn(text, form)
    if isinstance(drawn, bytes):
        page = _page(drawn, result.source.name) if output.lower().endswith(".html") else drawn
        problem = write_output(output, page)
    else:
        problem = drawn
    if problem is None:
        return exits.OK
    show([problem], None)
    return status([problem])


def _drawn(text: str, form: str) -> bytes | Diagnostic:
    dot = shutil.which("dot")
    if dot is None:
        helps = "sudo apt-get install graphviz; or write a .dot file and draw it elsewhere"
        return error("graphviz-missing", "Graphviz (`dot`) is not on this machine", None, help=helps)
    try:
        done = subprocess.run(
            [dot, f"-T{form}"], input=text.encode(), capture_output=True, timeout=_DEADLINE, check=True
        )
    except subprocess.TimeoutExpired:
        return error("not-drawn", f"Graphviz did not finish in {_DEADLINE} s", None, help="write a .dot file instead")
    except (OSError, subprocess.CalledProcessError) as problem:
        said = getattr(problem, "stderr", b"") or str(problem).encode()
        return error("not-drawn", f"Graphviz failed: {said.decode(errors='replace').strip()[:200]}", None)
    return done.stdout


def _page(svg: bytes, name: str) -> bytes:
    """A page of its own, that scrolls both ways and needs nothing else."""
    picture = svg[svg.index(b"<svg") :]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(name)}</title>'
    return head.encode() + b'<body style="margin:1em;overflow:auto">' + picture + b"</body></html>\n"
