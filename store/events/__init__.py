"""Telling subscribers what happens to a workspace, whichever process did it."""
