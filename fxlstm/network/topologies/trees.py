"""Trees, and networks that compute a node from its children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float
from fxlstm.network.cells import Cell
from fxlstm.network.forward import Trace, trace_cell
from fxlstm.network.layers.layer import Layer
from fxlstm.network.names import unique

Nodes = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """A tree by the children of its nodes: ``children[n]`` are the numbers of node n's children, in order.

    Raises :class:`ModelError` for a tree without nodes, children that are no nodes or have two parents, cycles, several roots.
    """

    children: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", tuple(tuple(node) for node in self.children))
        if not self.children:
            raise ModelError("a tree without nodes; give at least one")
        parents = self._parents()
        roots = [node for node in range(len(self)) if node not in parents]
        if len(roots) > 1:
            raise ModelError(f"nodes {roots[0]} and {roots[1]} have no parent; a tree has one root")
        reached = self._downward(roots)
        if len(reached) < len(self):
            lost = min(set(range(len(self))) - set(reached))
            raise ModelError(f"the tree is cyclic: node {lost} is among its own descendants")

    def __len__(self) -> int:
        return len(self.children)

    @property
    def root(self) -> int:
        """The node without a parent."""
        below = {child for node in self.children for child in node}
        return next(node for node in range(len(self)) if node not in below)

    @property
    def heights(self) -> list[int]:
        """How many steps each node is above the farthest leaf below it: 0 for a leaf."""
        heights = [0] * len(self)
        for node in reversed(self._downward([self.root])):
            heights[node] = 1 + max((heights[child] for child in self.children[node]), default=-1)
        return heights

    def _parents(self) -> dict[int, int]:
        """Return the parent of every node that has one."""
        parents: dict[int, int] = {}
        for node, below in enumerate(self.children):
            for child in below:
                if isinstance(child, bool) or not isinstance(child, int | np.integer) or not 0 <= child < len(self):
                    raise ModelError(f"node {node} has the child {child!r}; the nodes are 0 to {len(self) - 1}")
                if child in parents:
                    raise ModelError(f"node {child} is a child of {parents[child]} and of {node}; a node has one parent")
                parents[int(child)] = node
        return parents

    def _downward(self, roots: Sequence[int]) -> list[int]:
        """Return the nodes that are reached from the roots, parents before children."""
        order = list(roots)
        for node in order:
            order += self.children[node]
        return order


@dataclass(frozen=True, eq=False)
class NodeBatch:
    """Nodes that can be computed at once: ``nodes`` (batch,), and their ``children`` (batch, count), -1 where one is absent."""

    nodes: Nodes
    children: Nodes


@dataclass(frozen=True, eq=False)
class TreeNetwork:
    """A layer that computes every node of a tree from the node's features and what its children gave, and dense layers above it.

    ``layer``: of a cell whose inputs beside x are its own output and what it passes, of each child in turn (``h_k``, ``c_k``: a
    child is a timestep) or of all at once (``h_1``, ``h_2``, ``c_1``, ``c_2``). ``head``: layers without states, applied to each
    node's output. Call it with features and a :class:`Tree`. ``metadata`` travels with the saved file and must be JSON.
    Raises :class:`ModelError` for a cell of another form, or layers that do not fit.
    """

    layer: Layer
    head: tuple[Layer, ...] = ()
    name: str = "tree-network"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", tuple(self.head))
        children_at_once(self.layer.cell)
        for below, above in zip(self.every_layer, self.head, strict=False):
            if above.remembers or above.given != ("x",):
                raise ModelError(f"tree network {self.name!r}: {above.name!r} in the head has states or inputs beside x; use dense")
            if below.outputs != above.inputs:
                raise ModelError(
                    f"tree network {self.name!r}: {below.name!r} has {below.outputs} outputs but {above.name!r} has "
                    f"{above.inputs} inputs; make them equal"
                )

    @property
    def inputs(self) -> int:
        """Features of one node."""
        return self.layer.inputs

    @property
    def outputs(self) -> int:
        """Outputs of one node."""
        return self.every_layer[-1].outputs

    @property
    def every_layer(self) -> tuple[Layer, ...]:
        """The tree's layer and those of the head."""
        return (self.layer, *self.head)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """A name for each of ``every_layer``: its own, numbered where several have it."""
        return tuple(unique([layer.name for layer in self.every_layer]))

    def __call__(self, x: ArrayLike, tree: Tree) -> Array:
        """Return the output at every node, (nodes, outputs), for features ``x``, (nodes, features)."""
        batches, heads = self.trace(x, tree)
        if heads:
            last: Array = heads[-1][self.head[-1].cell.output][0]
            return last
        outputs = np.zeros((len(tree), self.outputs))
        for batch, trace in zip(node_batches(self.layer.cell, tree), batches, strict=True):
            outputs[batch.nodes] = trace[self.layer.cell.output][:, -1]
        return outputs

    def trace(self, x: ArrayLike, tree: Tree) -> tuple[list[Trace], list[Trace]]:
        """Return the traces of the tree's layer, one for each of :func:`node_batches`, and of the head's layers over all nodes.

        Vectors are (batch, time, length): in the first a node is a sequence of its children, or one timestep; in the second all
        nodes are the timesteps of one sequence.
        """
        features = as_float(x, f"features of tree network {self.name!r}")
        if features.shape != (len(tree), self.inputs):
            raise ModelError(f"features have shape {features.shape}; a tree of {len(tree)} nodes needs {(len(tree), self.inputs)}")
        cell = self.layer.cell
        given = {vector: np.zeros((len(tree) + 1, self.layer.length(vector))) for vector in (cell.output, *cell.passes)}
        traces = []
        for batch in node_batches(cell, tree):
            traces.append(trace_cell(self.layer, cell_inputs(cell, batch, features, given)))
            for vector, values in given.items():
                values[batch.nodes] = traces[-1][vector][:, -1]
        heads: list[Trace] = []
        outputs = given[cell.output][np.newaxis, :-1]
        for layer in self.head:
            heads.append(trace_cell(layer, {"x": outputs}))
            outputs = heads[-1][layer.cell.output]
        return traces, heads


def children_at_once(cell: Cell) -> int | None:
    """Return how many children a tree's cell takes in one timestep; ``None`` where each child is a timestep.

    Raises :class:`ModelError` for a cell that is none of a tree.
    """
    carried = (cell.output, *cell.passes)
    if cell.inputs == ("x", *(f"{vector}_k" for vector in carried)):
        return None
    count = (len(cell.inputs) - 1) // len(carried)
    numbered = [f"{vector}_{number}" for vector in carried for number in range(1, count + 1)]
    if count < 1 or cell.inputs != ("x", *numbered) or cell.states:
        raise ModelError(
            f"the cell {cell.name!r} with inputs {', '.join(cell.inputs)} is none of a tree; choose TREE_CHILD_SUM or tree_nary"
        )
    return count


def node_batches(cell: Cell, tree: Tree) -> list[NodeBatch]:
    """Return the nodes in an order in which children come before their parents: those of equal height and child count at once.

    A leaf has one absent child where children are timesteps. Raises :class:`ModelError` for more children than the cell takes.
    """
    most = children_at_once(cell)
    groups: dict[tuple[int, int], list[int]] = {}
    for node, height in enumerate(tree.heights):
        count = len(tree.children[node])
        if most is not None and count > most:
            raise ModelError(f"node {node} has {count} children; the cell {cell.name!r} takes up to {most}")
        groups.setdefault((height, max(count, 1) if most is None else most), []).append(node)
    return [
        NodeBatch(np.array(nodes), np.array([[*tree.children[node], *[-1] * (slots - len(tree.children[node]))] for node in nodes]))
        for (_, slots), nodes in sorted(groups.items())
    ]


def cell_inputs(cell: Cell, batch: NodeBatch, x: NDArray[Any], given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the cell's inputs for a batch of nodes, (batch, time, length) each, of values or of codes.

    ``x``: (nodes, features); ``given``: what nodes gave, (nodes + 1, length) by vector, the last row zeros for absent children.
    """
    if children_at_once(cell) is None:
        timesteps = batch.children.shape[1]
        children = {f"{vector}_k": values[batch.children] for vector, values in given.items()}
        return {"x": np.repeat(x[batch.nodes, np.newaxis], timesteps, axis=1), **children}
    slots = range(batch.children.shape[1])
    numbered = {f"{vector}_{n + 1}": values[batch.children[:, n], np.newaxis] for vector, values in given.items() for n in slots}
    return {"x": x[batch.nodes, np.newaxis], **numbered}
