"""What a user meets: the command line, plots and demonstrations."""
