"""Clients of Parley in other languages, and the kit that judges any of them."""
