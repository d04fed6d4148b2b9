"""What is made once for all of pytest's worker processes, of which ``make test`` starts several."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder that all worker processes of this run share."""
    own = factory.getbasetemp()
    return own.parent if own.name.startswith("popen-") else own


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first process to ask for it fills; nobody may change it later.

    Args:
        factory: Pytest's fixture.
        name: Name of the folder, one for each way of filling it.
        make: Function that fills the folder, which does not exist yet.
    """
    shared = shared_folder(factory)
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (shared / f"{name}.made").exists():
            make(folder)
            (shared / f"{name}.made").touch()
    return folder


@contextmanager
def shared_server(
    factory: pytest.TempPathFactory,
    name: str,
    start: Callable[[Path], AbstractContextManager[str]],
) -> Iterator[str]:
    """Yield the address of a server that all worker processes use.

    The process that comes first starts the server, and ends it when no process uses it any more.

    Args:
        factory: Pytest's fixture.
        name: Name of the server.
        start: Function that runs a server with its files in a folder, as a context that yields the
            address.
    """
    folder = shared_folder(factory) / name
    users = folder / "users"
    users.mkdir(parents=True, exist_ok=True)
    address, user = folder / "address", users / factory.getbasetemp().name
    lock = FileLock(folder / "lock")
    with lock:
        user.touch()
        running = None if address.exists() else start(factory.mktemp(name))
        if running:
            address.write_text(running.__enter__())
    try:
        yield address.read_text()
    finally:
        with lock:
            user.unlink()
        while running:
            with lock:
                if not list(users.iterdir()):
                    address.unlink()
                    running.__exit__(None, None, None)
                    break
            time.sleep(0.2)
