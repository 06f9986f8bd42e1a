"""`python -m lstm_bench.planning`: read {config, digest, schema} on stdin, write the plan."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from lstm_bench.store.paths import Results


def main() -> int:
    """Exit 0 with a plan on disk, or 1 with one sentence on stderr."""
    request = json.load(sys.stdin)
    try:
        schema = yaml.safe_load(Path(request["schema"]).read_text(encoding="utf-8"))
        plan = resolve(request["config"], schema, request["inherited"], request["tuning"])
        plan.write(Results().plan(request["digest"]))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
