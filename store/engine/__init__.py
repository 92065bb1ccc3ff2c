"""The engine: objects, journal, scan, capture, rollback. No terminal, no catalogue."""
