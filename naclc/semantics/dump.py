"""The model as text: stable, one declaration after the other in source order, statements with their ids."""

from __future__ import annotations

from naclc.net.addresses import format_address, prefix_of
from naclc.net.constants import SEVERITIES
from naclc.net.fields import Field, FieldType, State
from naclc.semantics import model
from naclc.semantics.depth import run_deep


def dump(configuration: model.Configuration) -> str:
    """One line a fact, two blanks a level."""
    return run_deep(_dump, configuration)


def _dump(configuration: model.Configuration) -> str:
    names = [iface.name for iface in configuration.ifaces]
    lines: list[str] = []
    for iface in configuration.ifaces:
        lines += _iface_lines(iface)
    if configuration.gateway:
        lines += _gateway_lines(configuration.gateway)
    if configuration.conntrack:
        lines += _conntrack_lines(configuration.conntrack)
    if configuration.load_balancer:
        lines += _load_balancer_lines(configuration.load_balancer)
    if configuration.syslog:
        syslog = configuration.syslog
        lines.append(f"syslog {syslog.name} to {format_address(syslog.address)}:{syslog.port}")
    for timer in configuration.timers:
        lines.append(f"timer {timer.name} every {timer.interval} s: {', '.join(timer.data)}")
    for function in configuration.functions:
        lines += function_lines(function, names)
    return "".join(f"{line}\n" for line in lines)


def _iface_lines(iface: model.Iface) -> list[str]:
    lines = [f"iface {iface.name} = {iface.number}", f"  nic {iface.nic}"]
    if iface.vlan is not None:
        lines.append(f"  vlan {iface.vlan}")
    if iface.config is not model.Config.STATIC:
        lines.append(f"  config {iface.config} timeout {iface.dhcp_timeout} s")
    if iface.address is not None and iface.netmask is not None:
        lines.append(f"  address {format_network(iface.address, iface.netmask)}")
    if iface.gateway is not None:
        lines.append(f"  gateway {format_address(iface.gateway)}")
    if iface.dns is not None:
        lines.append(f"  dns {format_address(iface.dns)}")
    lines += ["  masquerade"] * iface.masquerade
    if iface.send_queue_limit is not None:
        lines.append(f"  send_queue_limit {iface.send_queue_limit}")
    if iface.buffer_limit is not None:
        lines.append(f"  buffer_limit {iface.buffer_limit}")
    lines += [f"  {hook}: {_chain(chain)}" for hook, chain in iface.chains.items()]
    return lines


def _gateway_lines(gateway: model.Gateway) -> list[str]:
    lines = [f"gateway {gateway.name}", f"  send_time_exceeded {'true' if gateway.send_time_exceeded else 'false'}"]
    for route in gateway.routes:
        nexthop = "" if route.nexthop is None else f" nexthop {format_address(route.nexthop)}"
        lines.append(
            f"  route {format_network(route.net, route.netmask)} iface {route.iface}{nexthop} cost {route.cost}"
        )
    if gateway.forward is not None:
        lines.append(f"  forward: {_chain(gateway.forward)}")
    return lines


def _conntrack_lines(conntrack: model.Conntrack) -> list[str]:
    lines = [f"conntrack {conntrack.name}", f"  limit {conntrack.limit}"]
    if conntrack.reserve is not None:
        lines.append(f"  reserve {conntrack.reserve}")
    lines += ["  stateful_tcp"] * conntrack.stateful_tcp
    lines += [f"  timeout {state} {protocol} {time} s" for (state, protocol), time in conntrack.timeouts.items()]
    return [*lines, f"  untracked {conntrack.untracked}"]


def _load_balancer_lines(balancer: model.LoadBalancer) -> list[str]:
    limits = f"wait queue {balancer.wait_queue_limit}, sessions {balancer.session_limit}"
    check = ", active check" if balancer.active_check else ""
    nodes = [f"  node {format_address(node.address)}:{node.port}" for node in balancer.nodes]
    return [
        f"load balancer {balancer.name}",
        f"  clients on {balancer.client_iface} port {balancer.client_port}, {limits}",
        f"  servers on {balancer.server_iface}{check}",
        *nodes,
    ]


def _chain(chain: tuple[model.Attachment, ...]) -> str:
    return ", ".join(attachment.function for attachment in chain) or "-"


def format_network(address: int, netmask: int) -> str:
    """Address and contiguous netmask as a.b.c.d/n."""
    return f"{format_address(address)}/{prefix_of(netmask)}"


def function_lines(function: model.Function, iface_names: list[str]) -> list[str]:
    """A function with its statements, one a line, each with its id."""
    lines = [f"{function.kind}::{function.protocol} {function.name}"]
    _add_body(lines, function.body, 1, iface_names)
    return lines


def _add_body(lines: list[str], body: tuple[model.Statement, ...], level: int, names: list[str]) -> None:
    for statement in body:
        _add_statement(lines, statement, level, names)


def _add_statement(lines: list[str], statement: model.Statement, level: int, names: list[str]) -> None:
    start = f"{'  ' * level}#{statement.id} "
    match statement:
        case model.If():
            _add_if(lines, statement, level, names)
        case model.Block():
            lines.append(f"{start}{statement.protocol} block")
            _add_body(lines, statement.body, level + 1, names)
        case model.Call():
            lines.append(f"{start}call {statement.function}")
        case model.Accept():
            lines.append(f"{start}accept")
        case model.Drop():
            lines.append(f"{start}drop")
        case model.Log():
            lines.append(f"{start}log {_parts(statement.parts)}")
        case model.Syslog():
            lines.append(f"{start}syslog {SEVERITIES[statement.severity]} {_parts(statement.parts)}")
        case model.Dnat() | model.Snat():
            address = [] if statement.address is None else [format_address(statement.address)]
            port = [] if statement.port is None else [str(statement.port)]
            word = "dnat" if isinstance(statement, model.Dnat) else "snat"
            lines.append(f"{start}{word} {', '.join(address + port)}")


def _parts(parts: tuple[str | Field, ...]) -> str:
    return " ".join(part.name if isinstance(part, Field) else _quoted(part) for part in parts)


def _add_if(lines: list[str], statement: model.If, level: int, names: list[str]) -> None:
    """An `if` that alone makes up an else branch is written on the same level, as `else if`."""
    word = "if"
    while True:
        lines.append(f"{'  ' * level}#{statement.id} {word} {condition_text(statement.condition, names)}")
        _add_body(lines, statement.then, level + 1, names)
        match statement.otherwise:
            case (model.If() as following,):
                statement, word = following, "else if"
            case ():
                return
            case _:
                lines.append(f"{'  ' * level}else")
                _add_body(lines, statement.otherwise, level + 1, names)
                return


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def condition_text(condition: model.Condition, names: list[str]) -> str:
    """A condition with all its parentheses; `names` are those of the Ifaces, by number."""
    match condition:
        case model.And() | model.Or():
            word = " and " if isinstance(condition, model.And) else " or "
            return f"({word.join(condition_text(operand, names) for operand in condition.operands)})"
        case model.Not():
            return f"not {condition_text(condition.operand, names)}"
        case model.Compare():
            number = _number(condition.field, condition.value, names)
            return f"({condition.field.name} {condition.operator} {number})"
        case model.CompareFields():
            return f"({condition.left.name} {condition.operator} {condition.right.name})"
        case model.InSet():
            leaves = ", ".join(_leaf(condition.field, leaf, names) for leaf in condition.leaves)
            return f"({condition.field.name} in {{{leaves}}})"
        case model.Literal():
            return "true" if condition.value else "false"


def _leaf(field: Field, leaf: model.Leaf, names: list[str]) -> str:
    match leaf:
        case model.Single():
            return _number(field, leaf.value, names)
        case model.Between():
            return f"{_number(field, leaf.first, names)}-{_number(field, leaf.last, names)}"
        case model.Network():
            return f"{format_address(leaf.address)}/{leaf.prefix}"


def _number(field: Field, value: int, names: list[str]) -> str:
    match field.type:
        case FieldType.ADDR:
            return format_address(value)
        case FieldType.STATE:
            return State(value).name.lower()
        case FieldType.BOOL:
            return "true" if value else "false"
        case FieldType.IFACE:
            return names[value]
        case _:
            return str(value)
