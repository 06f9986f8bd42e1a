"""The kernel's shared library: compiled at first use, cached, loaded through ctypes.

The cache is keyed by the source, the compiler and the flags. Where no compiler is, or it fails, the
suite takes the torch path and says so once.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from filelock import FileLock
from platformdirs import user_cache_dir

SOURCES = Path(__file__).parent
COMMON = ("-O3", "-std=c++17", "-fPIC", "-shared", "-fno-math-errno", "-ffp-contract=fast")
ISA_FLAGS = {
    "avx512": ("-DW=16", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mavx2", "-mfma"),
    "avx2": ("-DW=8", "-mavx2", "-mfma"),
    "portable": ("-DW=4",),
}
ISA_VARIABLE = "LSTM_BENCH_ISA"


class Unavailable(Exception):
    """There is no kernel on this machine, for the reason given."""


def instruction_set() -> str:
    """What LSTM_BENCH_ISA says, or the widest this CPU has. Raises Unavailable for a bad word."""
    wanted = os.environ.get(ISA_VARIABLE, "auto")
    if wanted == "off":
        raise Unavailable(f"{ISA_VARIABLE} is off")
    if wanted in ISA_FLAGS:
        return wanted
    if wanted != "auto":
        raise Unavailable(f"{ISA_VARIABLE} is {wanted!r}, not auto, off, {', '.join(ISA_FLAGS)}")
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


def build(isa: str) -> Path:
    """The compiled kernel, from the cache where it is there. Raises Unavailable."""
    command = [compiler(), *COMMON, *ISA_FLAGS[isa]]
    version = subprocess.run([command[0], "--version"], capture_output=True, check=False).stdout
    parts = [" ".join(command).encode(), platform.machine().encode(), version]
    parts += [file.read_bytes() for file in sorted(SOURCES.glob("*.[ch]*"))]
    folder = cache_folder()
    target = folder / f"{isa}-{hashlib.sha256(b'0'.join(parts)).hexdigest()[:16]}.so"
    if not target.exists():
        if not os.access(folder, os.W_OK):
            raise Unavailable(f"the cache folder {folder} cannot be written (LSTM_BENCH_CACHE)")
        with FileLock(target.with_suffix(".lock")):  # a sweep starts many processes at once
            if not target.exists():
                _compile(command, target)
    return target


def _compile(command: list[str], target: Path) -> None:
    print(f"lstm_bench: compiling the {target.name.split('-')[0]} kernel (once)", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "kernel.so"
        call = [*command, *map(str, sorted(SOURCES.glob("*.cpp"))), "-o", str(made)]
        try:
            done = subprocess.run(call, capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{command[0]} did not run: {error}") from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            raise Unavailable(f"{command[0]} failed: {(lines or ['no message'])[0][:200]}")
        with made.open("rb") as file:
            os.fsync(file.fileno())  # a half-written library would end the process that loads it
        made.replace(target)


def cache_folder() -> Path:
    """Where compiled kernels are kept: LSTM_BENCH_CACHE, or the user's cache folder.

    Raises Unavailable where it is another user's or all may write: what lies there is run.
    """
    folder = Path(os.environ.get("LSTM_BENCH_CACHE") or user_cache_dir("lstm_bench"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        reason = f"the cache folder {folder} cannot be written (LSTM_BENCH_CACHE)"
        raise Unavailable(reason) from error
    if os.name == "posix" and (found.st_uid not in (os.getuid(), 0) or found.st_mode & 0o002):
        raise Unavailable(f"others may write in the cache folder {folder} (LSTM_BENCH_CACHE)")
    return folder


def _loaded(isa: str) -> ctypes.CDLL:
    """Made anew, once, where what lies in the cache does not load: a crash can cut a file short."""
    path = build(isa)
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        path.unlink(missing_ok=True)
        return ctypes.CDLL(str(build(isa)))


@functools.cache
def load_for(isa: str) -> ctypes.CDLL:
    """The kernel compiled for this instruction set. Raises Unavailable."""
    try:
        library = _loaded(isa)
    except (OSError, NotImplementedError) as error:  # no room, no locks on this file system
        raise Unavailable(f"the kernel does not load: {error}") from error
    library.through_time.argtypes = [
        *(ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
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
        print(f"lstm_bench: torch instead of the fused kernel: {reason}", file=sys.stderr)
        return False
    return True


def available() -> bool:
    """Whether the kernel runs here; if not, one line says why."""
    return _available(os.environ.get(ISA_VARIABLE, "auto"))
