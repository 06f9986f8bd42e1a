"""lstm_bench: from config.yaml to trained networks, MLflow runs, figures and a report.

snakemake --cores 2            everything config.yaml asks for
snakemake --cores 2 figures    tables and figures from stored runs
snakemake --cores 2 tables     published tables beside ours, in results/tables/index.html
snakemake --cores 2 speed      how fast every backend and its peers run on this machine
snakemake --cores 2 tune       learning rates, frozen in the file that learning_rates names last
"""

import sys

# Snakemake puts this folder before Python's own modules, and a plugin in it may be called random.py
here = str(workflow.current_basedir)
sys.path[:] = [path for path in sys.path if path != here]

import os

try:
    from lstm_bench import environment
except ModuleNotFoundError:
    sys.exit(
        f"lstm-bench is not installed in {sys.prefix}, where Snakemake runs; run "
        f"pip install -e {here!r} there, or activate the environment that has it."
    )
from lstm_bench.errors import BenchError
from lstm_bench.planning.overlays import read_layers

# with --directory the sweep is that of the config beside this file, unless there is one over there
own = "config.yaml" if os.path.exists("config.yaml") else f"{here}/config.yaml"
# Snakemake's own reader takes the last of two equal keys, and runs code for a key __use_yte__
try:
    environment.require_installed()
    environment.check()
    layers = read_layers([own, *workflow.configfiles], workflow.config_settings.config)
except BenchError as error:
    sys.exit(str(error))


configfile: own


if (
    workflow.modifier.skip_configfile
):  # a workflow that imports this one gives the config
    layers = [("the config of the importing workflow", config)]


report: "workflow/report/workflow.rst"


include: "workflow/rules/compat.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/terminal.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/climb.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/speed.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/card.smk"


rule all:
    default_target: True
    input:
        plan.block_files(plan.asked, paths.BLOCK_FILES),
        plan.experiment_files(paths.EXPERIMENT_TABLES),
        plan.figure_files(),
        [f"{paths.CLAIMS}/{name}" for name in paths.CLAIM_FILES],
        paths.REPORT,
        paths.EXPLORER,
        paths.TRACKED,
