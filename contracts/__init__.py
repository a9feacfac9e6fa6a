"""Generates openapi.yaml, asyncapi.yaml and the types of clients/typescript from the code. Used at build time only."""
