"""Compiled code: what is the same for all cells, how it is built, kept and called."""
