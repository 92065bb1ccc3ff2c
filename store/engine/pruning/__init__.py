"""Retention: which steps stay, taking the others out of sight, and then their space."""
