"""Address arithmetic."""

from __future__ import annotations

import pytest

from naclc.net.addresses import (
    format_address,
    in_subnet,
    is_network_or_broadcast,
    is_unicast,
    mask_of,
    normalize_mac,
    prefix_of,
    subnet_bounds,
)


def test_masks_and_prefixes_are_inverse() -> None:
    assert [prefix_of(mask_of(prefix)) for prefix in range(33)] == list(range(33))
    assert mask_of(0) == 0
    assert mask_of(24) == 0xFFFFFF00


@pytest.mark.parametrize("mask", [0xFF00FF00, 1, 0x7FFFFFFF, 0xFFFFFFFD])
def test_masks_with_holes_have_no_prefix(mask: int) -> None:
    assert prefix_of(mask) is None


def test_format() -> None:
    assert format_address(0xC0000201) == "192.0.2.1"
    assert format_address(0xFFFFFFFF) == "255.255.255.255"


def test_subnets() -> None:
    assert subnet_bounds(0x0A000105, mask_of(24)) == (0x0A000100, 0x0A0001FF)
    assert in_subnet(0x0A0001FF, 0x0A000105, mask_of(24))
    assert not in_subnet(0x0A000200, 0x0A000105, mask_of(24))


@pytest.mark.parametrize(("prefix", "expected"), [(24, True), (30, True), (31, False), (32, False)])
def test_network_address_is_a_host_in_small_subnets(prefix: int, expected: bool) -> None:
    assert is_network_or_broadcast(0x0A000000, mask_of(prefix)) is expected


@pytest.mark.parametrize("address", [0, 0xFFFFFFFF, 0x7F000001, 0x7FFFFFFF, 0xE0000000, 0xEFFFFFFF])
def test_no_machine_has_these(address: int) -> None:
    assert not is_unicast(address)


@pytest.mark.parametrize("address", [1, 0x7EFFFFFF, 0x80000000, 0xDFFFFFFF, 0xF0000000, 0xFFFFFFFE])
def test_machines_may_have_these(address: int) -> None:
    assert is_unicast(address)


def test_mac_forms() -> None:
    assert normalize_mac("02-00-5E-00-53-0A") == "02:00:5e:00:53:0a"
    assert normalize_mac("02:00:5e:00:53:0a") == "02:00:5e:00:53:0a"


@pytest.mark.parametrize(
    "text", ["", "02:00:5e:00:53", "02:00:5e:00:53:0g", "02:00-5e:00:53:01", "02005e005301", "2:0:5e:0:53:1"]
)
def test_no_macs(text: str) -> None:
    assert normalize_mac(text) is None
