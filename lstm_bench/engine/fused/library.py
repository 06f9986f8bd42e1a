"""The kernel's shared library: compiled at first use, cached, loaded through ctypes.

The cache is keyed by the source, the flags and what CXX says, not by the compiler's version: a
kernel that is there is used, also on a node without a compiler. Which one made it stands in the
kernel. Where there is none to be had the suite takes the torch path and says so once.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock
from platformdirs import user_cache_dir

from lstm_bench.environment import ISA, word
from lstm_bench.errors import tell_once
from lstm_bench.store.files import sha256

SOURCES = Path(__file__).parent
COMMON = ("-O3", "-std=c++17", "-fPIC", "-shared", "-fno-math-errno", "-ffp-contract=fast")
ISA_FLAGS = {
    "avx512": ("-DW=16", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mavx2", "-mfma"),
    "avx2": ("-DW=8", "-mavx2", "-mfma"),
    "portable": ("-DW=4",),
}
TRIES = 3  # of a compiler that could not be started, or was killed


HEADERS = ("nest.h", "pointwise.h", "tile.h", "vector.h")  # what the loops of a cell include


class Written(NamedTuple):
    """The loops of a cell, written from its equations, and its name."""

    name: str
    text: str


class Unavailable(Exception):
    """There is no kernel on this machine, for the reason given."""


def instruction_set() -> str:
    """What LSTM_BENCH_ISA says, or the widest this CPU has.

    Raises Unavailable where it says off, and BenchError for a word that it may not say.
    """
    wanted = word(ISA)
    if wanted == "off":
        raise Unavailable(f"{ISA} is off")
    if wanted in ISA_FLAGS:
        return wanted
    if platform.machine() not in ("x86_64", "AMD64"):
        return "portable"
    found = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "avx512", "AVX2": "avx2"}.get(found, "portable")


def compiler() -> str:
    """The C++ compiler. Raises Unavailable where there is none."""
    for name in (os.environ.get("CXX"), "g++", "c++", "clang++"):
        if name and shutil.which(name):
            return name
    raise Unavailable("no C++ compiler is on the PATH")


def build(isa: str, written: Written | None = None) -> Path:
    """The compiled kernel, or the loops written for a cell, from the cache where they are there.

    Raises Unavailable.
    """
    flags = [*COMMON, *ISA_FLAGS[isa]]
    parts = [" ".join(flags).encode(), platform.machine().encode()]
    if written is None:
        parts += [file.read_bytes() for file in sorted(SOURCES.glob("[a-z]*.[ch]*"))]
    else:
        parts += [written.text.encode()]
        parts += [(SOURCES / name).read_bytes() for name in HEADERS]
    own = "".join([os.environ.get("CXX", ""), *platform.libc_ver()]).encode()
    folder, name = cache_folder(), "" if written is None else f"{written.name}-"
    kernel = f"{isa}-{name}{sha256(b'0'.join(parts))[:16]}"
    target = folder / f"{kernel}-{sha256(own)[:8]}.so"
    try:
        if not target.exists():
            _make(flags, target, written)
    except Unavailable:
        others = [(path.stat().st_mtime, path) for path in folder.glob(f"{kernel}-*.so")]
        if not others:
            raise
        return max(others)[1]  # another compiler's, and a run says which
    return target


def _make(flags: list[str], target: Path, written: Written | None) -> None:
    command = [compiler(), *flags]
    if not os.access(target.parent, os.W_OK):
        raise Unavailable(f"the cache folder {target.parent} cannot be written (LSTM_BENCH_CACHE)")
    with _alone(target):
        if not target.exists():
            _compile(command, target, written)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """A sweep starts many processes at once. Where files cannot be locked, each compiles."""
    lock = FileLock(target.with_suffix(".lock"))
    with suppress(OSError, NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _compile(command: list[str], target: Path, written: Written | None) -> None:
    kernel = target.name.split("-")[0] if written is None else written.name
    print(f"lstm_bench: compiling the {kernel} kernel (once)", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made, sources = Path(scratch) / "kernel.so", sorted(SOURCES.glob("[a-z]*.cpp"))
        if written is not None:
            sources = [Path(scratch) / "loops.cpp"]
            sources[0].write_text(written.text, encoding="utf-8")
        _run([*command, f"-I{SOURCES}", *map(str, sources), "-o", str(made)])
        with made.open("rb") as file:
            os.fsync(file.fileno())  # a half-written library would end the process that loads it
        _checksum(target).write_text(sha256(made.read_bytes()), encoding="utf-8")
        made.replace(target)


def _run(call: list[str]) -> None:
    """Call the compiler, again where the machine is at fault. Raises Unavailable with its words."""
    for left in reversed(range(TRIES)):
        try:
            done = subprocess.run(
                call,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=300,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why, passing = f"{call[0]} did not run: {error}", isinstance(error, OSError)
        else:
            if not done.returncode:
                return
            lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            told = [line for line in lines if "error" in line.lower()] or lines
            words = told[0].strip()[:200] if told else f"exit code {done.returncode}, no message"
            why, passing = f"{call[0]} failed: {words}", done.returncode < 0 or "Killed" in words
        if not passing or not left:
            raise Unavailable(why)
        time.sleep(0.5)


def _checksum(path: Path) -> Path:
    return path.with_suffix(".sha256")


def cache_folder() -> Path:
    """Where compiled kernels are kept: LSTM_BENCH_CACHE, or the user's cache folder.

    Raises Unavailable where it is another user's or all may write: what lies there is run.
    """
    try:
        folder = Path(os.environ.get("LSTM_BENCH_CACHE") or user_cache_dir("lstm_bench"))
    except RuntimeError as error:  # HOME is not set, and the user has no entry in passwd
        raise Unavailable("there is no home folder to keep it in (LSTM_BENCH_CACHE)") from error
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        reason = f"the cache folder {folder} cannot be written (LSTM_BENCH_CACHE)"
        raise Unavailable(reason) from error
    if os.name == "posix" and (found.st_uid not in (os.getuid(), 0) or found.st_mode & 0o002):
        raise Unavailable(f"others may write in the cache folder {folder} (LSTM_BENCH_CACHE)")
    return folder


def _loaded(isa: str, written: Written | None = None) -> ctypes.CDLL:
    """Made anew where what lies in the cache was cut short by a crash.

    What is whole and does not load (a folder that nothing may be run from) would not the next time.
    """
    path = build(isa, written)
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        if _is_whole(path):
            raise
        path.unlink(missing_ok=True)
        return ctypes.CDLL(str(build(isa, written)))


def _is_whole(path: Path) -> bool:
    try:
        return _checksum(path).read_text(encoding="utf-8") == sha256(path.read_bytes())
    except OSError:
        return False


@functools.cache
def load_for(isa: str, written: Written | None = None) -> ctypes.CDLL:
    """The kernel compiled for this instruction set, or a cell's loops. Raises Unavailable."""
    try:
        library = _loaded(isa, written)
    except OSError as error:
        raise Unavailable(f"the kernel does not load: {error}") from error
    if written is not None:
        return library
    library.form_through_time.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int),
        *(ctypes.c_long, ctypes.c_long),
    ]
    return library


def load() -> ctypes.CDLL:
    """The kernel for this machine. Raises Unavailable."""
    return load_for(instruction_set())


@functools.cache
def _available(wanted: str) -> bool:
    try:
        load()
    except Unavailable as reason:
        tell_once("kernel", f"lstm_bench: torch instead of compiled kernels: {reason}")
        return False
    return True


def available() -> bool:
    """Whether the kernel runs here; if not, one line says why."""
    return _available(word(ISA))


def made_by() -> str:
    """The instruction set of the kernel, and the compiler that made it. Raises Unavailable."""
    library = load()
    library.made_by.restype = ctypes.c_char_p
    return f"{instruction_set()} by {library.made_by().decode()}"
