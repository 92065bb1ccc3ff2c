"""Old sessions and other histories, imported as partial, read-only timelines."""
