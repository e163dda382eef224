"""How the schema came to be, step by step; see :mod:`rcg.store.migrate`."""
