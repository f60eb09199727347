"""The host side of the board: protocol, link, verbs, programming campaigns and the log of measurements."""
