"""What is asked. One question a file. Never imports torch."""

from lstm_bench.experiments.base import Evidence, Experiment, registry
from lstm_bench.experiments.settings import OwnTasks, Settings

__all__ = ["Evidence", "Experiment", "OwnTasks", "Settings", "registry"]
