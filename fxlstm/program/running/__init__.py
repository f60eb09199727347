"""Float sequences around any runner of integer programs: lengths, masks, times, states, generation, trees."""
