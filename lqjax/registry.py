"""Name -> thing, filled by the files of one or more folders.

A package that can be extended owns one `Registry`. Each file of its folders registers what it
defines; the files are found and imported on the first lookup, so adding a thing is adding a file.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def likeness(name: str, other: str) -> float:
    """Measure how alike two names are, whatever their case: from 0 to 1."""
    return difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio()


def nearest_first(name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Order the allowed names by likeness to a mistyped one, the nearest first."""
    return tuple(sorted(allowed, key=lambda other: -likeness(name, other)))


def unknown_name(kind: str, name: str, allowed: tuple[str, ...]) -> ValueError:
    """Build the error for a name that does not exist: one line, nearest match first."""
    listing = ", ".join(nearest_first(name, allowed)) or "none"
    return ValueError(f"unknown {kind} {name!r}; allowed: {listing}")


class Registry(Generic[T]):
    """Map names to things that the modules of some packages register.

    Args:
      kind: what is registered, in the singular, as error messages say it ("model").
      packages: dotted package names whose modules are imported on first lookup.
    """

    def __init__(self, kind: str, *packages: str) -> None:
        self.kind = kind
        self._packages = packages
        self._entries: dict[str, T] = {}
        self._loaded = self._loading = False
        self._lock = threading.RLock()

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers its argument under `name`.

        Raises:
          ValueError: something else is registered under that name.
        """

        def add(thing: T) -> T:
            self.add(name, thing)
            return thing

        return add

    def add(self, name: str, thing: T) -> None:
        """Register `thing` under `name`; refuse a name that is taken."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice; choose another name")
        self._entries[name] = thing

    def __getitem__(self, name: str) -> T:
        """Look a thing up.

        Raises:
          ValueError: nothing of that name; the message lists what there is, nearest first.
        """
        self._load()
        if name not in self._entries:
            raise unknown_name(self.kind, name, self.names())
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def names(self) -> tuple[str, ...]:
        """List all registered names in alphabetical order."""
        self._load()
        return tuple(sorted(self._entries))

    def _load(self) -> None:
        if self._loaded:
            return
        with self._lock:  # other threads wait until all is there
            if self._loaded or self._loading:  # a module that is being imported looks something up
                return
            self._loading = True
            try:
                for package_name in self._packages:
                    package = importlib.import_module(package_name)
                    for module in pkgutil.iter_modules(package.__path__, package_name + "."):
                        importlib.import_module(module.name)
            finally:
                self._loading = False
            self._loaded = True
