from __future__ import annotations

from lstm_bench.errors import BenchError, DamagedFile, unknown


def test_an_unknown_name_is_answered_with_the_nearest_and_all_that_are_known():
    assert str(unknown("cell", "lstn", ["gru", "lstm"])) == (
        "cell 'lstn' is unknown; did you mean 'lstm'? Known: gru, lstm."
    )


def test_no_name_is_suggested_where_none_is_near():
    assert str(unknown("cell", "xyz", ["gru", "lstm"])) == (
        "cell 'xyz' is unknown. Known: gru, lstm."
    )


def test_what_is_no_text_is_still_answered():
    assert "3 is unknown" in str(unknown("cell", 3, ["lstm"]))


def test_a_damaged_file_is_an_error_the_user_can_mend():
    assert issubclass(DamagedFile, BenchError)
