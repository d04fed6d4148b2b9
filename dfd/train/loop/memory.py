"""Memory that runs out while a network is trained."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dfd.errors import DfdError, TrainError


@contextmanager
def out_of_memory_as_error(batch_size: int) -> Iterator[None]:
    """Raise a ``TrainError`` that advises a smaller batch when a backend runs out of memory.

    Every backend has its own exception for it, so the message of the exception decides.
    """
    try:
        yield
    except DfdError:
        raise
    except Exception as error:
        message = f"{type(error).__name__} {error}"
        if not re.search(
            "MemoryError|ResourceExhausted|RESOURCE_EXHAUSTED|[Oo]ut of memory", message
        ):
            raise
        raise TrainError(
            f"train: out of memory with batch_size {batch_size}; try batch_size "
            f"{max(2, batch_size // 2)}, or a smaller input_size"
        ) from error
