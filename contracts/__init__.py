"""The two contracts, openapi.yaml and asyncapi.yaml, made from the code that keeps them."""
