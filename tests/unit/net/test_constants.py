"""The table of built-in constants."""

from __future__ import annotations

from naclc.net.constants import CONSTANTS, FLAGS, ICMP_TYPES, PORTS, PROTOCOLS, STATES, ConstantKind
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS


def test_no_name_is_in_two_tables() -> None:
    assert len(CONSTANTS) == sum(map(len, (PORTS, PROTOCOLS, ICMP_TYPES, FLAGS, STATES)))


def test_names_are_lower_case_and_values_fit_their_fields() -> None:
    widths = {
        ConstantKind.PORT: 16,
        ConstantKind.PROTOCOL: 8,
        ConstantKind.ICMP_TYPE: 8,
        ConstantKind.FLAG: 9,  # ns does not fit tcp.flags
        ConstantKind.STATE: FIELDS["ct.state"].width,
    }
    for name, constant in CONSTANTS.items():
        assert name == name.lower() == constant.name
        assert 0 <= constant.value < 1 << widths[constant.kind]


def test_contexts_and_flags_agree_with_the_fields() -> None:
    assert {name: CONSTANTS[name.lower()].value for name in PROTOCOL_NUMBERS} == PROTOCOL_NUMBERS
    for flag, bit in FLAGS.items():
        field = FIELDS[f"tcp.has-{flag}"]
        assert bit == 1 << (8 if field.flag_bit is None else field.flag_bit)
