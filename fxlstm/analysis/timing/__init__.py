"""How long a board takes, and what for: counted frame by frame as the firmware sends them, priced by the board file."""
