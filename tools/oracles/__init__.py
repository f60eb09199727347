"""Networks beside implementations that are not ours: cases for the table of docs/evidence.md, and how they are measured."""
