"""The champion's detector as a directory, where a scan finds it without MLflow."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.detector.card import REGISTERED
from dfd.errors import RegistryError
from dfd.files import place, replacing_folder, write_json

if TYPE_CHECKING:
    from tasks.registry import Registry


def export_champion(registry: "Registry", folder: Path) -> None:
    """Make ``folder`` the detector directory of the version that leads; without one it is removed.

    Raises:
        RegistryError: The version's files are gone, or the folder cannot be written; it is as it
            was then.
    """
    from tasks.registry import DETECTOR  # here: a scan reads the note alone, at no cost

    champion = registry.champion()
    try:
        if champion is None:
            if folder.exists():
                shutil.rmtree(folder)
            return
        source = registry.file(champion, DETECTOR)
        with replacing_folder(folder) as partial:
            for path in sorted(source.iterdir()):
                place(path, partial / path.name)
            write_json(
                partial / REGISTERED,
                {"model": registry.model, "version": str(champion.version)},
            )
    except OSError as error:
        raise RegistryError(
            f"{folder}: the champion cannot be put there ({error.strerror or error}); make room or "
            "give rights, then run `python -m flows.register`"
        ) from error
