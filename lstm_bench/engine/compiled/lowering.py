"""From whole rows to pieces: rows are cut where a slice or a cat cuts them, and so are the states.

A slice of a product is a product with some rows of the matrix, and a product with joined units is
one a piece; what is left has no slices and no cats, and every piece is whole vectors of a machine.
Sums of products and vectors become one product, which the kernel computes in registers.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from lstm_bench.engine.compiled.form import ZERO, Graph, Node, Refused, Size, Sizes, Term, reached

MOST_PIECES = 8  # of a state: a piece is whole vectors, however few its units
Pieces = tuple[tuple[tuple[Size, Size], ...], ...]


class _Split(Exception):
    """A range that has to be cut here."""


class _Again(Exception):
    """A cut that was not known before."""


class _Lowering:
    """`sample` orders places that are functions of the sizes."""

    def __init__(self, sample: Sizes) -> None:
        self.sample = sample
        self.cuts: dict[tuple[str, int], set[Size]] = {}

    def at(self, size: Size) -> int:
        return size.at(self.sample)

    def run(self, after: list[Node]) -> tuple[Pieces, list[Node]]:
        while True:
            self.graph = Graph()
            self.memo: dict[tuple[int, Size | None, Size | None], Node] = {}
            try:
                state, nodes = [], []
                for i, node in enumerate(after):
                    known = self.known(("state", i), node.whole)
                    ranges = self.ranges(node, known)
                    if len(ranges) >= len(known):
                        self.cuts["state", i].update(a for a, _ in ranges)
                        raise _Again
                    state.append(tuple((a, b.plus(a, -1)) for a, b in ranges))
                    nodes += [self.piece(node, a, b) for a, b in ranges]
                return tuple(state), nodes
            except _Again:
                if sum(map(len, self.cuts.values())) > 4 * MOST_PIECES:
                    raise Refused("rows cut into too many pieces") from None

    def known(self, key: tuple[str, int], size: Size) -> list[Size]:
        cuts = self.cuts.setdefault(key, set())
        cuts.update((ZERO, size))
        return sorted(cuts, key=self.at)

    def ranges(self, node: Node, places: list[Size]) -> list[tuple[Size, Size]]:
        """The rows between these places, cut further where the node has to be."""
        todo, done = list(pairwise(places))[::-1], []
        while todo:
            a, b = todo.pop()
            try:
                self.piece(node, a, b)
                done.append((a, b))
            except _Split as split:
                (middle,) = split.args
                todo += [(middle, b), (a, middle)]
        return done

    def whole(self, node: Node) -> list[tuple[Size, Size]]:
        return self.ranges(node, [ZERO, node.whole])

    def piece(self, node: Node, a: Size | None, b: Size | None) -> Node:
        key = node.number, a, b
        if key not in self.memo:
            self.memo[key] = self.made(node, a, b)
        return self.memo[key]

    def aligned(self, key: tuple[str, int], size: Size, a: Size, b: Size) -> None:
        """Every reader of a node takes the pieces that one of them needs."""
        known = self.known(key, size)
        if a not in known or b not in known:
            self.cuts[key].update((a, b))
            raise _Again
        inside = known[known.index(a) + 1 : known.index(b)]
        if inside:
            raise _Split(inside[0])

    def made(self, node: Node, a: Size | None, b: Size | None) -> Node:
        g = self.graph
        if node.op in ("const", "count") or (node.op == "vector" and node.size is None):
            return g.node(node.op, *node.args)
        if node.op == "sum":
            (source,) = node.args
            total = g.const(0.0)
            for c, d in self.whole(source):
                total = g.apply("add", total, g.node("sum", self.piece(source, c, d)))
            return total
        if node.size is None:
            return g.apply(node.op, *(self.piece(arg, None, None) for arg in node.args))
        assert a is not None
        assert b is not None
        size = b.plus(a, -1)
        if self.at(size) <= 0:
            raise Refused("a piece of no rows")
        match node.op:
            case "state":
                self.aligned(("state", node.args[0]), node.size, a, b)
                return g.node("state", node.args[0], a, size=size)
            case "input":
                return g.node("input", a, size=size)
            case "vector":
                return g.node("vector", node.args[0], a, size=size)
            case "slice":
                source, start = node.args
                return self.shifted(source, start, a, b)
            case "cat":
                start = ZERO
                for part in node.args:
                    end = start.plus(part.size)
                    if self.at(start) <= self.at(a) < self.at(end):
                        if self.at(b) > self.at(end):
                            raise _Split(end)
                        return self.shifted(part, ZERO.plus(start, -1), a, b)
                    start = end
                raise Refused("a cat with rows left over")
            case "mm":
                self.aligned(("mm", node.number), node.size, a, b)
                matrix, source = node.args
                terms = [
                    Term(matrix, a, c, self.piece(source, c, d)) for c, d in self.whole(source)
                ]
                if len({term.node.number for term in terms}) < len(terms):
                    raise Refused("a product that reads the same units twice")
                return g.node("product", tuple(terms), (), size=size)
        args = [
            self.piece(arg, *((a, b) if arg.size is not None else (None, None)))
            for arg in node.args
        ]
        return g.apply(node.op, *args)

    def shifted(self, node: Node, by: Size, a: Size, b: Size) -> Node:
        """Rows of another node; where it has to be cut is said in places of this one."""
        try:
            return self.piece(node, a.plus(by), b.plus(by))
        except _Split as split:
            raise _Split(split.args[0].plus(by, -1)) from None


def lowered(after: list[Node], sample: Sizes) -> tuple[Graph, Pieces, list[Node]]:
    """The pieces of the state and their nodes after the step, of nodes of whole rows."""
    state, nodes = _Lowering(sample).run(after)
    if sum(map(len, state)) > MOST_PIECES:
        raise Refused("a state cut into too many pieces")
    return _merged(state, nodes)


def _merged(state: Pieces, after: list[Node]) -> tuple[Graph, Pieces, list[Node]]:
    """With the sums of products that nothing else reads as one product each."""
    nodes, graph = reached(after), Graph()
    new: dict[int, Node] = {}
    uses = Counter(arg.number for node in nodes for arg in node.nodes)
    uses.update(node.number for node in after)
    inner = {
        arg.number
        for node in nodes
        if node.op == "add"
        for arg in node.args
        if arg.op == "add" and uses[arg.number] == 1 and arg.size is not None
    }

    def addends(node: Node) -> list[Node]:
        if node.number in inner or (node.op == "add" and node is top):
            return [x for arg in node.args for x in addends(arg)]
        return [node]

    for node in nodes:
        if node.number in inner:
            continue
        if node.op == "add" and node.size is not None:
            top = node
            parts = addends(node)
            products: list[Node] = []
            read: set[int] = set()  # no product reads a node twice
            for x in parts:
                own = {new[t.node.number].number for t in x.args[0]} if x.op == "product" else set()
                if own and uses[x.number] == 1 and not own & read:
                    products.append(x)
                    read |= own
            vectors = [x for x in parts if x.op == "vector" and x.size is not None]
            if products:
                merged = (*products, *vectors)
                terms = tuple(_moved(t, new) for x in products for t in x.args[0])
                starts = tuple(new[x.number] for x in vectors)
                total = graph.node("product", terms, starts, size=node.size)
            else:
                merged, total = (), graph.const(0.0)
            for part in parts:
                if not any(part is x for x in merged):
                    total = graph.apply("add", total, new[part.number])
            new[node.number] = total
        elif node.op == "product":
            terms = tuple(_moved(t, new) for t in node.args[0])
            new[node.number] = graph.node("product", terms, (), size=node.size)
        else:
            args = tuple(new[a.number] if isinstance(a, Node) else a for a in node.args)
            new[node.number] = graph.node(node.op, *args, size=node.size)
    return graph, state, [new[node.number] for node in after]


def _moved(term: Term, new: dict[int, Node]) -> Term:
    return term._replace(node=new[term.node.number])
