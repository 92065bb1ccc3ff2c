"""Which key does what: one table, and what is made from it."""
