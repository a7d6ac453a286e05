"""Generated decision functions in the test's own process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from naclc.codegen.classifying import CHAIN_RULES, with_classifiers
from naclc.codegen.native import load
from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.decision.build import build
from naclc.image import BuildFailure, build_shared_library
from naclc.pipeline.evaluation import Evaluator
from naclc.pipeline.pipeline import Pipeline


def native_evaluator(pipeline: Pipeline, workdir: Path, *, chain_rules: int = CHAIN_RULES) -> Evaluator:
    """Compile the C++ of `pipeline` into a library in `workdir`, which must outlive the evaluator. Runs of more than
    `chain_rules` rules become tables."""
    unit = with_classifiers(plan(build(pipeline), pipeline), chain_rules=chain_rules)
    place = Path(tempfile.mkdtemp(dir=workdir))
    (place / "service.cpp").write_text(render(unit, pipeline, "test.nacl", plugin=True), encoding="utf-8")
    built = build_shared_library(place / "service.cpp", place / "decisions.so", defines=["NACLC_NATIVE"])
    assert not isinstance(built, BuildFailure), built.output
    return load(built.path, unit)
