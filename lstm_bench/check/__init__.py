"""What cells, modules and tasks promise, tried on one of them in seconds.

    lstm-bench check my_cell.py:MyCell

and the same as a test of pytest:

    from lstm_bench.check import promises
    TestMyCell = promises("my_cell.py:MyCell")
"""

from __future__ import annotations

from lstm_bench.check.running import Result, check, failures, promises

__all__ = ["Result", "check", "failures", "promises"]
