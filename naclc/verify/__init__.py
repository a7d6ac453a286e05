"""Policy tests: the same packets on every executor, compared row by row."""
