"""Renderers of diagnostics for people and tools."""
