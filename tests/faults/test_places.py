"""One sweep in hard circumstances, and one after the code has changed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from lstm_bench.planning import ensure
from tests.faults.conftest import Tally
from tests.faults.sweeps import DISTURBED, TARGETS, Sweep, digests, locked, until
from tests.workflow.workspace import Workspace


def test_a_sweep_extended_locked_out_stopped_and_resumed_in_an_odd_place(
    tmp_path: Path, undisturbed: dict[str, str], tally: Tally
) -> None:
    """One core, half the seeds, an odd path, linked results, read-only inputs, two time zones.

    And a shell of somebody's own: files called like modules of Python, its locale, its matplotlib.
    """
    faults = ["odd path", "results are a link", "read-only inputs", "another time zone on resume"]
    faults += ["modules, locale and matplotlib of the user's own", "terminal closed"]
    faults += ["second sweep in one folder", "extended while it runs", "another number of cores"]
    for fault in faults:
        tally.injected(fault)
    workspace = Workspace(tmp_path / "größe ☃ it's", **{**DISTURBED, "replicates": 2})
    (tmp_path / "else where").mkdir()
    (workspace.path / "results").symlink_to(tmp_path / "else where")
    for name in ("random", "copy", "statistics", "queue", "torch", "click", "tempfile"):
        (workspace.path / f"{name}.py").write_text("raise SystemExit('a plugin, not the module')")
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: black\nsavefig.bbox: tight\n")
    shell = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "LC_ALL": "C"}
    shell |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "MATPLOTLIBRC": str(tmp_path)}
    for path in [workspace.path / "Snakefile", *(workspace.path / "workflow").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    one_core = ("figures", "results/claims/verdicts.json", "--cores", "1")
    first = Sweep(workspace, *one_core, env={"TZ": "Pacific/Kiritimati", **shell})
    lines = "results/logs/train/*/*.log"
    assert until(lambda: any(p.stat().st_size for p in workspace.path.glob(lines)))
    os.killpg(first.process.pid, signal.SIGSTOP)  # however slow the second is to start
    workspace.configure(replicates=4)
    second = workspace.snakemake("figures")
    assert second.returncode != 0
    assert "cannot be locked" in second.stdout
    assert "Traceback" not in second.stdout
    assert first.running, "the second sweep has ended the first"
    os.kill(first.process.pid, signal.SIGHUP)  # to the leader of a session alone
    os.killpg(first.process.pid, signal.SIGCONT)
    first.wait()
    assert not locked(workspace)
    again = Sweep(workspace, *TARGETS, "--sdm", "conda", env={"TZ": "America/St_Johns", **shell})
    assert again.wait() == 0, again.told()
    assert digests(workspace) == undisturbed
    for fault in faults:
        tally.survived(fault)


def test_results_of_older_code_are_trained_again_or_refused(
    finished: Workspace, tmp_path: Path, tally: Tally
) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(ensure.PACKAGE, newer / "lstm_bench")
    training = newer / "lstm_bench/training/__init__.py"
    raised = re.sub(r'VERSION = "(\d+)"', r'VERSION = "\g<1>0"', training.read_text())
    assert raised != training.read_text()
    training.write_text(raised)
    env = {"PYTHONPATH": str(newer)}

    tally.injected("older code in results", 2)
    known = finished.copy(tmp_path / "known")
    shown = known.snakemake("-n", "figures", env=env)
    assert re.search(r"^train +4$", shown.stdout, re.M), shown.stdout
    tally.survived("older code in results")

    bare = finished.copy(tmp_path / "bare")
    shutil.rmtree(bare.path / ".snakemake")  # and with it what Snakemake knows of the runs
    shown = bare.snakemake("-n", "figures", env=env)
    assert shown.returncode == 1
    assert "4 seed blocks below results were trained by other code" in shown.stdout
    assert "Traceback" not in shown.stdout
    code = "from lstm_bench.cli import main; main()"
    retry = [sys.executable, "-c", code, "retry", "--status", "stale"]
    told = subprocess.run(retry, cwd=bare.path, env={**bare.environment, **env}, check=True)
    assert told.returncode == 0
    shown = bare.snakemake("-n", "figures", env=env)
    assert re.search(r"^train +4$", shown.stdout, re.M), shown.stdout
    tally.survived("older code in results")
