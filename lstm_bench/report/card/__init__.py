"""The memory card of a cell: one page and one picture."""
