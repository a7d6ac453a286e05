"""Policies with all that IncludeOS can and the skeleton OS cannot yet, taken through every stage."""

from __future__ import annotations

from pathlib import Path

from naclc.codegen.classifying import with_classifiers
from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.codegen.unit import Unit
from naclc.decision.build import build
from naclc.decision.check import check
from naclc.decision.graph import Graphs
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse
from naclc.validate.validate import Proved, validate

FOLDER = Path(__file__).parent / "includeos"
POLICIES = sorted(FOLDER.glob("*.nacl"))


def pipeline_of_text(text: str, name: str = "test.nacl") -> Pipeline:
    program, problems = parse(SourceFile(name, text))
    assert program is not None and problems == []
    configuration, problems = resolve(program)
    assert configuration is not None, problems
    return lower(configuration)


def service_of_text(text: str, name: str = "test.nacl") -> tuple[Graphs, Unit, str]:
    """Decision graphs, the plan that was proved, and the service."""
    pipeline = pipeline_of_text(text, name)
    graphs = build(pipeline)
    for graph in graphs.graphs.values():
        check(graph)
    unit = with_classifiers(plan(graphs, pipeline))
    assert isinstance(validate(unit, pipeline), Proved)
    return graphs, unit, render(unit, pipeline, name, plugin=False)
