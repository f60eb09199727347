"""Demonstrations: a trained network taken from float to the board, with the error of each stage."""
