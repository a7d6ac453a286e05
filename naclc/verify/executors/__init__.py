"""The five executors."""
