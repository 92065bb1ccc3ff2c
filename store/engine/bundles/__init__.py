"""Bundles: steps with their file states in one checksummed file, to be carried elsewhere.

A bundle is hostile until all of it was checked: `check.py` reads every byte before `load.py` adds
the first step, nothing in it is ever extracted by path, and what it holds overwrites nothing.
"""

from stepwell.store.engine.bundles.check import Contents, check_bundle
from stepwell.store.engine.bundles.load import BundleLoad, Loaded, is_here
from stepwell.store.engine.bundles.save import save_steps

__all__ = ["BundleLoad", "Contents", "Loaded", "check_bundle", "is_here", "save_steps"]
