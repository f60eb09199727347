"""The commands of ``fxlstm``, one module each."""
