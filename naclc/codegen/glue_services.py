"""What a machine has beside Ifaces and chains: connection table, syslog, load balancer, timers."""

from __future__ import annotations

from naclc.codegen.glue_ifaces import cpp_address
from naclc.pipeline.pipeline import DEFAULT_TIMEOUTS, Conntrack, Iface, LoadBalancer, SyslogServer, Timer
from naclc.semantics.model import TimerData


def start_syslog(server: SyslogServer) -> list[str]:
    return [
        "Syslog::set_facility(std::make_unique<Syslog_udp>());",
        f"Syslog::settings(net::ip4::Addr{cpp_address(server.address)}, {server.port});",
    ]


def track_connections(conntrack: Conntrack, ifaces: tuple[Iface, ...]) -> list[str]:
    """Statements that make the connection table; what is as IncludeOS has it is left out."""
    lines = ["connections = std::make_shared<net::Conntrack>();"]
    if conntrack.limit:
        lines.append(f"connections->maximum_entries = {conntrack.limit};")
    if conntrack.reserve is not None:
        lines.append(f"connections->reserve({conntrack.reserve});")
    for (state, protocol), seconds in conntrack.timeouts.items():
        if seconds != DEFAULT_TIMEOUTS[state, protocol]:
            duration = f"net::Conntrack::Timeout_duration{{{seconds}}}"
            lines.append(f"connections->timeout.{state.value}.{protocol.value.lower()} = {duration};")
    if conntrack.stateful_tcp:
        lines.append("connections->tcp_in = track_tcp;")
    tracking = [iface for iface in ifaces if iface.tracks]
    return [*lines, *(f"ifaces[{i.number}]->enable_conntrack(connections);  // {i.name}" for i in tracking)]


def balance_load(balancer: LoadBalancer) -> list[str]:
    check = "true" if balancer.active_check else "false"
    clients = f"ifaces[{balancer.client_iface}]"
    return [
        f"balancer = std::make_unique<microLB::Balancer>({check});",
        f"balancer->open_for_tcp(*{clients}, {balancer.client_port});",
        *(f"add_node({{net::ip4::Addr{cpp_address(node.address)}, {node.port}}});" for node in balancer.nodes),
        f"{clients}->ip_obj().input_chain().chain.push_back(limit_clients);",
    ]


def start_timers(timers: tuple[Timer, ...], *, balances: bool) -> list[str]:
    """Each timer first runs after a second; `balances`: there is a load balancer to report on."""
    lines: list[str] = []
    if sampled(timers):
        lines.append("StackSampler::begin();")
    for timer in timers:
        interval = f"std::chrono::seconds{{{timer.interval}}}"
        lines += [
            f"Timers::periodic(std::chrono::seconds{{1}}, {interval}, [](Timers::id_t) {{  // {timer.name}",
            *(f"  print_{word.replace('-', '_')}();" for word in printed(timer.data, balances=balances)),
            "});",
        ]
    return lines


def printed(data: tuple[TimerData, ...], *, balances: bool) -> list[str]:
    return [word.value for word in data if balances or word is not TimerData.LB]


def sampled(timers: tuple[Timer, ...]) -> bool:
    """Whether a timer prints what only sampling tells."""
    return any(word in (TimerData.CPU, TimerData.STACK_SAMPLING) for timer in timers for word in timer.data)
