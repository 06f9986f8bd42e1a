"""What a docstring holds: its first line, what is drawn in it, what it says of an option."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from dataclasses import fields
from typing import Any


def text(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def first_line(cls: type) -> str:
    return (text(cls).splitlines() or [""])[0]


def drawn(cls: type) -> str:
    """The indented lines, dedented: equations of a cell, the example of a task."""
    indented = (line for line in text(cls).splitlines() if line.startswith("    "))
    return inspect.cleandoc("\n".join(indented))


def option_lines(cls: Any) -> list[str]:
    """Name and default of each option and the sentence that explains it, written once."""
    lines, said = [], set()
    for option in fields(cls):
        lines.append(f"option     {option.name} = {option.default!r}")
        meaning = explained(cls, option.name)
        if meaning in said:
            meaning = "see above"
        said.add(meaning)
        lines += [f"           {line}" for line in textwrap.wrap(meaning, 88)]
    return lines


def explained(cls: type, option: str) -> str:
    """The first sentence that names the option: of the class, of a base, then of its module.

    `name` in backquotes comes first, the bare word second; "" where neither is found.
    """
    module = sys.modules[cls.__module__]
    docs = [text(base) for base in cls.__mro__ if "__doc__" in vars(base) and base is not object]
    docs.append(inspect.cleandoc(module.__doc__ or ""))
    for pattern in (f"`{option}`", rf"\b{option}\b"):
        for doc in docs:
            for sentence in _sentences(doc):
                if re.search(pattern, sentence):
                    return sentence
    return ""


def _sentences(doc: str) -> list[str]:
    """The prose, sentence by sentence; a line of what is drawn counts as one."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", doc):
        if block.startswith("    "):
            found += [" ".join(line.split()) for line in block.splitlines()]
        else:
            prose = " ".join(block.split())
            found += re.split(r"(?<=[.;])(?<!e\.g\.)(?<!al\.)(?<!sec\.)\s+(?=[A-Z`(])", prose)
    return found
