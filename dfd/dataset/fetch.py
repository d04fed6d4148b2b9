"""Downloading the sample of the Deepfake Detection Challenge with Kaggle's own client."""

import shutil
import stat
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from dfd.dataset.layouts import LabelledVideo, read_layout
from dfd.errors import DatasetError
from dfd.extras import install_command
from dfd.files import UNFINISHED

COMPETITION = "deepfake-detection-challenge"
TRAIN = "train_sample_videos"  # 400 clips with labels; the 400 of test_videos have none
_PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"
_POLL_S = 0.5


def fetch_dfdc_sample(
    folder: Path, on_bytes: Callable[[int], None] = lambda done: None
) -> list[LabelledVideo]:
    """Download the archive of the competition (4.4 GB) and unpack it.

    The folder then holds ``train_sample_videos``, ``test_videos`` and ``sample_submission.csv``. It
    is renamed into place at the end, complete. Until then the archive lies in a folder beside it,
    from which an interrupted download continues.

    Args:
        folder: The folder to create; it must not exist yet, or be empty.
        on_bytes: Callback that is called about twice a second with the number of bytes downloaded.

    Returns:
        The labelled videos, read with the layout ``dfdc``.

    Raises:
        DatasetError: The folder is not empty; the client is missing, has no credentials, may not
            download or cannot reach the site; or the archive is damaged or incomplete.
    """
    client = shutil.which("kaggle")
    if client is None:
        raise DatasetError(
            f"kaggle: Kaggle's client is not installed; {install_command('kaggle')}, or fetch the "
            f"files by hand from {_PAGE}/data"
        )
    staging = folder.absolute().with_name(f"{UNFINISHED}{folder.absolute().name}")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise DatasetError(f"{folder}: is there already; choose another folder with --to")
        staging.mkdir(parents=True, exist_ok=True)
        _download(client, staging, on_bytes)
        return _unpack(staging, folder)
    except OSError as error:
        name = error.filename or folder
        raise DatasetError(f"{name}: {error.strerror or error}; choose another folder") from error


def _download(client: str, staging: Path, on_bytes: Callable[[int], None]) -> None:
    command = [client, "competitions", "download", COMPETITION, "-p", str(staging)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    on_bytes(sum(path.stat().st_size for path in staging.glob("*.zip")))
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode:
        if not any(staging.iterdir()):
            staging.rmdir()
        raise DatasetError(f"kaggle: {_problem(text)}")


def _problem(output: str) -> str:
    """Return what is wrong and what to do, from the output of the client, version 1 or 2."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and "%|" not in line]
    text = " ".join(lines)  # without the progress bar, whose numbers may look like a status code
    if any(word in text for word in ("Max retries", "NameResolution", "Connection", "timed out")):
        return "kaggle.com cannot be reached; check the network (HTTPS_PROXY, where there is one)"
    if any(word in text for word in ("Authentication required", "kaggle.json", "401")):
        return (
            "no valid credentials; at https://www.kaggle.com/settings/api make a token, and put "
            "kaggle.json into ~/.kaggle/, or set KAGGLE_USERNAME and KAGGLE_KEY, or "
            "KAGGLE_API_TOKEN"
        )
    if "403" in text or "accept" in text:
        return f"may not download; log in, and accept the competition's rules at {_PAGE}/rules"
    return f"cannot download ({lines[-1] if lines else 'it says nothing'}); try again later"


def _unpack(staging: Path, folder: Path) -> list[LabelledVideo]:
    archive, unpacked = staging / f"{COMPETITION}.zip", staging / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)  # left by a run that was killed
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                _check_member(archive, member)
            packed.extractall(unpacked)
    except FileNotFoundError as error:
        raise DatasetError(f"{archive}: the client did not bring it; run again") from error
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        archive.unlink()
        raise DatasetError(f"{archive}: is damaged ({error}); run again") from error
    read_layout(unpacked / TRAIN, "dfdc")
    if folder.exists():
        folder.rmdir()
    unpacked.rename(folder)
    shutil.rmtree(staging)
    return read_layout(folder / TRAIN, "dfdc")


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(member.external_attr >> 16):
        raise DatasetError(
            f"{archive}: {member.filename!r} would lie outside of the folder; take the archive away"
        )
