"""From layers to sweeps of operations: what ``quantize`` lowers a float network to."""
