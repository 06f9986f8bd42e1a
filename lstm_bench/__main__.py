"""`python -m lstm_bench` is `lstm-bench`."""

import sys

if not sys.flags.safe_path:  # a plugin where one works may be called random.py
    del sys.path[0]

from lstm_bench.cli import main

main()
