"""Files of the user's own, found by their content; pandas is imported where one is read."""

from lstm_bench.data.files import SETTING, content_digest, locate, named_in, register

__all__ = ["SETTING", "content_digest", "locate", "named_in", "register"]
