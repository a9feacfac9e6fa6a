"""A kit that judges any client of Parley by its state against the log, behind a proxy that injects faults."""
