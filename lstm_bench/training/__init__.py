"""Training: data, loss, optimiser, stopping, checkpoint."""

VERSION = "2"  # raise when trained numbers change
