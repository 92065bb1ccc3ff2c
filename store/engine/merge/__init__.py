"""Merging: whole branches and picked parts, three-way, as git merges them."""
