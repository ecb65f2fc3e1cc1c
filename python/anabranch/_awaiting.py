"""What `await` means for events: one file descriptor for each event loop, watched by it, tells what has happened."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from anabranch import _core


class _Watcher:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._notifier = _core._Notifier()
        self._keys = itertools.count()
        self._futures: dict[int, asyncio.Future[None]] = {}
        loop.add_reader(self._notifier.fileno(), self._wake)

    async def wait(self, event: _core.Event) -> None:
        key = next(self._keys)
        future = self._futures[key] = asyncio.get_running_loop().create_future()
        try:
            self._notifier.watch(event, key)
            await future
        finally:
            del self._futures[key]

    def _wake(self) -> None:
        for key in self._notifier.drain():
            future = self._futures.get(key)  # None: it was cancelled
            if future is not None and not future.done():
                future.set_result(None)


_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher] = WeakKeyDictionary()


async def happened(events: Iterable[_core.Event], check: Callable[[], None] | None = None) -> None:
    """Returns when all events have happened and `check`, which may raise, has been called."""
    for event in events:
        if not event.query():
            loop = asyncio.get_running_loop()
            watcher = _watchers.get(loop)
            if watcher is None:
                watcher = _watchers[loop] = _Watcher(loop)
            await watcher.wait(event)
    if check is not None:
        check()
