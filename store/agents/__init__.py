"""Agents: what they have done elsewhere becomes steps here."""
