"""Decision graphs: what a function decides, as tests, effects, calls and leaves."""
