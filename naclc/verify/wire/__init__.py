"""Machines with wires: Ethernet frames on datagram sockets, a console, a process."""
