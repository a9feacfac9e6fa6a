"""Fuzzing of a live server: requests that Schemathesis makes of the contract, mutated requests, frames by grammar."""
