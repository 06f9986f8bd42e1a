"""Reading YAML that a user wrote: plain values, each key once, or one sentence that says where.

PyYAML takes the last of two equal keys in silence, dates and sets as Python's own objects, and
follows aliases into loops; each of them is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lstm_bench.errors import BenchError

PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}
NESTED = {f"tag:yaml.org,2002:{kind}" for kind in ("seq", "map")}
MERGE = "tag:yaml.org,2002:merge"
TEMPLATE = "__use_yte__"  # has Snakemake run the expressions in a config file as Python
BYTES = 2**22


def read_yaml(path: Path) -> Any:
    """The plain value in this file. Raises BenchError; FileNotFoundError is the caller's."""
    try:
        if path.stat().st_size > BYTES:
            raise BenchError(f"{path}: {path.stat().st_size:,} bytes; at most {BYTES:,} are read.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: byte {error.start} is no text in UTF-8.") from None
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}.") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The plain value of a text; `where` names it in the sentence. Raises BenchError."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _require_plain(node, where)
        return loader.construct_document(node)
    except RecursionError:
        raise BenchError(f"{where}: it is nested too deeply.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise BenchError(f"{where}{line}: {error.problem or 'this'} is not YAML.") from None
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:
        raise BenchError(f"{where}: {str(error).splitlines()[0]}: this is not YAML.") from None


def read_config(path: Path) -> dict[str, object]:
    """The mapping in a config file. Raises BenchError for what Snakemake would read otherwise."""
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise BenchError(f"{path}: it must be a mapping of keys to values.")
    if TEMPLATE in value:
        raise BenchError(f"{path}: the key {TEMPLATE!r} is not allowed; no template is run.")
    return value


def _require_plain(root: yaml.Node, where: str) -> None:
    """Look at every node once, however often aliases name it."""
    finished: set[int] = set()
    open_: set[int] = set()

    def look(node: yaml.Node) -> None:
        at = f"{where}, line {node.start_mark.line + 1}"
        if id(node) in open_:
            raise BenchError(f"{at}: a value that holds itself is not allowed.")
        if id(node) in finished:
            return
        open_.add(id(node))
        if node.tag not in PLAIN | NESTED:
            kind = node.tag.rpartition(":")[2]
            raise BenchError(
                f"{at}: a value of the kind {kind!r} is not allowed; it must be text (quoted "
                "if need be), a number, true, false, null, a list or a mapping."
            )
        if node.tag.endswith(":float") and not node.value.strip("+-.infaINFA"):
            raise BenchError(f"{at}: {node.value} is not allowed; it must be a finite number.")
        if isinstance(node, yaml.MappingNode):
            _require_unique(node, at)
        for child in _children(node):
            look(child)
        open_.discard(id(node))
        finished.add(id(node))

    look(root)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield value


def _require_unique(node: yaml.MappingNode, at: str) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag == MERGE:
            continue
        line = f"{at.rpartition(' ')[0]} {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise BenchError(f"{line}: the key {shown!r} is not allowed; it must be quoted text.")
        if key.value in seen:
            raise BenchError(f"{line}: the key {key.value!r} is there twice.")
        seen.add(key.value)
