# lstm_bench with the pinned versions its tests pass with. docs/cluster.md says how to build and run it.
FROM python:3.11-slim-bookworm

# the kernel is compiled at first use; versions are those of the Debian release of the base image
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 bench
WORKDIR /bench

# another index gives another build of the same torch, e.g. https://download.pytorch.org/whl/cpu
ARG TORCH_INDEX=https://pypi.org/simple
COPY pyproject.toml requirements.lock README.md ./
COPY lstm_bench lstm_bench
RUN pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" -c requirements.lock '.[slurm]'

COPY Snakefile config.yaml environment.yml ./
COPY profiles profiles
COPY workflow workflow
RUN mkdir results .snakemake && chown bench:bench . results .snakemake
USER 1000

ENV MLFLOW_DISABLE_TELEMETRY=true
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
