"""Training: data, loss, optimiser, stopping, checkpoint. Imports engine, tasks and store."""

VERSION = "2"  # raise when trained numbers change
