"""Text to abstract syntax tree."""
