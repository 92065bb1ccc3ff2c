"""Sealed history: what segments held, as packs and refs of an ordinary bare repository."""
