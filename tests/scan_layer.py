"""An environment that holds the packages of the layer ``scan`` and no other."""

import re
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tests.data import ROOT


def make_environment(folder: Path) -> None:
    """Make an environment with links to the packages that ``requirements/scan.lock`` names.

    Args:
        folder: A new folder; its Python is ``bin/python``, and dfd is among its packages.
    """
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in ["dfd", *_locked()]:
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:  # locked for another system or version of Python
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            link = packages / top
            if not link.is_symlink():
                link.symlink_to(Path(sysconfig.get_path("purelib")) / top)


def _locked() -> list[str]:
    lock = (ROOT / "requirements" / "scan.lock").read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
