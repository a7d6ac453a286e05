"""Repairs: for each usual mistake, what it is, what cures it, and the edit that lets the parse go on.

A rule looks at one Situation and returns a Repair or None. Each repair is one the machine accepts, so that what
follows is judged as if the mistake had not been made. RULES is their order, the special before the general.
"""

from __future__ import annotations

from collections.abc import Callable

from naclc.syntax import mistakes_in_conditions, mistakes_in_statements, mistakes_in_values, mistakes_in_words
from naclc.syntax.situation import Repair, Situation

RULES: tuple[Callable[[Situation], Repair | None], ...] = (
    mistakes_in_words.keyword_in_capitals,
    mistakes_in_words.is_for_equals,
    mistakes_in_conditions.equals_sign,
    mistakes_in_conditions.angle_brackets,
    mistakes_in_values.foreign_range,
    mistakes_in_values.octets,
    mistakes_in_values.adjacent_numbers,
    mistakes_in_values.third_range_end,
    mistakes_in_values.name_as_range_end,
    mistakes_in_values.lone_minus,
    mistakes_in_values.needless_parentheses,
    mistakes_in_conditions.bang_in,
    mistakes_in_conditions.chained_comparison,
    mistakes_in_conditions.misplaced_else,
    mistakes_in_conditions.missing_braces,
    mistakes_in_conditions.missing_parentheses,
    mistakes_in_statements.single_colon,
    mistakes_in_statements.no_protocol,
    mistakes_in_statements.lone_word,
    mistakes_in_statements.definition_in_body,
    mistakes_in_statements.dotted_action,
    mistakes_in_values.missing_comma,
    mistakes_in_values.forgotten_value,
    mistakes_in_values.forgotten_last_value,
    mistakes_in_values.extra_comma,
    mistakes_in_statements.missing_colon,
    mistakes_in_statements.keyword_as_name,
)
