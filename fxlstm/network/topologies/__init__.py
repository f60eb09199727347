"""How layers stand to each other and to the sequence: directions, lengths, masks, feedback, encoder and decoder, trees."""
