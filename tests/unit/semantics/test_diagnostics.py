"""What goes with a diagnostic: messages, labels, help."""

from __future__ import annotations

from naclc.diagnostics import Diagnostic

from .programs import resolved

HEAD = "Iface e { index: 0, input: f }\n"


def only(text: str, code: str) -> Diagnostic:
    """The one diagnostic of `text` with `code`."""
    _, diagnostics = resolved(text)
    found = [diagnostic for diagnostic in diagnostics if diagnostic.code == code]
    assert len(found) == 1, diagnostics
    return found[0]


def labels(diagnostic: Diagnostic) -> list[tuple[int, str]]:
    """(line, text under the label) of each label."""
    return [(label.span.line, label.span.text) for label in diagnostic.labels]


def test_a_cycle_of_values_is_spelled_whole() -> None:
    assert "a -> b -> c -> a" in only("a: b\nb: [c]\nc: { x: a }\n", "value-cycle").message


def test_a_cycle_of_calls_is_spelled_whole() -> None:
    text = HEAD + "Filter::IP f { g drop }\nFilter::IP g { h }\nFilter::IP h { f }\n"
    assert "f -> g -> h -> f" in only(text, "call-cycle").message


def test_a_second_definition_points_to_the_first() -> None:
    assert labels(only("a: 1\na: 2\n", "duplicate-name")) == [(1, "a")]


def test_a_problem_behind_a_call_names_the_call() -> None:
    text = HEAD + "Filter::IP f { Filter::TCP { g } drop }\nFilter::IP g { Filter::UDP { drop } }\n"
    assert labels(only(text, "wrong-subtype")) == [(2, "g")]


def test_an_iface_field_names_attachment_and_call() -> None:
    text = "Iface e { index: 0, output: f }\nFilter::IP f { g drop }\nFilter::IP g { log(iface.in) }\n"
    assert labels(only(text, "field-not-available")) == [(1, "f"), (2, "g")]


def test_a_bad_member_of_a_named_set_says_where_it_is_used() -> None:
    text = HEAD + "s: [80, 10.0.0.1]\nFilter::IP f { if (ip.id in s or ip.length in s) { drop } accept }\n"
    _, diagnostics = resolved(text)
    assert [labels(d) for d in diagnostics if d.code == "type-mismatch"] == [[(3, "s")]]


def test_a_wrong_value_by_name_says_where_it_is_written() -> None:
    text = "Iface e { index: 0, address: here, netmask: 255.0.0.0 }\nhere: 80\n"
    assert labels(only(text, "type-mismatch")) == [(2, "80")]


def test_unknown_names_come_with_the_nearest_spelling() -> None:
    cases = {
        "unknown-name": "if (ip.protocol == gree) { drop }",
        "unknown-field": "if (ip.sadr == 10.0.0.1) { drop }",
        "unknown-action": "acept",
        "unknown-member": "if (ip.saddr == e.adress) { drop }",
    }
    expected = {
        "unknown-name": "gre",
        "unknown-field": "ip.saddr",
        "unknown-action": "accept",
        "unknown-member": "address",
    }
    for code, statement in cases.items():
        head = "Iface e { index: 0, address: 10.0.0.1, netmask: 255.0.0.0, input: f }\n"
        assert only(f"{head}Filter::IP f {{ {statement} drop }}\n", code).help == f"did you mean `{expected[code]}`?"


def test_nothing_looks_unused_because_of_a_typo() -> None:
    text = HEAD + "servers: [10.0.0.1]\nFilter::IP f { if (ip.saddr in serves) { drop } accept }\n"
    assert [diagnostic.code for diagnostic in resolved(text)[1]] == ["unknown-name"]


DECLARE = "declare it, as in `sttats: 80`"


def test_nothing_is_proposed_that_cannot_stand_there() -> None:
    assert only(HEAD + "Filter::IP f { drop }\ntcp.dport: 5\n", "bad-assignment").help == "known: `e`"
    assert only("w: sttats\n", "unknown-name").help == "did you mean `stats`?"
    assert only(HEAD + "Filter::IP f { if (ip.ttl == sttats) { accept } drop }\n", "unknown-name").help == DECLARE


def test_a_cidr_as_an_address_is_taken_apart() -> None:
    help_ = only("Iface e { index: 0, address: 192.0.2.1/24 }\n", "type-mismatch").help
    assert help_ == "write `address: 192.0.2.1`, and `netmask: 255.255.255.0` beside it"


def test_an_iface_field_says_what_the_hook_knows() -> None:
    text = "Iface e {{ index: 0, {0}: f }}\nFilter::IP f {{ log(iface.{1}) drop }}\n"
    cases = (
        ("output", "in", "neither of the two"),
        ("postrouting", "in", "`iface.out`"),
        ("input", "out", "`iface.in`"),
    )
    for hook, field, known in cases:
        assert only(text.format(hook, field), "field-not-available").help == f"{hook} knows {known}"


def test_articles_are_right() -> None:
    text = HEAD + "Filter::IP f { Filter::ICMP { Filter::TCP { drop } } drop }\n"
    assert only(text, "wrong-subtype").message.endswith("in an ICMP context")


def test_a_range_of_names_is_said_to_be_one() -> None:
    text = HEAD + "Filter::IP f { Filter::TCP { if (tcp.dport in http-https) { accept } } drop }\n"
    assert (only(text, "unknown-name").help or "").startswith("a range is written in numbers")


def test_huge_numbers_are_not_printed() -> None:
    text = HEAD + f"Filter::IP f {{ if (ip.ttl == {'9' * 5000}) {{ accept }} drop }}\n"
    assert only(text, "value-out-of-range").message.startswith("a number of more than 40 digits does not fit")


def test_a_static_key_beside_dhcp_points_to_the_config() -> None:
    found = only("Iface e {\n index: 0, address: 10.0.0.1,\n config: dhcp }\n", "dhcp-with-static")
    assert labels(found) == [(3, "dhcp")] and "dhcp-with-fallback" in str(found.help)


def test_a_nat_at_the_wrong_hook_shows_the_action_and_says_where_it_acts() -> None:
    text = "Iface e { index: 0, postrouting: n }\nNat::IP n { calls }\nNat::IP calls { dnat(10.0.0.5) }\n"
    found = only(text, "nat-wrong-hook")
    assert labels(found) == [(3, "dnat(10.0.0.5)")]
    assert found.help == "`dnat` acts in prerouting and output"


def test_a_port_in_a_called_function_names_the_call() -> None:
    text = "Iface e { index: 0, prerouting: n }\nNat::ICMP n { both }\nNat::IP both { dnat(80) }\n"
    assert labels(only(text, "nat-port-icmp")) == [(2, "both")]


def test_a_node_that_is_there_twice_points_to_the_first() -> None:
    text = (
        "Iface e { index: 0 }\nLoad_balancer l { layer: tcp, clients: { iface: e, port: 80 }, servers: {\n"
        "iface: e, algorithm: round_robin, pool: [n,\nn] } }\nn: { address: 10.0.0.2, port: 80 }\n"
    )
    found = only(text, "duplicate-node")
    assert labels(found) == [(3, "n")] and "10.0.0.2:80" in found.message


def test_words_come_with_the_nearest_spelling_among_those_of_the_place() -> None:
    cases = {
        "Iface e { index: 0, config: dhpc }\n": "dhcp",
        "Timer t { interval: 1, data: [memroy] }\n": "memory",
        "Conntrack c { untracked: filtr }\n": "filter",
        "Iface e { index: 0, input: f }\nFilter::IP f { syslog(wraning, ip.ttl) drop }\n": "warning",
        "Load_balancer l { layer: tpc, clients: {}, servers: {} }\n": "tcp",
    }
    for text, word in cases.items():
        assert only(text, "unknown-word").help == f"did you mean `{word}`?"


def test_a_misspelled_word_in_a_constant_comes_with_the_nearest_spelling() -> None:
    text = "Load_balancer l { layer: tcp, clients: {}, servers: { algorithm: how } }\nhow: round_robbin\n"
    assert only(text, "unknown-name").help == "did you mean `round_robin`?"


def test_an_iface_given_to_dnat_should_be_its_address() -> None:
    text = "Iface e { index: 0, prerouting: n }\nNat::IP n { dnat(e) }\n"
    assert only(text, "bad-arguments").help == "write e.address"
