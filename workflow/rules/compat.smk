# everything that reaches into Snakemake beyond its language, in one place; written for Snakemake 9
import sys

from snakemake.common import __version__ as snakemake_version

if snakemake_version.partition(".")[0] != "9":
    sys.exit(
        f"Snakemake {snakemake_version} is not supported; this workflow is written for version 9: "
        "pip install 'snakemake>=9,<10'."
    )

# rules run where Snakemake itself does: `--sdm conda`, asked for or set in a profile, builds nothing
workflow.deployment_settings.deployment_method = {
    method
    for method in workflow.deployment_settings.deployment_method
    if method.name != "CONDA"
}


# the settings of the execution are there when priorities are asked for, and not before
def settle_execution():
    # one block that fails must not stop those packed with it: profiles/default says so, and no
    # profile is read in a cluster's job
    if workflow.remote_exec:
        workflow.execution_settings.keep_going = True
    # With a limit of jobs in a time, and there is one if nobody asks (100 a second), Snakemake 9's
    # scheduler looks at all ready jobs again after that time, once for every look it ever took: they
    # add up until it has a core of its own. Without a limit it looks when a job ends
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduling_settings.max_jobs_per_timespan = None


def jobs_to_run():
    return list(workflow.dag.needrun_jobs())


# packed as they will be
def jobs_to_submit():
    groups = (
        workflow.dag.get_job_group(job) or job
        for job in jobs_to_run()
        if not job.is_local
    )
    return list({id(each): each for each in groups}.values())


def on_slurm():
    return workflow.executor_plugin.name == "slurm"
