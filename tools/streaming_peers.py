"""Other engines one timestep at a call: each is a function that prepares a task of one sequence and returns what runs all of it so,
with the state carried from one call to the next.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from peers import Run, Task, imported, onnx_model, onnxruntime_session, openvino_request, quantized, sigmoid, torch_layer


def torch_cell(task: Task) -> Run:
    """PyTorch's LSTMCell in float32."""
    torch, layer = torch_layer(task)
    given = task.parameters
    cell = torch.nn.LSTMCell(given.inputs, given.units).eval()
    cell.load_state_dict({name.removesuffix("_l0"): values for name, values in layer.state_dict().items()})
    rows = list(torch.from_numpy(task.x[0]).unsqueeze(1))

    def run() -> object:
        torch.set_num_threads(task.threads)
        state, outputs = None, []
        with torch.inference_mode():
            for row in rows:
                state = cell(row, state)
                outputs.append(state[0].numpy())
        return outputs

    return run


def onnxruntime_float(task: Task) -> Run:
    """ONNX Runtime in float32."""
    return _onnxruntime(task, onnx_model(_one_timestep(task), with_state=True).SerializeToString())


def onnxruntime_dynamic(task: Task) -> Run:
    """ONNX Runtime with 8-bit weights and activations."""
    return _onnxruntime(task, quantized(onnx_model(_one_timestep(task), with_state=True)))


def _one_timestep(task: Task) -> Task:
    return task._replace(timesteps=1)


def _onnxruntime(task: Task, model: bytes) -> Run:
    session = onnxruntime_session(model, task.threads)
    rows = list(task.x[0][:, np.newaxis, np.newaxis])
    zero = np.zeros((1, 1, task.parameters.units), np.float32)

    def run() -> object:
        h, c, outputs = zero, zero, []
        for row in rows:
            y, h, c = session.run(None, {"x": row, "h": h, "c": c})
            outputs.append(y)
        return outputs

    return run


def openvino_float(task: Task) -> Run:
    """OpenVINO in float32."""
    openvino = imported("openvino")
    request = openvino_request(onnx_model(_one_timestep(task), with_state=True), task.threads, "f32")
    rows = [openvino.Tensor(row) for row in task.x[0][:, np.newaxis, np.newaxis]]
    states = [openvino.Tensor(np.zeros((1, 1, task.parameters.units), np.float32)) for _ in "hc"]

    def run() -> object:
        outputs = []
        for state in states:
            state.data[...] = 0
        for row in rows:
            request.infer([row, *states])
            for place, state in enumerate(states, 1):
                state.data[...] = request.get_output_tensor(place).data
            outputs.append(request.get_output_tensor(0).data.copy())
        return outputs

    return run


def numpy_float(task: Task) -> Run:
    """NumPy in float32, as a person writes it."""
    given = task.parameters
    weights = np.ascontiguousarray(np.concatenate([given.weight_ih, given.weight_hh], axis=1).T)
    bias = given.bias_ih + given.bias_hh
    rows = list(task.x[0])

    def run() -> object:
        with threadpool_limits(task.threads):
            return steps()

    def steps() -> object:
        h = c = np.zeros(given.units, np.float32)
        outputs = []
        for row in rows:
            i, f, g, o = np.split(np.concatenate([row, h]) @ weights + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        return outputs

    return run


STREAMING_PEERS: dict[str, Callable[[Task], Run]] = {
    "PyTorch LSTMCell": torch_cell,
    "ONNX Runtime float32": onnxruntime_float,
    "ONNX Runtime int8": onnxruntime_dynamic,
    "OpenVINO float32": openvino_float,
    "NumPy float32": numpy_float,
}
