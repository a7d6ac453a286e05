"""Measurements: `make bench`. Nothing here is asserted; what counts are the ratios of one run."""
