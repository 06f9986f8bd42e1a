"""The lecture's claims, declared before anything is trained, and how they are judged."""

from lstm_bench.claims.base import (
    LECTURE,
    Claim,
    Trained,
    check,
    declared,
    labels_of,
    require_known,
    too_few_tasks,
)

__all__ = [
    "LECTURE",
    "Claim",
    "Trained",
    "check",
    "declared",
    "labels_of",
    "require_known",
    "too_few_tasks",
]
