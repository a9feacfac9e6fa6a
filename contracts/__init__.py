"""Generates the two contracts, openapi.yaml and asyncapi.yaml, from the code. Used at build time only."""
