"""The commands of an operator: each on a real database, and the processes among them as processes."""
