"""Random ONNX models of recurrent layers with every attribute, and what they compute by the specification's equations."""

from collections import Counter

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx_equations import FUNCTIONS, Direction, run

OPSET = 17
BLOCKS = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
REVERSES = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
HEADS = {
    "Relu": ({}, lambda x: np.maximum(x, 0)),
    "Sigmoid": ({}, lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": ({}, np.tanh),
    "HardSigmoid": ({"alpha": 0.25, "beta": 0.4}, lambda x: np.clip(np.float32(0.25) * x + np.float64(np.float32(0.4)), 0, 1)),
    "LeakyRelu": ({"alpha": 0.125}, lambda x: np.where(x >= 0, x, 0.125 * x)),
}


def random_onnx_case(rng, largest=(300, 200, 64)):
    """Return (model, x, lengths, expected): what ``from_onnx(model)(x, lengths)`` must give, from float32 weights.

    ``rng``: a NumPy generator. ``x``: (batch, time, features); ``lengths``: one per sequence, or ``None``. ``largest``: of the
    features and units (from 1), of the timesteps (from 1), of the batch (from 1).
    """
    state = rng.bit_generator.state
    for scale in 0.5 ** np.arange(12):
        rng.bit_generator.state = state  # the same model with smaller weights, until nothing runs away
        with np.errstate(over="ignore", invalid="ignore"):
            made = _Model(rng, largest, scale)
            case = made.case()
        if made.peak < 100:  # false for NaN
            return case
    raise AssertionError("a network of weights near 0 has grown")


class _Model:
    """A model under construction: its nodes, and its data so far as ONNX has it and as (batch, time, features)."""

    def __init__(self, rng, largest, scale):
        self.rng, self.scale, self.largest = rng, scale, largest
        self.nodes, self.weights, self.inputs, self.counter = [], [], [], Counter()
        units, time, batch = largest
        self.x = rng.uniform(-1, 1, (self.size(batch), self.size(time), self.size(units)))
        self.peak = 0.0  # the largest absolute value of any layer's output or last state
        self.values, self.lengths = self.x, np.full(len(self.x), self.x.shape[1])
        self.given_lengths = self.chance(0.3)
        if self.given_lengths:
            self.lengths = rng.integers(1, self.x.shape[1] + 1, len(self.x))
            self.inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [len(self.x)]))
        self.batch_first, self.form, self.current = self.chance(), "sequence", "x"
        known = self.chance()
        sizes = [*(self.x.shape[:2] if self.batch_first else self.x.shape[1::-1]), self.x.shape[2]]
        shape = sizes if known else ["b", "t", sizes[2]] if self.batch_first else ["t", "b", sizes[2]]
        self.inputs.insert(0, helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))

    def case(self):
        if self.chance(0.2):
            self.normalize()
        if self.chance(0.2):
            self.dense()
        count = self.rng.integers(1, 4)
        for index in range(count):
            self.recurrent(last=index == count - 1)
        for _ in range(self.rng.integers(0, 3)):
            self.dense()
        if self.form == "sequence" and self.chance(0.3):
            self.arrange(not self.batch_first)
        output = helper.make_tensor_value_info(self.current, TensorProto.FLOAT, [None] * self.values.ndim)
        graph = helper.make_graph(self.nodes, "random", self.inputs, [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        if self.form == "sequence":
            beyond = np.arange(self.x.shape[1]) >= self.lengths[:, np.newaxis]
            self.values = np.where(beyond[..., np.newaxis], 0, self.values)
        return model, self.x, self.lengths if self.given_lengths else None, self.values

    def size(self, largest):
        return int(np.exp(self.rng.uniform(0, np.log(largest + 0.999))))

    def watch(self, *arrays):
        self.peak = np.max([self.peak, *[np.abs(array).max() for array in arrays]])

    def chance(self, probability=0.5):
        return bool(self.rng.random() < probability)

    def constant(self, array):
        """An array in the file, as float32 or int64; as float64 what the file holds."""
        self.counter["constant"] += 1
        name = f"constant_{self.counter['constant']}"
        array = np.asarray(array, np.int64 if np.asarray(array).dtype.kind == "i" else np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name, array.astype(np.float64)

    def random(self, *shape):
        return self.rng.normal(0, self.scale / np.sqrt(shape[-1]), shape)

    def add(self, operator, *operands, outputs=1, **attributes):
        self.counter["node"] += 1
        name = f"{operator}_{self.counter['node']}"
        names = [f"{name}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, operands, names, name, **attributes))
        return names if outputs > 1 else names[0]

    def arrange(self, batch_first):
        if batch_first != self.batch_first:
            self.current = self.add("Transpose", self.current, perm=[1, 0, 2])
            self.batch_first = batch_first

    def normalize(self):
        mean, center = self.constant(self.rng.normal(size=self.values.shape[-1]))
        width, factor = self.constant(self.rng.uniform(0.5, 2, size=(1, 1, self.values.shape[-1])))
        self.current = self.add("Div", self.add("Sub", self.current, mean), width)
        self.values = (self.values - center) / factor

    def dense(self):
        units = self.size(self.largest[0])
        weight, matrix = self.constant(self.random(self.values.shape[-1], units))
        bias, vector = self.constant(self.random(units))
        if self.form == "sequence" or self.chance():
            self.current = self.add("MatMul", self.current, weight)
            self.current = self.add("Add", *self.rng.permutation([self.current, bias]).tolist())
        else:
            self.current = self.add("Gemm", self.current, weight, bias)
        self.values = self.values @ matrix + vector
        self.watch(self.values)
        if self.chance(0.7):
            name = str(self.rng.choice(list(HEADS)))
            attributes, function = HEADS[name]
            self.current, self.values = self.add(name, self.current, **attributes), function(self.values)

    def recurrent(self, last):
        operator, direction = (str(self.rng.choice(list(choice))) for choice in (BLOCKS, REVERSES))
        reverses, units = REVERSES[direction], self.size(self.largest[0])
        layout = int(self.chance(0.3))
        self.arrange(bool(layout))
        attributes, functions, clip, flag = self.attributes(operator, direction, units, layout)
        operands, arrays, peephole, states = self.operands(operator, len(reverses), units, layout)
        directions = [
            Direction(*parts, functions[index], clip, flag) for index, parts in enumerate(zip(*arrays, peephole, strict=True))
        ]
        outputs = self.add(operator, *operands, outputs=3 if operator == "LSTM" else 2, **attributes)
        results = [
            run(getattr(each, operator.lower()), self.values, self.lengths, states[0][index], states[1][index], reverse)
            for index, (each, reverse) in enumerate(zip(directions, reverses, strict=True))
        ]
        self.watch(*[array for result in results for array in result])
        forms = ["sequence", "Y_h"] + ["Y_c"] * (operator == "LSTM") + ["last"] * (not self.given_lengths)
        self.form = str(self.rng.choice(forms)) if last else "sequence"
        place = {"Y_h": 1, "Y_c": 2}.get(self.form, 0)
        self.values = np.concatenate([result[place] for result in results], axis=-1)
        self.current = outputs[place]
        (self.join_states if place else self.join_sequences)(len(reverses), units, layout)
        if self.form == "last":
            self.current = self.add("Gather", self.current, self.constant(np.asarray(-1))[0], axis=int(self.batch_first))
            self.values = self.values[:, -1]

    def attributes(self, operator, direction, units, layout):
        """The node's attributes, then f, g and h of each direction as (name, alpha, beta), the clip and the operator's own flag."""
        attributes = {"direction": direction, "hidden_size": units, "layout": layout}
        count = len(REVERSES[direction])
        functions, clip, flag = [(name, 0, 0) for name in USUAL[operator]] * count, None, self.chance()
        if self.chance(0.4):
            functions, alphas, betas = self.functions(len(functions))
            attributes["activations"] = [name for name, _, _ in functions]
            attributes |= {key: value for key, value in (("activation_alpha", alphas), ("activation_beta", betas)) if value}
        if self.chance(0.3):
            clip = float(np.float32(self.rng.uniform(0.2, 3)))
            attributes["clip"] = clip
        own = {"LSTM": "input_forget", "GRU": "linear_before_reset"}.get(operator)
        attributes |= {own: int(flag)} if own else {}
        each = len(functions) // count
        return attributes, [functions[start : start + each] for start in range(0, len(functions), each)], clip, flag

    def functions(self, count):
        """Random activations, and the values of activation_alpha and activation_beta that they use up in order."""
        chosen, alphas, betas = [], [], []
        for name in self.rng.choice(list(FUNCTIONS), count).tolist():
            alpha, beta = (float(np.float32(self.rng.uniform(0.1, 0.6))) for _ in range(2))
            alphas += [alpha] if name in ("Affine", "LeakyRelu", "ScaledTanh", "HardSigmoid") else []
            betas += [beta] if name in ("Affine", "ScaledTanh", "HardSigmoid") else []
            chosen.append((name, alpha, beta))
        return chosen, alphas, betas

    def operands(self, operator, directions, units, layout):
        """The names of the operands, (kernels, recurrent weights, biases), peepholes, and the initial h and c of each direction."""
        rows, features = BLOCKS[operator] * units, self.values.shape[-1]
        kernel, recurrent = (self.constant(self.random(directions, rows, width)) for width in (features, units))
        bias = self.constant(self.random(directions, 2 * rows)) if self.chance(0.8) else ("", np.zeros((directions, 2 * rows)))
        peephole = ("", np.zeros((directions, 3 * units)))
        if operator == "LSTM" and self.chance(0.4):
            peephole = self.constant(self.rng.normal(0, 0.3 * self.scale, (directions, 3 * units)))
        states = [self.initial_state(directions, units, layout) for _ in range(2 if operator == "LSTM" else 1)]
        states += [("", np.zeros((directions, 1, units)))] * (2 - len(states))
        names = [self.current, kernel[0], recurrent[0], bias[0], "lengths" if self.given_lengths else "", states[0][0]]
        names += [states[1][0], peephole[0]] if operator == "LSTM" else []
        while not names[-1]:
            names.pop()
        starts = [np.broadcast_to(values, (directions, len(self.x), units)) for _, values in states]
        return names, (kernel[1], recurrent[1], bias[1]), peephole[1], starts

    def initial_state(self, directions, units, layout):
        kind = self.rng.choice(["none", "constant", "zeros"])
        if kind == "none":
            return "", np.zeros((directions, 1, units))
        if kind == "zeros":
            return self.zeros(directions, units, layout), np.zeros((directions, 1, units))
        rows = np.repeat(self.rng.uniform(-0.5, 0.5, (directions, 1, units)), len(self.x), axis=1)
        name, array = self.constant(rows.swapaxes(0, 1) if layout else rows)
        return name, array.swapaxes(0, 1) if layout else array

    def zeros(self, directions, units, layout):
        """Zero states of the batch's size, made while running as exporters do."""
        shape = self.add("Shape", self.current)
        batch = self.add("Gather", shape, self.constant(np.asarray([0 if layout else 1]))[0], axis=0)
        first, last = self.constant(np.asarray([directions]))[0], self.constant(np.asarray([units]))[0]
        whole = self.add("Concat", *([batch, first, last] if layout else [first, batch, last]), axis=0)
        if self.chance():
            return self.add("ConstantOfShape", whole)
        return self.add("Expand", self.constant(np.zeros((1, 1, 1)))[0], whole)

    def join_sequences(self, directions, units, layout):
        """Make (time, batch, features) or (batch, time, features) of Y."""
        if directions == 1 and self.chance():
            self.current = self.add("Squeeze", self.current, self.constant(np.asarray([2 if layout else 1]))[0])
        else:
            arranged = self.current if layout else self.add("Transpose", self.current, perm=[0, 2, 1, 3])
            shape = [0, 0, -1] if self.chance() else [0, 0, directions * units]
            self.current = self.add("Reshape", arranged, self.constant(np.asarray(shape))[0])

    def join_states(self, directions, units, layout):
        """Make (batch, features) of Y_h or Y_c."""
        axis = 1 if layout else 0
        if directions == 1:
            self.current = self.add("Squeeze", self.current, self.constant(np.asarray([axis]))[0])
        elif self.chance():
            arranged = self.current if layout else self.add("Transpose", self.current, perm=[1, 0, 2])
            self.current = self.add("Flatten", arranged)
        else:
            each = [self.add("Gather", self.current, self.constant(np.asarray(i))[0], axis=axis) for i in (0, -1)]
            self.current = self.add("Concat", *each, axis=1)
