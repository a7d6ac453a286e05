"""IPv4 addresses, masks and subnets as host-order integers, and MAC addresses as text.

Sources: RFC 791 (addresses), RFC 1122 3.2.1.3 (special addresses), RFC 3021 (/31), RFC 5771 (multicast),
RFC 7042 (written form of MAC addresses).
"""

from __future__ import annotations

import re

ALL_ONES = 0xFFFFFFFF
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}")


def format_address(address: int) -> str:
    """Dotted form of `address`, 0 .. 2**32-1."""
    return f"{address >> 24 & 255}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def mask_of(prefix: int) -> int:
    """The netmask with `prefix` leading ones, 0 .. 32."""
    return ALL_ONES << (32 - prefix) & ALL_ONES


def prefix_of(mask: int) -> int | None:
    """Number of leading ones of `mask`; None when they are not contiguous."""
    inverted = ~mask & ALL_ONES
    return None if inverted & (inverted + 1) else 32 - inverted.bit_length()


def subnet_bounds(address: int, mask: int) -> tuple[int, int]:
    """First and last address of the subnet of `address` under the contiguous `mask`."""
    return address & mask, address | ~mask & ALL_ONES


def in_subnet(address: int, member: int, mask: int) -> bool:
    """Whether `address` lies in the subnet that `member` and `mask` span."""
    return address & mask == member & mask


def is_network_or_broadcast(address: int, mask: int) -> bool:
    """Whether `address` is the first or last of its subnet, which no host may have; never in a /31 or /32."""
    return mask < mask_of(31) and address in subnet_bounds(address, mask)


def is_unicast(address: int) -> bool:
    """Whether a machine can have `address` and be reached by it from another one.

    Not 0.0.0.0, 127.0.0.0/8, 224.0.0.0/4 or 255.255.255.255.
    """
    return address not in (0, ALL_ONES) and address >> 24 != 127 and address >> 28 != 0xE


def normalize_mac(text: str) -> str | None:
    """`text` as aa:bb:cc:dd:ee:ff in lower case; None when it is no MAC address.

    Six pairs of hexadecimal digits, all joined by `:` or all by `-`.
    """
    return text.lower().replace("-", ":") if _MAC.fullmatch(text) else None
