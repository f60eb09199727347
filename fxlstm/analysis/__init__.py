"""What errs in a quantized network on an array, and how much: error budgets, and twins of boards."""
