"""What is asked. One question a file. Imports stats, plotting, store and sweep; never torch."""

from lstm_bench.experiments.base import Evidence, Experiment, registry

__all__ = ["Evidence", "Experiment", "registry"]
