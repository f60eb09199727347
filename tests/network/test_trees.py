"""Tree-LSTMs: against the equations of Tai et al. written as a recursion, and trees that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.network import (
    Network,
    Tree,
    TreeNetwork,
    child_sum_tree_lstm,
    dense,
    load_network,
    lstm,
    nary_tree_lstm,
    save_network,
)
from fxlstm.network.topologies.trees import node_batches

RANDOM = np.random.default_rng(1)
UNITS, INPUTS = 4, 3
KERNEL, BIAS = RANDOM.normal(size=(INPUTS, 16)), RANDOM.normal(size=16)
SUMMED = RANDOM.normal(size=(UNITS, 16))
HEAD = dense(RANDOM.normal(size=(UNITS, 2)), RANDOM.normal(size=2), "tanh")
TREE = Tree([[1, 2], [], [3, 4, 5], [6], [], [], []])


def s(x):
    return 1 / (1 + np.exp(-x))


def child_sum(x: np.ndarray, tree: Tree) -> np.ndarray:
    """h of every node; the columns are u, i, f, o."""
    h = np.zeros((len(tree), UNITS))

    def node(n: int) -> tuple[np.ndarray, np.ndarray]:
        below = [node(child) for child in tree.children[n]]
        summed = sum((child_h for child_h, _ in below), np.zeros(UNITS))
        u, i, _, o = np.split(x[n] @ KERNEL + summed @ SUMMED + BIAS, 4)
        c = s(i) * np.tanh(u)
        for child_h, child_c in below:
            f = np.split(x[n] @ KERNEL + child_h @ SUMMED + BIAS, 4)[2]
            c = c + s(f) * child_c
        h[n] = s(o) * np.tanh(c)
        return h[n], c

    node(tree.root)
    return h


def nary(x: np.ndarray, tree: Tree, recurrent: np.ndarray) -> np.ndarray:
    """h of every node; child l adds h_l @ recurrent[l], whose columns are u, i, f_1 .. f_N, o."""
    most = len(recurrent)
    h = np.zeros((len(tree), UNITS))

    def node(n: int) -> tuple[np.ndarray, np.ndarray]:
        below = [node(child) for child in tree.children[n]]
        from_children = sum((child_h @ recurrent[place] for place, (child_h, _) in enumerate(below)), np.zeros((3 + most) * UNITS))
        u_h, i_h, *f_h, o_h = np.split(from_children, 3 + most)
        u_x, i_x, f_x, o_x = np.split(x[n] @ KERNEL + BIAS, 4)
        c = s(i_x + i_h) * np.tanh(u_x + u_h)
        for place, (_, child_c) in enumerate(below):
            c = c + s(f_x + f_h[place]) * child_c
        h[n] = s(o_x + o_h) * np.tanh(c)
        return h[n], c

    node(tree.root)
    return h


def random_tree(seed: int, nodes: int, most: int) -> Tree:
    """A tree whose nodes stand in random order, each with up to ``most`` children."""
    random = np.random.default_rng(seed)
    order = random.permutation(nodes)
    children: list[list[int]] = [[] for _ in range(nodes)]
    for place in range(1, nodes):
        free = [node for node in order[:place] if len(children[node]) < most]
        children[random.choice(free)].append(int(order[place]))
    return Tree(children)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(1, 6))
def test_a_child_sum_tree_is_the_recursion(seed, nodes, most):
    tree = random_tree(seed, nodes, most)
    x = np.random.default_rng(seed).normal(size=(nodes, INPUTS)) * 2
    network = TreeNetwork(child_sum_tree_lstm(KERNEL, SUMMED, BIAS))
    np.testing.assert_allclose(network(x, tree), child_sum(x, tree), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(1, 4))
def test_an_nary_tree_is_the_recursion_and_absent_children_are_zeros(seed, nodes, most):
    tree = random_tree(seed, nodes, most)
    random = np.random.default_rng(seed)
    x, recurrent = random.normal(size=(nodes, INPUTS)) * 2, random.normal(size=(most, UNITS, (3 + most) * UNITS))
    network = TreeNetwork(nary_tree_lstm(KERNEL, recurrent, BIAS))
    np.testing.assert_allclose(network(x, tree), nary(x, tree, recurrent), atol=1e-12)


def test_the_head_is_applied_to_every_node():
    x = RANDOM.normal(size=(7, INPUTS))
    network = TreeNetwork(child_sum_tree_lstm(KERNEL, SUMMED, BIAS), (HEAD,))
    np.testing.assert_allclose(network(x, TREE), Network([HEAD])(child_sum(x, TREE)), atol=1e-12)
    assert (network.inputs, network.outputs) == (INPUTS, 2)


def test_a_child_sum_of_a_chain_forgets_with_the_weights_of_f():
    chain = Tree([[], [0], [1]])
    x = RANDOM.normal(size=(3, INPUTS))
    sequence = Network([lstm(KERNEL, SUMMED, BIAS)])(x)
    network = TreeNetwork(child_sum_tree_lstm(KERNEL, SUMMED, BIAS))
    np.testing.assert_allclose(network(x, chain), sequence, atol=1e-12)


def test_nodes_of_equal_height_and_child_count_run_as_a_batch():
    cell = child_sum_tree_lstm(KERNEL, SUMMED, BIAS).cell
    batches = node_batches(cell, TREE)
    assert [batch.nodes.tolist() for batch in batches] == [[1, 4, 5, 6], [3], [2], [0]]
    assert [batch.children.tolist() for batch in batches] == [[[-1]] * 4, [[6]], [[3, 4, 5]], [[1, 2]]]


def test_a_long_chain_needs_no_recursion():
    nodes = 5000
    assert Tree([[node + 1] for node in range(nodes - 1)] + [[]]).heights[0] == nodes - 1


@pytest.mark.parametrize("head", [(), (HEAD,)])
@pytest.mark.parametrize("most", [None, 3])
def test_a_tree_network_survives_a_file(most, head, tmp_path):
    recurrent = RANDOM.normal(size=(3, UNITS, 6 * UNITS))
    layer = child_sum_tree_lstm(KERNEL, SUMMED, BIAS) if most is None else nary_tree_lstm(KERNEL, recurrent, BIAS)
    network = TreeNetwork(layer, head, "sentiment", {"seed": 3})
    save_network(network, tmp_path / "tree.safetensors")
    loaded = load_network(tmp_path / "tree.safetensors")
    assert isinstance(loaded, TreeNetwork) and (loaded.name, loaded.metadata) == ("sentiment", {"seed": 3})
    x = RANDOM.normal(size=(7, INPUTS))
    np.testing.assert_array_equal(loaded(x, TREE), network(x, TREE))


@pytest.mark.parametrize(
    ("children", "message"),
    [
        ([], "a tree without nodes"),
        ([[0]], "the tree is cyclic: node 0"),
        ([[], [2], [3], [1]], "the tree is cyclic: node 1"),
        ([[1], [0]], "the tree is cyclic: node 0"),
        ([[1, 2], [2], []], "node 2 is a child of 0 and of 1"),
        ([[1, 1], []], "node 1 is a child of 0 and of 0"),
        ([[1, 5], []], "node 0 has the child 5; the nodes are 0 to 1"),
        ([[-1], []], "node 0 has the child -1"),
        ([["a"], []], "node 0 has the child 'a'"),
        ([[1.0], []], "node 0 has the child 1.0"),
        ([[], []], "nodes 0 and 1 have no parent; a tree has one root"),
    ],
)
def test_what_is_no_tree_is_refused(children, message):
    with pytest.raises(ModelError, match=message):
        Tree(children)


def test_features_and_trees_that_do_not_fit_are_refused():
    network = TreeNetwork(child_sum_tree_lstm(KERNEL, SUMMED, BIAS))
    with pytest.raises(ModelError, match=r"features have shape \(6, 3\); a tree of 7 nodes needs \(7, 3\)"):
        network(np.zeros((6, INPUTS)), TREE)
    with pytest.raises(ModelError, match="features of tree network 'tree-network' holds nan"):
        network(np.full((7, INPUTS), np.nan), TREE)
    binary = TreeNetwork(nary_tree_lstm(KERNEL, RANDOM.normal(size=(2, UNITS, 5 * UNITS)), BIAS))
    with pytest.raises(ModelError, match="node 2 has 3 children; the cell 'tree-2-ary' takes up to 2"):
        binary(np.zeros((7, INPUTS)), TREE)


def test_layers_that_are_none_of_a_tree_are_refused():
    layer = child_sum_tree_lstm(KERNEL, SUMMED, BIAS)
    recurrent = lstm(KERNEL, SUMMED, BIAS)
    with pytest.raises(ModelError, match="the cell 'lstm' with inputs x is none of a tree"):
        TreeNetwork(recurrent)
    with pytest.raises(ModelError, match="'lstm' in the head has states"):
        TreeNetwork(layer, (recurrent,))
    with pytest.raises(ModelError, match="'tree-child-sum' has 4 outputs but 'dense' has 3 inputs"):
        TreeNetwork(layer, (dense(np.zeros((3, 1)), [0.0]),))
    with pytest.raises(ModelError, match="takes h_k, c_k, which the network does not give it"):
        Network([layer])


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match=r"layer 'tree-child-sum': kernel is \(3, 12\)"):
        child_sum_tree_lstm(KERNEL[:, :12], SUMMED, BIAS)
    with pytest.raises(ModelError, match=r"recurrent has shape \(2, 4, 16\); it must be \(N, units, \(3 \+ N\) \* units\)"):
        nary_tree_lstm(KERNEL, np.zeros((2, 4, 16)), BIAS)
