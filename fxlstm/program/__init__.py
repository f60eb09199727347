"""The integer form of a network: formats, operations, quantization, the image, the reference interpreter."""
