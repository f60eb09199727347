"""A program around cells that do not obey: other corners, other orders of hidden units, partners that make up for them."""
