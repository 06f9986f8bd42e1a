"""What is learnt. One task a file; numpy only. Imports spec and registry, nothing above."""

from lstm_bench.tasks.base import Batch, Task, create, generator, registry

__all__ = ["Batch", "Task", "create", "generator", "registry"]
