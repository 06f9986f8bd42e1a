"""The kernel makes no read or write out of bounds and does nothing undefined."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lstm_bench.engine.fused import library
from tests.kernel.programs import program

DRIVERS = ("sanitised.cpp", "sanitised_truncated.cpp")
# compiled without optimisation: every check stays, and loops that are not unrolled compile faster
FLAGS = ("-O0", "-std=c++17", "-ffp-contract=fast", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_kernel_is_clean_under_address_and_undefined_behaviour_sanitisers(
    driver: str, tmp_path: Path
):
    try:
        command = [library.compiler(), *FLAGS, *library.ISA_FLAGS[library.instruction_set()]]
    except library.Unavailable as reason:
        pytest.skip(str(reason))
    empty = tmp_path / "empty.cpp"
    empty.write_text("int main() { return 0; }")
    sanitise = "-fsanitize=address,undefined"
    probe = [command[0], sanitise, str(empty), "-o", str(tmp_path / "empty")]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(f"{command[0]} has no sanitisers here")
    compiled = program([*command, sanitise], Path(__file__).with_name(driver))
    found = subprocess.run([str(compiled)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr[-4000:]
    cases, bad = (int(word) for word in found.stdout.split() if word.isdigit())
    assert cases > 1000
    assert bad == 0
