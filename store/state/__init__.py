"""Snapshots of JSON state, and of storages that live in memory."""
