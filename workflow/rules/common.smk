import shlex
import sys

from lstm_bench.errors import BenchError
from lstm_bench.spec import canonical
from lstm_bench.store import paths
from lstm_bench.store.plans import ensure_plan, source_digest

# everything the rules know of the config stands in the plan; bad input ends here, in one sentence
try:
    plan = ensure_plan(config, workflow.basedir)
except BenchError as error:
    sys.exit(str(error))

PYTHON = shlex.quote(sys.executable)
STAGE = f"{PYTHON} -m lstm_bench.stages"
PLAN = shlex.quote(str(plan.path))
PLUGINS = " ".join(f"--plugin {shlex.quote(path)}" for path in plan.config["plugins"])

DEVICE = plan.config["device"]
LIMIT = plan.config["timeout_seconds"]
TIMEOUT = f"--timeout {LIMIT}" if LIMIT is not None else ""


wildcard_constraints:
    task=r"[a-z0-9_]+",
    T=r"\d+",
    dataset=r"[0-9a-f]+",
    condition=r"[a-z0-9_]+-T\d+-[a-z0-9_]+-w\d+-[0-9a-f]+",
    block=r"seeds-\d+-\d+",
    experiment=r"[a-z0-9_]+",
    probe=r"[a-z0-9_]+",


localrules:
    all,
    figures,
    tune,
