"""The fault harness: real processes, a random workload, faults with evidence, and a checker of the history."""
