"""Probe planning: packets that take every edge of a decision graph and both sides of every boundary."""
