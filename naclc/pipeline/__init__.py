"""Typed model to packet pipeline: hooks, chains, functions and routes as data."""
