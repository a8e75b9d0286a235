"""Tortoise's two database clients, with the faults of their 1.1.9 transactions closed.

Named as the `engine` of a connection, so Tortoise builds these clients itself and everything it does (its own
`in_transaction()`, `get_or_create`, bulk writes, migrations) goes through them. Nothing is patched.
"""
