"""The demo: a small real project and a session over it, played by really running it."""

from stepwell.store.demo.build import build

__all__ = ["build"]
