"""ONNX graphs as networks: every value knows what its axes mean, so that a wrong arrangement is refused and not guessed."""

from fxlstm.network.importers.onnx.graph import SUPPORTED, convert

__all__ = ["SUPPORTED", "convert"]
