import os
import shlex
import sys
import tempfile

from lstm_bench.errors import BenchError
from lstm_bench.spec import canonical, digest
from lstm_bench.store import paths
from lstm_bench.store.plans import ensure_plan, source_digest

# everything the rules know of the config stands in the plan; bad input ends here, in one sentence
try:
    plan = ensure_plan(config, workflow.basedir)
except BenchError as error:
    sys.exit(str(error))

# what every command may need to know, and no rule re-runs for, travels in the environment; the
# interpreter is the one that runs Snakemake, whether its environment is activated or not
settings = {
    "LSTM_BENCH_PLAN": plan.path,
    "LSTM_BENCH_PLUGINS": os.pathsep.join(plan.config["plugins"]),
    "LSTM_BENCH_DEVICE": plan.config["device"],
    "LSTM_BENCH_TIMEOUT": plan.config["timeout_seconds"] or "",
}
# the first training starts a process that imports torch once for all; on a cluster's node it has no
# one to serve
if not workflow.remote_exec:
    folder = f"{tempfile.gettempdir()}/lstm_bench-{os.getuid()}"
    settings["LSTM_BENCH_FORK_SERVER"] = f"{os.getpid()}:{folder}/{os.getpid()}"
exports = " ".join(
    f"{key}={shlex.quote(str(value))}" for key, value in settings.items()
)
# benchmarks/overhead.py asks what every command cost: one file each, bash's own account
account = (
    '[ -z "${LSTM_BENCH_TIMES:-}" ] || '
    'trap \'{ echo "$BASH_EXECUTION_STRING"; times; } > "$LSTM_BENCH_TIMES/$$"\' EXIT; '
)
prefix = f"set -euo pipefail; export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH {exports}; "
# braces doubled: Snakemake formats the prefix
shell.prefix((prefix + account).replace("{", "{{").replace("}", "}}"))


wildcard_constraints:
    task=r"[a-z0-9_]+",
    T=r"\d+",
    dataset=r"[0-9a-f]+",
    condition=r"[a-z0-9_]+-T\d+-[a-z0-9_]+-w\d+-[0-9a-f]+",
    block=r"seeds-\d+-\d+",
    experiment=r"[a-z0-9_]+",
    probe=r"[a-z0-9_]+",
    row=r"[a-z0-9_]+",


localrules:
    all,
    figures,
    speed,
    tune,
