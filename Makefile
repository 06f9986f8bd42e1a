# make sweep   sets up .venv from nothing but Python and make, and runs the default sweep
# make performance  likewise, and measures what docs/performance.md shows
# make load    likewise, and measures what docs/scaling.md shows
# make test    sets it up likewise, and runs the tests
# make check   likewise, those that are quick: for every edit
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# those this shell may use: a container or a batch job often has fewer than the machine
CORES ?= $(shell $(PYTHON) -c "import os; print(len(getattr(os, 'sched_getaffinity', lambda _: range(os.cpu_count()))(0)))")
# into .venv, whatever pip is told to do elsewhere
export PIP_USER := 0
# one more than cores: tests wait for servers, signals and disks
WORKERS ?= $(shell expr $(CORES) + 1)
# hundreds of processes import the same files: what they compile is kept, whatever the shell says
unexport PYTHONDONTWRITEBYTECODE
# anything more for snakemake, e.g. ARGS="--configfile workflow/presets/smoke.yaml"
ARGS ?=

.PHONY: sweep smoke figures tune performance load test check slurm-test faults lint lock audit clean

sweep: $(READY)
	$(BIN)/snakemake --cores $(CORES) $(ARGS)

smoke: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile workflow/presets/smoke.yaml $(ARGS)

figures: $(READY)
	$(BIN)/snakemake --cores $(CORES) figures $(ARGS)

tune: $(READY)
	$(BIN)/snakemake --cores $(CORES) tune $(ARGS)

# measures what docs/performance.md shows, about an hour on a machine that does nothing else
performance: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[jax]'
	$(BIN)/python -m benchmarks.engine --into docs/performance.md
	$(BIN)/python -m benchmarks.cells --into docs/performance.md
	$(BIN)/python -m benchmarks.sweep --rounds 3 --into docs/performance.md
	$(BIN)/python -m benchmarks.overhead --into docs/performance.md

# real, tiny trainings of 2,000 seed blocks, then 10,000 stored ones: half an hour
load: $(READY)
	$(BIN)/python -m benchmarks.load --blocks 2000
	$(BIN)/python -m benchmarks.load --stored 10000
	$(BIN)/python -m benchmarks.load --plan 100,1000,5000,10000,20000

test: $(READY)
	$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations=25

check: $(READY)
	$(BIN)/pytest -n $(WORKERS) --dist loadscope -m "not slow" --durations=10

# needs root and Debian's slurm-wlm and munge; about five minutes
slurm-test: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[slurm]'
	LSTM_BENCH_SLURM_TEST=1 $(BIN)/pytest -n 0 tests/slurm

# faults injected for real, up to an hour: kills, signals, full disks, damage; counts at the end
faults: $(READY)
	LSTM_BENCH_FAULTS=long $(BIN)/pytest -n $(CORES) -v --durations=20 tests/faults

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

# exact versions of everything, from the environment the tests just passed in
lock: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[slurm]'
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/^torch==\([^+]*\).*/torch==\1/' > requirements.lock

# known vulnerabilities of the pinned versions: needs the network (PyPI's database), so CI cannot run
# it where there is none; --strict fails where a package could not be looked up
audit: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	$(BIN)/python -m compileall -q lstm_bench  # a sweep on a full disk would cut bytecode short
	@touch $@

clean:
	rm -rf $(VENV) .snakemake .pytest_cache .mypy_cache .ruff_cache
