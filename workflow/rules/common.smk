import json
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from lstm_bench import environment
from lstm_bench.data import SETTING, named_in
from lstm_bench.errors import NOTED, BenchError
from lstm_bench.planning import cluster, packing
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.overlays import (
    beside,
    inherited,
    overridden,
    without_null_text,
)
from lstm_bench.planning.device_request import (
    block_mib,
    gpus,
    ladder_gpus,
    ladder_mib,
    search_gpus,
)
from lstm_bench.spec import canonical, digest
from lstm_bench.store import salvage, paths
from lstm_bench.store.adaptive import forget_incomplete
from lstm_bench.store.rates import require_writable
from lstm_bench.store.records import require_known
from lstm_bench.tracking import address
from lstm_bench.tracking.disk import require_local_disk
from lstm_bench.jobs.devices import as_text

# what the shell says decides neither which modules are imported nor how a page is encoded
environment.isolate()

# everything the rules know of the config stands in the plan; bad input ends here, in one sentence
try:
    config = beside(without_null_text(config), here)
    # Snakemake knows its targets only when all rules are read
    tuning = "tune" in sys.argv
    if tuning:
        require_writable(config, here)
    plan = ensure_plan(config, here, inherited(layers), tuning)
    if not workflow.remote_exec:
        require_known(plan, paths.Results())
        forget_incomplete(plan, paths.Results())
        for sentence in [*overridden(layers), *plan.notices]:
            print(sentence, file=sys.stderr)
    address.require_allowed()
except BenchError as error:
    sys.exit(str(error))

# what every command may need to know, and no rule re-runs for, travels in the environment; the
# interpreter is the one that runs Snakemake, whether its environment is activated or not
settings = {
    "LSTM_BENCH_PLAN": plan.path,
    "LSTM_BENCH_PLUGINS": os.pathsep.join(plan.config["plugins"]),
    SETTING: json.dumps(named_in(plan.config)),
    "LSTM_BENCH_DEVICE": as_text(plan.config["device"]),
    "LSTM_BENCH_TIMEOUT": plan.config["timeout_seconds"] or "",
}
# the first job starts a process that imports torch and pandas once for all; a cluster's job starts none,
# nor does it ask one of the machine it was submitted from. It keeps what it finished, for its next
# attempt
if workflow.remote_exec:
    settings |= {"LSTM_BENCH_FORK_SERVER": "", salvage.VARIABLE: 1}
else:
    own_files = f"{tempfile.gettempdir()}/lstm_bench-{os.getuid()}/{os.getpid()}"
    settings["LSTM_BENCH_FORK_SERVER"] = f"{os.getpid()}:{own_files}"
    settings[NOTED] = f"{own_files}.noted"

exports = " ".join(
    f"{key}={shlex.quote(str(value))}" for key, value in settings.items()
)
# benchmarks/overhead.py asks what every command cost: one file each, bash's own account
account = (
    '[ -z "${LSTM_BENCH_TIMES:-}" ] || '
    'trap \'{ echo "$BASH_EXECUTION_STRING"; times; } > "$LSTM_BENCH_TIMES/$$"\' EXIT; '
)
# a job's stderr is its log; what a full disk keeps out of there is told on Snakemake's own
speaks = "exec 9>&2; export LSTM_BENCH_STDERR=/proc/$$/fd/9; "
prefix = f"set -euo pipefail; export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH {exports}; "
# braces doubled: Snakemake formats the prefix
shell.prefix((prefix + speaks + account).replace("{", "{{").replace("}", "}}"))


# a terminal that closes ends a sweep as SIGTERM does: trainings are saved, the folder is unlocked. It
# may tell Snakemake alone, which then tells the jobs of its process group
def end_the_sweep(*_):
    leads = os.getpgrp() == os.getpid()
    os.kill(0 if leads else os.getpid(), signal.SIGTERM)


if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
    signal.signal(signal.SIGHUP, end_the_sweep)


def this_environment(wildcards):
    return None


def priority(wildcards):
    settle_execution()
    return plan.conditions[wildcards.condition].priority


# a climb cannot be parted: those that may take long come before any seed block
def ladder_priority(wildcards):
    settle_execution()
    rungs = plan.ladders[wildcards.ladder].conditions
    return min(sum(plan.conditions[id].priority for id in rungs), 2**31 - 1)


wildcard_constraints:
    **paths.WILDCARDS,


def one_of(names):
    return "|".join(names) or "(?!)"


# on a cluster these run where Snakemake does: seconds each, less than a job takes to start
localrules:
    all,
    card,
    conclude,
    draw,
    draw_both,
    figures,
    judge,
    report,
    speed,
    table,
    tables,
    track,
    tune,


onstart:
    if NOTED in settings:
        hear_from_jobs()
    try:
        names = [name for name, _ in layers]
        plan.mark_run(paths.Results(), names, inherited(layers))
        if any(job.rule.name == "track" for job in jobs_to_run()):
            require_local_disk(address.tracking_uri(paths.Results()))
            # nothing waits for it: what is trained is imported when it answers
            print(address.silence(), end="", file=sys.stderr)
        if on_slurm():
            cluster.require(job.resources for job in jobs_to_submit())
    except BenchError as error:
        sys.exit(str(error))


onsuccess:
    salvage.clear(paths.Results())
    say_where_the_report_is()
