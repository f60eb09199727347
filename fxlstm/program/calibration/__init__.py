"""What calibration data decide: formats of vectors, levels of weights, ranges of tiles."""
