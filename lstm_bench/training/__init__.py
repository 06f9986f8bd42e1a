"""Training: data, loss, optimiser, stopping, checkpoint. Imports engine, tasks and store."""

VERSION = "1"  # raise when trained numbers change
