"""What the library supports is what its `__all__` lists, no more and no less."""

from __future__ import annotations

import types

import stepwell.store as store


def test_every_listed_name_exists() -> None:
    """`from stepwell.store import *` works."""
    missing = [name for name in store.__all__ if not hasattr(store, name)]
    assert missing == []


def test_nothing_unlisted_is_visible() -> None:
    """A name that is not listed is private, a module, or part of the module's own machinery."""
    for name in store.__all__:
        getattr(store, name)
    visible = {
        name
        for name in dir(store)
        if not name.startswith("_") and not isinstance(getattr(store, name), types.ModuleType)
    }
    assert visible - {"annotations", "TYPE_CHECKING", "Any"} == set(store.__all__) - {"__version__"}


def test_the_list_is_sorted_and_free_of_repeats() -> None:
    """So that a difference is easy to review."""
    assert len(set(store.__all__)) == len(store.__all__)


def test_every_supported_class_and_function_states_its_contract() -> None:
    """A docstring on each, and on each public method of each class."""
    bare = []
    for name in store.__all__:
        thing = getattr(store, name)
        if not isinstance(thing, type | types.FunctionType):
            continue
        if not thing.__doc__:
            bare.append(name)
        for method, value in vars(thing).items() if isinstance(thing, type) else ():
            if isinstance(value, types.FunctionType) and not method.startswith("_"):
                bare += [] if value.__doc__ else [f"{name}.{method}"]
    assert bare == []
