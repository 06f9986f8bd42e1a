"""How the kernel is made, and what happens where it cannot be."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.engine.fused import library
from lstm_bench.errors import BenchError


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A cache folder of the test's own, and nothing remembered before or after."""
    monkeypatch.setenv("LSTM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(library.ISA, raising=False)
    for memory in (library.load_for, library._available):
        memory.cache_clear()
    yield
    for memory in (library.load_for, library._available):
        memory.cache_clear()


TO_THE_LAST = 'for last; do :; done; case "$last" in -*) ;; *) {} ;; esac'  # not to --version


def fake_compiler(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cxx"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CXX", str(path))


def one_line_says(capsys: pytest.CaptureFixture, words: str) -> None:
    assert engine.backend_for(cells.create("lstm")) == "loop"
    assert engine.backend_for(cells.create("gru")) == "loop"
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert words in lines[0]


def test_without_a_compiler_the_torch_path_runs_and_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    one_line_says(capsys, "torch instead of compiled kernels: no C++ compiler is on the PATH")


def test_a_compiler_that_fails_is_quoted(tmp_path, monkeypatch, capsys):
    fake_compiler(tmp_path, "echo 'x.cpp:1: error: no such flag' >&2; exit 1", monkeypatch)
    assert engine.backend_for(cells.create("lstm")) == "loop"
    assert "error: no such flag" in capsys.readouterr().err
    assert not list((tmp_path / "cache").glob("*.so"))


@pytest.mark.parametrize(("script", "said"), [
    ("echo 'x.cpp:1: Fehler: keine solche Datei' >&2; exit 1", "Fehler: keine solche Datei"),
    ("echo >&2; echo ouch; exit 1", "failed: ouch"),
    ("exit 3", "failed: exit code 3, no message"),
])  # fmt: skip
def test_a_compiler_is_quoted_in_any_language(script, said, tmp_path, monkeypatch, capsys):
    fake_compiler(tmp_path, script, monkeypatch)
    one_line_of_the_reason(capsys, said)


def one_line_of_the_reason(capsys: pytest.CaptureFixture, words: str) -> None:
    assert engine.backend_for(cells.create("lstm")) == "loop"
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_a_library_that_does_not_load_is_not_used_and_not_made_again(tmp_path, monkeypatch, capsys):
    made = TO_THE_LAST.format(f'echo >> {tmp_path}/calls; echo "not a library" > "$last"')
    fake_compiler(tmp_path, made, monkeypatch)
    for _ in range(3):  # processes
        library._available.cache_clear()
        one_line_of_the_reason(capsys, "the kernel does not load")
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.parametrize("lost", ["no compiler", "one that fails", "a cache that is read-only"])
def test_a_kernel_that_is_there_needs_no_compiler(lost: str, tmp_path, monkeypatch):
    made = TO_THE_LAST.format('echo one > "$last"')
    fake_compiler(tmp_path, made, monkeypatch)
    kernel = library.build("avx2")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX")
    if lost == "one that fails":
        fake_compiler(tmp_path / "cache", "exit 1", monkeypatch)
    if lost == "a cache that is read-only":
        monkeypatch.setattr(os, "access", lambda *_: False)
    assert library.build("avx2") == kernel
    with pytest.raises(library.Unavailable):
        library.build("portable")


def test_a_compiler_that_could_not_be_started_is_tried_again(tmp_path, monkeypatch):
    fake_compiler(tmp_path, TO_THE_LAST.format('echo one > "$last"'), monkeypatch)
    real, refused = library.subprocess.run, [BlockingIOError(11, "no more processes")] * 2

    def run(*words, **how):
        if refused:
            raise refused.pop()
        return real(*words, **how)

    monkeypatch.setattr(library.subprocess, "run", run)
    monkeypatch.setattr(library.time, "sleep", lambda _: None)
    assert library.build("portable").exists()
    assert not refused


def test_without_locks_the_kernel_is_made_all_the_same(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    fake_compiler(tmp_path, TO_THE_LAST.format('echo one > "$last"'), monkeypatch)
    assert library.build("portable").exists()


def test_a_user_without_a_home_gets_a_sentence(monkeypatch, capsys):
    def no_home(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LSTM_BENCH_CACHE")
    monkeypatch.setattr(library, "user_cache_dir", no_home)
    one_line_says(capsys, "there is no home folder to keep it in (LSTM_BENCH_CACHE)")


def test_what_many_jobs_find_out_the_workflow_says_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(library.ISA, "off")
    monkeypatch.setenv("LSTM_BENCH_NOTED", str(tmp_path / "noted"))
    for _ in range(3):  # jobs
        library._available.cache_clear()
        one_line_says(capsys, "LSTM_BENCH_ISA is off")
    (line,) = (tmp_path / "noted.kernel").read_text(encoding="utf-8").splitlines()
    assert line.endswith("torch instead of compiled kernels: LSTM_BENCH_ISA is off")


def test_the_kernel_can_be_switched_off(monkeypatch, capsys):
    monkeypatch.setenv(library.ISA, "off")
    one_line_says(capsys, "LSTM_BENCH_ISA is off")


def test_an_unknown_instruction_set_is_answered_with_the_known_ones(monkeypatch):
    monkeypatch.setenv(library.ISA, "sse9")
    with pytest.raises(BenchError, match=r"LSTM_BENCH_ISA 'sse9' is unknown.*avx2, avx512"):
        engine.backend_for(cells.create("lstm"))


@pytest.mark.parametrize(("said", "meant"), [("AVX2", "avx2"), (" Portable ", "portable")])
def test_an_instruction_set_is_understood_in_any_case(said: str, meant: str, monkeypatch):
    monkeypatch.setenv(library.ISA, said)
    assert library.instruction_set() == meant


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LSTM_BENCH_CACHE", str(tmp_path / "file" / "cache"))
    one_line_says(capsys, f"{tmp_path / 'file' / 'cache'} cannot be written")


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")
def test_a_cache_folder_where_all_may_write_is_not_trusted(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setenv("LSTM_BENCH_CACHE", str(folder))
    one_line_says(capsys, f"others may write in the cache folder {folder}")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")
def test_another_users_cache_folder_is_not_trusted(monkeypatch, capsys):
    folder = Path(os.environ["LSTM_BENCH_CACHE"])
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 4242, -1)  # what belongs to root is trusted, what belongs to others not
    else:
        monkeypatch.setattr(os, "getuid", lambda: 4242)
    one_line_says(capsys, f"others may write in the cache folder {folder}")


def test_a_library_that_was_cut_short_is_made_anew(tmp_path, monkeypatch):
    try:
        compiler = library.compiler()
    except library.Unavailable as reason:
        pytest.skip(str(reason))
    source = tmp_path / "small.cpp"
    source.write_text('extern "C" int lanes() { return 4; }')
    good = f'{compiler} -shared -fPIC "{source}" -o "$last"'
    fake_compiler(tmp_path, TO_THE_LAST.format(good), monkeypatch)
    path = library.build("portable")
    path.write_bytes(path.read_bytes()[:20])
    assert library._loaded("portable").lanes() == 4
    assert path == library.build("portable")


def test_the_kernel_is_compiled_once_and_keyed_by_its_flags(tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    script = f'echo "$@" >> {calls}; for last; do :; done; case "$*" in *-o*) : > "$last";; esac'
    fake_compiler(tmp_path, script, monkeypatch)
    first = [library.build(isa) for isa in ("portable", "avx2", "portable")]
    assert first[0] == first[2] != first[1]
    compiled = [line for line in calls.read_text().splitlines() if "-o" in line.split()]
    assert len(compiled) == 2
    monkeypatch.setattr(library, "COMMON", (*library.COMMON, "-DOTHER"))
    assert library.build("portable") != first[0]


def test_the_kernel_says_who_made_it():
    if not library.available():
        pytest.skip("no kernel can be made here")
    isa, compiler = library.made_by().split(" by ")
    assert isa == library.instruction_set()
    assert re.search(r"\d+\.\d+", compiler)


def test_float64_and_other_devices_take_another_path():
    assert engine.backend_for(cells.create("lstm"), like=torch.zeros(0).double()) == "loop"
    assert engine.backend_for(cells.create("lstm"), like=torch.zeros(0, device="meta")) == "loop"
