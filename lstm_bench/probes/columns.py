"""The columns of probes of stored networks, for tables of which none could be measured."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

REPLICATE = {"condition": pa.string(), "seed": pa.int64()}
COLUMNS: Mapping[str, pa.Schema] = {
    "extrapolation": pa.schema(
        {
            **REPLICATE,
            **dict.fromkeys(("factor", "tested_T"), pa.int64()),
            **dict.fromkeys(("loss", "score", "floor"), pa.float64()),
            **dict.fromkeys(("longest", "trained_n"), pa.int64()),
        }
    ),
    "gradient_flow": pa.schema(
        {
            **REPLICATE,
            **dict.fromkeys(("stage", "measure", "part"), pa.string()),
            "lag": pa.int64(),
            "value": pa.float64(),
        }
    ),
    "item_losses": pa.schema({**REPLICATE, "past": pa.int64(), "losses": pa.list_(pa.float64())}),
    "selective_memory": pa.schema(
        {
            **REPLICATE,
            **dict.fromkeys(("measure", "of", "gate"), pa.string()),
            "lag": pa.int64(),
            "value": pa.float64(),
        }
    ),
}
