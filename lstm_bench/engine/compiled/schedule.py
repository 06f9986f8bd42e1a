"""The order of a step: loops over units, each with products before it, and what is kept for later.

What has to be there whole before a product or a sum can read it ends a loop. A node is computed in
the last loop that is early enough, which keeps numbers in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import permutations
from typing import NamedTuple

from lstm_bench.engine.compiled.form import ALWAYS, Form, Node, Refused, Size, reached
from lstm_bench.engine.compiled.operations import OPERATIONS

RECOMPUTED = 1.05  # what a backward pass may compute anew in place of keeping it: a nonlinearity
COLUMNS = 4  # products side by side in the registers of a tile


@dataclass
class Nest:
    """A loop over `size` units: `products` first, then `nodes`, in this order."""

    level: int
    size: Size
    products: list[Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """Products `first` to `first + count` of a nest that read the same node."""

    node: Node
    nest: int
    first: int
    count: int


class Schedule(NamedTuple):
    """`kept` nodes a backward pass reads; `sums` those of which it reads one number a sequence."""

    forward: list[Nest]
    backward: list[Nest]
    kept: list[Node]
    sums: list[Node]
    links: list[Link]


def scheduled(form: Form) -> Schedule:
    kept, sums = _kept(form)
    forward = _parted(_nests(form, [*form.after, *kept, *sums], given=()))
    given = [*kept, *sums, *form.after]
    backward = _nests(form, [*form.gradients, *operands(form)], given)
    links = [
        Link(node, place, first, count)
        for place, nest in enumerate(forward)
        for node, first, count in _runs(nest.products)
    ]
    return Schedule(forward, backward, kept, sums, links)


def operands(form: Form) -> list[Node]:
    """What products read that is neither state nor input."""
    found = {t.node.number: t.node for c in form.columns for t in c.product.args[0]}
    return [n for n in found.values() if n.op not in ("state", "input")]


def _kept(form: Form) -> tuple[list[Node], list[Node]]:
    """What a backward pass cannot compute from states, inputs and vectors at the price allowed."""
    nodes, late = reached(form.gradients), set()
    for node in nodes:  # in computable order
        if node.op in ("seed", "back") or any(arg.number in late for arg in node.nodes):
            late.add(node.number)
    needed = {n.number: n for n in operands(form)}
    for node in nodes:
        if node.number in late and node.op != "back":
            needed.update({a.number: a for a in node.nodes if a.number not in late})
    kept: dict[int, Node] = {}
    free = {n.number for n in form.after}

    def there(node: Node) -> bool:
        known = node.number in free or node.number in kept
        return known or node.op in ALWAYS or node.op == "sum"

    def weight(node: Node) -> float:
        anew = [n for n in reached([node], lambda n: () if there(n) else n.nodes) if not there(n)]
        if any(n.op == "product" for n in anew):
            return float("inf")
        return sum(
            OPERATIONS[n.op].weight for n in anew if n.op in OPERATIONS and n.size is not None
        )

    for number in sorted(needed):
        if needed[number].size is not None and weight(needed[number]) > RECOMPUTED:
            kept[number] = needed[number]
    stops = {*kept, *free}
    read = reached(needed.values(), lambda n: () if n.number in stops or n.op == "sum" else n.nodes)
    return list(kept.values()), [n for n in read if n.op == "sum"]


def _nests(form: Form, roots: Iterable[Node], given: Collection[Node]) -> list[Nest]:
    known = {n.number for n in given}
    roots = list(roots)

    def sources(node: Node) -> tuple[Node, ...]:
        if node.number in known and node.op != "back":
            return ()
        if node.op == "back":
            return tuple(c.gradient for c in form.reads(node.args[0]))
        return node.nodes

    nodes = reached(roots, sources)
    early: dict[int, int] = {}

    def step(node: Node, arg: Node) -> int:
        """Loops between an argument and a node that reads it."""
        there = arg.op in ALWAYS or (arg.number in known and node.op != "back")
        if there and node.op != "sum":  # which takes a loop of its own
            return 0
        return int(node.op in ("product", "sum", "back"))

    order = _computable(nodes, sources)
    for node in order:
        early[node.number] = max(
            (early[a.number] + step(node, a) for a in sources(node)), default=0
        )
    last = max(early.values(), default=0)
    late = {node.number: last for node in nodes}
    for node in reversed(order):
        for arg in sources(node):
            late[arg.number] = min(late[arg.number], late[node.number] - step(node, arg))
    found: dict[tuple[int, Size], Nest] = {}
    stored = {n.number for n in roots}
    for node in order:
        own = node.number in known or node.op in (*ALWAYS, "seed", "back", "sum")
        if own and node.number not in stored:
            continue
        if node.size is None:
            continue
        level = late[node.number]
        nest = found.setdefault((level, node.size), Nest(level, node.size))
        (nest.products if node.op == "product" and not own else nest.nodes).append(node)
    for node in order:  # a sum is taken where what it sums is computed, or read
        if node.op == "sum" and node.number not in known:
            (arg,) = node.args
            if arg.size is None:
                raise Refused("a sum of what is one number already")
            level = late[node.number] - step(node, arg)
            level = (
                late[arg.number]
                if arg.number
                in {n.number for nest in found.values() for n in (*nest.nodes, *nest.products)}
                else level
            )
            nest = found.setdefault((level, arg.size), Nest(level, arg.size))
            nest.nodes.append(node)
    return [found[key] for key in sorted(found, key=lambda k: (k[0], str(k[1])))]


def _parted(nests: list[Nest]) -> list[Nest]:
    """With loops of their own for products that do not fit into the registers of one tile."""
    found = []
    for nest in nests:
        products = _ordered(nest.products)
        if len(products) > COLUMNS:
            for first in range(0, len(products), COLUMNS):
                part = products[first : first + COLUMNS]
                found.append(Nest(nest.level, nest.size, _ordered(part), []))
            products = []
        found.append(Nest(nest.level, nest.size, products, nest.nodes))
    return found


def numbers_followed(node: Node) -> Iterable[Node]:
    """What a node reads, one number a sequence followed to what it is computed from."""
    for arg in node.nodes if node.op != "sum" else node.args:
        yield arg
        if arg.size is None and arg.op not in ("sum", *ALWAYS):
            yield from numbers_followed(arg)


def _computable(nodes: list[Node], sources: Callable[[Node], tuple[Node, ...]]) -> list[Node]:
    """In an order in which each follows what it is computed from; `back` is out of its number's."""
    done: dict[int, Node] = {}
    inside = {n.number for n in nodes}

    def visit(node: Node) -> None:
        if node.number in done or node.number not in inside:
            return
        for arg in sources(node):
            visit(arg)
        done[node.number] = node

    for node in nodes:
        visit(node)
    return list(done.values())


def _ordered(products: list[Node]) -> list[Node]:
    """Such that those that read the same node stand side by side, as far as that can be."""
    if not 2 < len(products) <= 6:
        return products
    return list(min(permutations(products), key=lambda order: len(_runs(order))))


def _runs(products: Iterable[Node]) -> list[tuple[Node, int, int]]:
    """(node, first, count) of products side by side that read it."""
    found: list[tuple[Node, int, int]] = []
    open_: dict[int, int] = {}
    for place, product in enumerate(products):
        read = {t.node.number: t.node for t in product.args[0]}
        open_ = {number: at for number, at in open_.items() if number in read}
        for number, node in read.items():
            if number in open_:
                node, first, count = found[open_[number]]
                found[open_[number]] = (node, first, count + 1)
            else:
                open_[number] = len(found)
                found.append((node, place, 1))
    return found
