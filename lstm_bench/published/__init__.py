"""Published tables, trained again: one row of the literature a file. Never imports torch."""

from lstm_bench.published.base import Arm, Published, PublishedTable, registry

__all__ = ["Arm", "Published", "PublishedTable", "registry"]
