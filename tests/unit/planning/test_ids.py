"""What config.yaml and the presets train keeps its names: a stored run is found under no other."""

from __future__ import annotations

import pytest
import yaml

from lstm_bench import cells, tasks
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import digest
from tests.workflow.workspace import ROOT

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
# of conditions, seed blocks and ladders; to be replaced where a preset trains something else
STORED = {
    "config": (356, 639, "50ba6d902b"),
    "smoke": (97, 111, "8348746fab"),
    "catalogue": (80, 94, "65da783f66"),
    "gpu": (356, 370, "63c10ef8be"),
}


@pytest.fixture(autouse=True)
def own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`all` stands for the suite's own: a class that another test defined may still live."""
    for room in (cells, tasks):
        known = room.registry()
        own = {n: cls for n, cls in known.items() if cls.__module__.startswith("lstm_bench.")}
        monkeypatch.setattr(room, "registry", lambda own=own: own)


@pytest.mark.parametrize("preset", STORED)
def test_conditions_blocks_and_ladders_keep_their_names(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    files = [] if preset == "config" else [f"workflow/presets/{preset}.yaml"]
    layers = read_layers(["config.yaml", *files], {"device": "cpu"})
    plan = resolve(merged(layers), SCHEMA, inherited(layers))
    blocks = sorted(plan.every_block())
    names = digest([sorted(plan.conditions), blocks, sorted(plan.ladders)])
    assert (len(plan.conditions), len(blocks), names) == STORED[preset]
