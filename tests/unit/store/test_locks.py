"""A file system without locks is told; it is no block in training."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.store import status, verify
from lstm_bench.store.paths import Results


@pytest.mark.parametrize("ask", [status._is_locked, verify._delete])
def test_a_refused_lock_is_one_sentence_that_names_the_file_and_the_cause(
    ask, tmp_path: Path, monkeypatch
):
    lock = tmp_path / "results/checkpoints/adding-T5-lstm-w8-abc/seeds-000-001.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(BenchError, match=f"^{lock} cannot be locked: No locks available.*NFS"):
        ask(Results(tmp_path), lock.parent.name, lock.stem)
