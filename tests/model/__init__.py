"""The rules of Parley as its checkers state them, apart from the product's code: used by simulation and faults."""
