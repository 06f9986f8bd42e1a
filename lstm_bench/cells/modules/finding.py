"""From `package.module:Name` to the class or the function, and the options it takes."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from lstm_bench.errors import BenchError
from lstm_bench.references import Reference, found_here
from lstm_bench.registry import plugin_named

LEFT_TO_THE_SUITE = ("device", "dtype")
PLAIN = (bool, int, float, str, type(None))


def find(text: str) -> Callable[..., Any]:
    """The class of modules, or the function that makes them. Raises BenchError."""
    reference = Reference.parse(text)
    found: Any = _module(text, reference)
    for name in reference.attribute.split("."):
        if not hasattr(found, name):
            near = difflib.get_close_matches(name, _makers(found), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {_listed(found)}."
            raise BenchError(f"module {text!r}: {reference.module} has no {name!r}; {hint}")
        found = getattr(found, name)
    if isinstance(found, nn.Module):
        raise BenchError(
            f"module {text!r} is a module that is built already; name its class, or a function "
            "make(inputs, width) that builds one."
        )
    if not callable(found) or (isinstance(found, type) and not issubclass(found, nn.Module)):
        raise BenchError(
            f"module {text!r} is a {type(found).__name__}, but must be a class of torch.nn.Module "
            "or a function make(inputs, width) that builds one."
        )
    return found


def _module(text: str, reference: Reference) -> ModuleType:
    loaded = plugin_named(reference.module)
    if loaded is not None:
        return loaded
    found_here()
    try:
        return importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        if error.name and not (reference.module + ".").startswith(error.name + "."):
            raise BenchError(f"module {text!r} does not import: {error}.") from error
        near = difflib.get_close_matches(reference.module, _beside(reference.module), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise BenchError(
            f"module {text!r} is not found: there is no {error.name!r} here, nor installed{hint}"
        ) from error
    except Exception as error:  # any fault of a user's file is the user's to read
        raise BenchError(
            f"module {text!r} does not import: {type(error).__name__}: {error}."
        ) from error


def _beside(module: str) -> list[str]:
    """Names that could have been meant: modules that are loaded, and files where one works."""
    return [*sys.modules, *(file.stem for file in Path().glob("*.py"))]


def _makers(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]


def _listed(module: Any) -> str:
    made = [name for name in _makers(module) if getattr(module, name).__module__ == module.__name__]
    return ", ".join(made[:12]) or "nothing that could be called"


def options_of(maker: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a maker after inputs and width that a config can name."""
    found: dict[str, inspect.Parameter] = {}
    for signature in _signatures(maker):
        parameters = list(signature.parameters.values())
        for each in parameters[2:]:
            plain = each.default is each.empty or isinstance(each.default, PLAIN)
            variadic = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            if plain and not variadic and each.name not in LEFT_TO_THE_SUITE:
                found.setdefault(each.name, each)
    return found


def _signatures(maker: Callable[..., Any]) -> Iterator[inspect.Signature]:
    """Its own and, where it hands keywords on, those of the classes it is derived from.

    Of a constructor that is declared several times, as those of nn.LSTM and nn.RNN are, the first
    declaration that names its parameters.
    """
    if not isinstance(maker, type):
        yield inspect.signature(maker)
        return
    for cls in maker.__mro__:
        if cls in (nn.Module, object) or "__init__" not in vars(cls):
            continue
        constructor = vars(cls)["__init__"]
        declared = [inspect.signature(each) for each in typing.get_overloads(constructor)]
        named = [each for each in declared if not _hands_on(each)]
        signature = (named or [inspect.signature(constructor)])[0]
        yield signature.replace(parameters=list(signature.parameters.values())[1:])
        if not _hands_on(signature):
            return


def _hands_on(signature: inspect.Signature) -> bool:
    return any(each.kind == each.VAR_KEYWORD for each in signature.parameters.values())
