"""The whole compiler as one function, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from naclc.codegen.unit import Unit
from naclc.decision.graph import Graphs
from naclc.diagnostics import Diagnostic, in_source_order, warning
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Configuration
from naclc.source import SourceFile
from naclc.syntax.ast import Program


def _untimed(stage: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Options:
    """`plugin`: leave out Service::start. `nics`: how many NICs the machine has, None when unknown.

    `system`: what the C++ is for: skeleton, includeos, or any, which does not ask what a system has.

    `analysis_nodes`: how many BDD nodes an exact analysis may take; counted in nodes so that the result is the same
    on every machine.

    `lap` is called with a stage's name when the stage is done.
    """

    plugin: bool = False
    system: str = "any"
    nics: int | None = None
    analysis_nodes: int = 4_000_000
    lap: Callable[[str], None] = field(default=_untimed, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compilation:
    """What each stage made, as far as it came. `cpp` is there only when there is no error."""

    source: SourceFile
    diagnostics: tuple[Diagnostic, ...] = ()
    program: Program | None = field(default=None, repr=False)
    configuration: Configuration | None = field(default=None, repr=False)
    pipeline: Pipeline | None = field(default=None, repr=False)
    graphs: Graphs | None = field(default=None, repr=False)
    unit: Unit | None = field(default=None, repr=False)
    cpp: str | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)


class MiscompiledPolicy(Exception):
    """The plan does not do what the rules say: a fault of naclc itself. Nothing is written."""


def compile_policy(source: SourceFile, options: Options) -> Compilation:
    """Take a policy from text to C++.

    Returns:
        The result of every stage up to the first that found an error, and all diagnostics in source order.

    Raises:
        MiscompiledPolicy: translation validation found a difference.
    """
    from naclc.codegen.classifying import with_classifiers
    from naclc.codegen.plan import plan
    from naclc.codegen.render import render

    checked = check_policy(source, options)
    if not checked.ok or checked.pipeline is None or checked.graphs is None:
        return checked
    unit = plan(checked.graphs, checked.pipeline)
    options.lap("plan")
    unit = with_classifiers(unit)
    options.lap("tables")
    unit, findings = proved(unit, checked.pipeline, options)
    options.lap("validation")
    cpp = render(unit, checked.pipeline, source.name, plugin=options.plugin)
    options.lap("rendering")
    return replace(checked, unit=unit, cpp=cpp, diagnostics=_sorted(checked.diagnostics, findings))


def check_policy(source: SourceFile, options: Options) -> Compilation:
    """Everything that can find a mistake in the user's policy, and nothing that is written."""
    checked = _check(source, options)
    return replace(checked, diagnostics=_sorted(_not_allowed(checked)))


def _check(source: SourceFile, options: Options) -> Compilation:
    from naclc.config.read import is_json
    from naclc.decision.build import build
    from naclc.decision.reachability import unreached
    from naclc.decision.verdicts import missing_verdicts
    from naclc.interpret.walk import evaluator
    from naclc.pipeline.lower import lower
    from naclc.pipeline.supported import not_on_target

    result, configuration = _read_json(source, options) if is_json(source) else _read_nacl(source, options)
    if configuration is None:
        return result
    refused = not_on_target(configuration, options.system)
    if refused:
        known = configuration if result.ok else None
        return replace(result, configuration=known, diagnostics=_sorted(result.diagnostics, refused))
    pipeline = lower(configuration)
    options.lap("pipeline")
    graphs = build(pipeline)
    options.lap("decision graphs")
    findings = missing_verdicts(graphs, pipeline, evaluator(pipeline), max_nodes=options.analysis_nodes)
    options.lap("missing verdicts")
    diagnostics = _sorted(result.diagnostics, findings)
    if not result.ok:
        return replace(result, diagnostics=diagnostics)
    if not any(finding.is_error for finding in findings):
        diagnostics = _sorted(diagnostics, unreached(pipeline, max_nodes=options.analysis_nodes))
        options.lap("unreached rules")
    return replace(result, configuration=configuration, pipeline=pipeline, graphs=graphs, diagnostics=diagnostics)


def _read_nacl(source: SourceFile, options: Options) -> tuple[Compilation, Configuration | None]:
    """What NaCl text declares; None when an error leaves no model."""
    from naclc.semantics.partial import without_consequences
    from naclc.semantics.resolve import resolve
    from naclc.syntax.parse import parse

    program, findings = parse(source)
    options.lap("syntax")
    result = Compilation(source, _sorted(findings), program)
    if program is None:
        return result, None
    if not result.ok:  # what else is wrong, as far as it is no consequence
        _, findings = resolve(program, options.nics)
        findings = without_consequences(findings, result.diagnostics, program)
        return replace(result, diagnostics=_sorted(result.diagnostics, findings)), None
    configuration, findings = resolve(program, options.nics, tolerant=True)
    options.lap("semantics")
    return replace(result, diagnostics=_sorted(result.diagnostics, findings)), configuration


def _read_json(source: SourceFile, options: Options) -> tuple[Compilation, Configuration | None]:
    """As `_read_nacl`, of a config.json."""
    from naclc.config.translate import translate

    translated = translate(source, options.nics)
    options.lap("config")
    return Compilation(source, translated.diagnostics, translated.program), translated.configuration


def _not_allowed(checked: Compilation) -> Iterable[Diagnostic]:
    """All but the warnings that comments of the policy allow; what is wrong with those comments, too. JSON has no
    comments."""
    from naclc.config.read import is_json
    from naclc.diagnostics import allow

    if checked.program is None or not allow.mentioned(checked.source) or is_json(checked.source):
        return checked.diagnostics
    from naclc.semantics.spelling import suggestion
    from naclc.syntax.comments import comments, statements

    places = statements(checked.program)
    return allow.apply(comments(checked.source), places, checked.diagnostics, suggestion)


def proved(unit: Unit, pipeline: Pipeline, options: Options) -> tuple[Unit, list[Diagnostic]]:
    """Translation validation of the plan against the rules as written.

    Returns:
        The plan, without tables that could not be proved to do what the steps do that they stand for; and
        `analysis-limit` when the proof of the steps did not fit its budget, else nothing.

    Raises:
        MiscompiledPolicy: they differ.
    """
    from naclc.codegen.classifying import without_classifiers
    from naclc.validate.validate import Difference, OverBudget, validate

    outcome = validate(unit, pipeline, max_nodes=options.analysis_nodes)
    if isinstance(outcome, OverBudget) and not outcome.classifiers:
        unit = without_classifiers(unit)
        outcome = validate(unit, pipeline, max_nodes=options.analysis_nodes)
    if isinstance(outcome, Difference):
        raise MiscompiledPolicy(str(outcome))
    if isinstance(outcome, OverBudget):
        limit = [
            warning(
                "analysis-limit",
                "the generated code could not be proved equal to the rules within the analysis budget",
                None,
                help="raise the budget with `--analysis-nodes N`; tables are proved equal to the rules in order",
            )
        ]
        return unit, limit
    return unit, []


def _sorted(*findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(in_source_order([diagnostic for some in findings for diagnostic in some]))
