"""Modules of torch as cells: `package.module:Name`, or a file's, by name alone.

    torch.nn:LSTMCell     a class: built as C(inputs, width, **options)
    my_file:make_cell     a function that builds one, make(inputs, width, **options)

Each reference becomes a class of its own, whose options are the constructor's: what is checked, and
what a condition's id is made of, is then the same as for any cell.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import field, make_dataclass
from functools import cache
from typing import Any

from lstm_bench.cells.modules.calling import CELL, LAYER
from lstm_bench.cells.modules.cell import Module, ModuleCell, ModuleLayer
from lstm_bench.cells.modules.finding import find, options_of
from lstm_bench.errors import BenchError
from lstm_bench.references import Reference, code_of_reference, is_reference
from lstm_bench.registry import build, load_plugins, plugin_file

__all__ = ["Module", "class_of", "create", "is_reference", "loaded"]

KINDS: dict[str, type[Module]] = {CELL: ModuleCell, LAYER: ModuleLayer}


def loaded(text: str) -> str:
    """The name by which conditions know a reference; a file is loaded like a plugin."""
    reference = Reference.parse(text)
    if (file := reference.file) is not None:
        if not file.is_file():
            near = difflib.get_close_matches(file.name, [f.name for f in file.parent.glob("*.py")])
            hint = f"did you mean {str(file.parent / near[0])!r}?" if near else "give its path."
            raise BenchError(f"module {text!r}: {reference.module} is not a file; {hint}")
        load_plugins([file])
        plugin_file(file.stem)  # which is one, or is refused
    return reference.name


@cache
def class_of(name: str, shape: str = CELL) -> type[Module]:
    """The class of cells, or of layers, that a reference stands for. Raises BenchError."""
    maker = find(name)
    reference, fields = Reference.parse(name), list[Any]()
    for option in options_of(maker).values():
        default = {} if option.default is option.empty else {"default": option.default}
        fields.append((option.name, Any, field(**default)))
    namespace = {
        "__doc__": inspect.getdoc(maker) or "",
        "reference": name,
        "maker": staticmethod(maker),
        "version": code_of_reference(name, plugin_file(reference.module)),
        "__module__": __name__,
    }
    called = reference.attribute.replace(".", "_")
    return make_dataclass(
        called, fields, bases=(KINDS[shape],), namespace=namespace, frozen=True, kw_only=True
    )


def create(name: str, options: Mapping[str, Any]) -> Module:
    """The cell or layer of a reference, called once to see which it is. Raises BenchError."""
    name, what = loaded(name), f"module {name!r}"
    cls = class_of(name)
    missing = [option for option in cls.required() if option not in options]
    if missing:
        raise BenchError(f"{what}: option {missing[0]} must be given; it has no default.")
    cell = build(cls, options, what)
    cell.require()
    return cell if cell.call.shape == CELL else build(class_of(name, LAYER), options, what)
