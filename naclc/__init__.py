"""naclc: a compiler for NaCl, the configuration and firewall language of IncludeOS."""

__version__ = "0.1.0"
