"""The fault harness: real processes, a random workload, faults that bite, and a checker of what everybody saw."""
