"""What the report says of a declaration, and what git says of those that are committed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.planning.declare import first_seed
from lstm_bench.report.declared import about
from lstm_bench.store.commit import Added, added_by
from lstm_bench.store.declarations import DECLARATIONS, declarations

ROOT = Path(__file__).parents[3]
RUNS = pd.DataFrame(
    {
        "started": ["2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00+00:00"],
        "finished": ["2026-03-01T10:30:00+00:00", None],
    }
)


@pytest.mark.parametrize(
    ("added", "warns", "said"),
    [
        (Added("a" * 40, "2026-03-01T10:59:00+01:00"), False, "2026-03-01 09:59 UTC"),
        (Added("a" * 40, "2026-03-01T11:01:00+01:00"), True, "before the commit"),
        (None, True, "not proved"),
    ],
)
def test_a_line_is_proof_where_its_commit_is_older_than_the_first_run(
    added: Added | None, warns: bool, said: str
) -> None:
    found = about(3, "ab12", added, RUNS)
    assert found.warns == warns
    assert said in found.sentence
    assert "number 3" in found.sentence
    assert "began 2026-03-01 10:00 and ended 2026-03-01 10:30 UTC" in found.sentence


def test_the_commit_is_the_one_that_first_held_the_line(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        own = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(tmp_path), *own, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    file = tmp_path / "file.md"
    commits = []
    for text in ("a\n", "a\n`ab12`\n", "a\n`ab12`\n`cd34`\n"):
        file.write_text(text)
        git("add", "file.md")
        git("commit", "-qm", "one")
        commits.append(git("rev-parse", "HEAD"))
    found = added_by(file, "`ab12`")
    assert found is not None
    assert found.commit == commits[1]
    assert added_by(file, "`ef56`") is None
    assert added_by(tmp_path.parent / "file.md", "`ab12`") is None


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def test_every_declaration_has_the_seed_of_its_digest() -> None:
    made = declarations(ROOT / DECLARATIONS)
    assert [each.first_seed for each in made] == [first_seed(each.digest) for each in made]
    numbers = [each.number for each in made]
    assert numbers == sorted(set(numbers))


@pytest.mark.skipif(
    git("rev-parse", "--is-shallow-repository") != "false", reason="no whole history here"
)
def test_what_the_example_report_rests_on_was_committed_before_it() -> None:
    page = (ROOT / "docs/example/report/index.html").read_text(encoding="utf-8")
    of_the_page = re.search(r"<th>git commit</th><td[^>]*>([0-9a-f]{40})", page)
    assert of_the_page is not None
    for each in declarations(ROOT / DECLARATIONS):
        if each.digest in page:
            added = added_by(ROOT / DECLARATIONS, f"`{each.digest}`")
            assert added is not None
            command = ["git", "-C", str(ROOT), "merge-base", "--is-ancestor", added.commit]
            assert subprocess.run([*command, of_the_page[1]]).returncode == 0
