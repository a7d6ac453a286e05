"""Classifiers against each other on the same packets: `python -m bench.rules --help`."""
