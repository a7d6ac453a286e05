"""Large, deep and doubling programs come through; were one of these walks exponential or quadratic, or its recursion
bounded, the test would not end well."""

from __future__ import annotations

from naclc.semantics.dump import dump
from naclc.semantics.model import Block, If, InSet

from .programs import model_of, resolved

HEAD = "Iface e { index: 0, input: f }\n"


def test_calls_that_double_thirty_times() -> None:
    text = HEAD.replace("input: f", "input: f0") + "".join(
        f"Filter::IP f{n} {{ f{n + 1} f{n + 1}() }}\n" for n in range(30)
    )
    configuration = model_of(text + "Filter::IP f30 { Filter::TCP { if (tcp.dport == 80) { drop } } accept }\n")
    assert len(configuration.functions) == 31


def test_sets_that_double_thirty_times() -> None:
    sets = "".join(f"x{number}: [x{number + 1}, x{number + 1}]\n" for number in range(30))
    text = HEAD + sets + "x30: [10.0.0.1, 192.0.2.0/24]\nFilter::IP f { if (ip.saddr in x0) { accept } drop }\n"
    configuration, diagnostics = resolved(text)
    assert configuration is not None
    assert {diagnostic.code for diagnostic in diagnostics} == {"set-overlap"}
    test = configuration.functions[0].body[0]
    assert isinstance(test, If) and isinstance(test.condition, InSet)
    assert {leaf.span.text for leaf in test.condition.leaves} == {"10.0.0.1", "192.0.2.0/24"}


def test_a_thousand_brackets() -> None:
    configuration = model_of(HEAD + f"Filter::IP f {{ if ({'(' * 990}ip.ttl == 1{')' * 990}) {{ drop }} accept }}\n")
    assert "(ip.ttl == 1)" in dump(configuration)


def test_long_chains_of_else_if_and_not() -> None:
    branches = "".join(f" else if (ip.id == {number}) {{ accept }}" for number in range(5000))
    configuration = model_of(
        HEAD
        + f"Filter::IP f {{ if (ip.ttl == 0) {{ drop }}{branches} if ({'not ' * 5001}ip.ttl == 3) {{ drop }} drop }}\n"
    )
    chain = configuration.functions[0].body[0]
    assert isinstance(chain, If)
    assert dump(configuration).count("accept") == 5000
    assert dump(configuration).count("not ") == 5001


def test_long_chains_of_names() -> None:
    names = "".join(f"c{number}: c{number + 1}\n" for number in range(3000))
    configuration = model_of(
        HEAD + names + f"c3000: {'[' * 900}7{']' * 900}\nFilter::IP f {{ if (ip.ttl in c0) {{ drop }} accept }}\n"
    )
    assert "ip.ttl in {7}" in dump(configuration)


def test_ten_thousand_rules_with_a_shared_list() -> None:
    ports = "ports: [" + ", ".join(str(port) for port in range(1, 2000, 2)) + "]\n"
    rules = "\n".join(f"if (ip.id == {number} and tcp.dport in ports) {{ accept }}" for number in range(10000))
    configuration = model_of(HEAD + ports + f"Filter::IP f {{ Filter::TCP {{ {rules} }} drop }}\n")
    block = configuration.functions[0].body[0]
    assert isinstance(block, Block)
    assert len(block.body) == 10000


def test_calls_nested_a_thousand_deep_and_one_more() -> None:
    def nested(calls: int) -> list[str]:
        text = HEAD.replace("input: f", "input: f0") + "".join(
            f"Filter::IP f{n} {{ f{n + 1} }}\n" for n in range(calls)
        )
        return [diagnostic.code for diagnostic in resolved(text + f"Filter::IP f{calls} {{ drop }}\n")[1]]

    assert nested(1000) == []
    assert nested(1001) == ["too-deep"]


def test_a_hundred_typos_among_ten_thousand_names() -> None:
    names = "".join(f"server_{number}: 10.0.0.1\n" for number in range(10000))
    tests = "".join(f"if (ip.saddr == servr_{number}) {{ drop }}\n" for number in range(100))
    diagnostics = resolved(HEAD + names + f"Filter::IP f {{ {tests} drop }}\n")[1]
    assert {diagnostic.code for diagnostic in diagnostics} == {"unknown-name"}
    assert {diagnostic.help for diagnostic in diagnostics} == {f"did you mean `server_{n}`?" for n in range(100)}


def test_nats_that_call_twice_thirty_times() -> None:
    calls = "".join(f"Nat::IP n{n} {{ n{n + 1} n{n + 1}() }}\n" for n in range(30))
    text = (
        f"Iface e {{ index: 0, prerouting: n0, input: n1 }}\n{calls}Nat::IP n30 {{ if (ip.ttl == 1) {{ dnat(80) }} }}\n"
    )
    configuration, diagnostics = resolved(text)
    assert configuration is not None
    assert [diagnostic.code for diagnostic in diagnostics] == ["nat-wrong-hook", "nat-port-icmp"]


def test_nats_nested_and_chained_deep() -> None:
    branches = "".join(f" else if (ip.id == {number}) {{ log(ip.id) }}" for number in range(3000))
    nested = f"{'Nat::IP {' * 900} dnat(10.0.0.5) {'}' * 900}"
    configuration, diagnostics = resolved(
        "Iface e { index: 0, postrouting: n }\n"
        f"Nat::IP n {{ if (ip.ttl == 0) {{ log(ip.id) }}{branches} else {{ {nested} }} }}\n"
    )
    assert configuration is not None
    assert [diagnostic.code for diagnostic in diagnostics] == ["nat-wrong-hook"]


def test_a_pool_of_twenty_thousand_servers() -> None:
    nodes = ", ".join(f"{{ address: 10.0.{n >> 8}.{n & 255}, port: 80 }}" for n in range(1, 20001))
    text = (
        "Iface e { index: 0 }\nLoad_balancer l { layer: tcp, clients: { iface: e, port: 80 }, servers: {\n"
        f"iface: e, algorithm: round_robin, pool: [{nodes}] }} }}\n"
    )
    balancer = model_of(text).load_balancer
    assert balancer is not None and len(balancer.nodes) == 20000


def test_lists_of_words_nested_deep_and_in_a_circle() -> None:
    deep = f"Timer t {{ interval: 1, data: {'[' * 900}cpu{']' * 900} }}\n"
    assert [str(word) for word in model_of(deep).timers[0].data] == ["cpu"]
    _, diagnostics = resolved("Timer t { interval: 1, data: a }\na: [cpu, b]\nb: [a]\n")
    assert [diagnostic.code for diagnostic in diagnostics] == ["value-cycle"]


def test_as_many_vlans_as_there_are() -> None:
    ifaces = "".join(
        f"Iface v{n} {{ index: 0, vlan: {n}, address: 10.{n >> 8}.{n & 255}.1, netmask: 255.255.255.0 }}\n"
        for n in range(1, 4095)
    )
    assert len(model_of(ifaces).ifaces) == 4094
