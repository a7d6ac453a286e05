"""`python -m naclc`."""

from naclc.cli import main

main()
