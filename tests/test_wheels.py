import io
import tarfile
from pathlib import Path

import pytest

from dfd.errors import WheelError
from dfd.wheels import wheel_member
from tests.wheels import Wheelhouse


def test_a_member_comes_as_it_was_packed(wheelhouse: Wheelhouse) -> None:
    content = bytes(range(256)) * 1000
    wheelhouse.add("made-up", "1.0", {"made_up/data.bin": content, "made_up/other": "no"})
    assert wheel_member("made-up==1.0", "made_up/data.bin") == content


def test_only_the_pinned_version_will_do(wheelhouse: Wheelhouse) -> None:
    wheelhouse.add("made-up", "1.1", {"made_up/data.bin": b"newer"})
    with pytest.raises(
        WheelError, match=r"made-up==1.0 cannot be downloaded \(.*check that pip"
    ) as e:
        wheel_member("made-up==1.0", "made_up/data.bin")
    assert "\n" not in str(e.value)


def test_a_missing_member_is_named(wheelhouse: Wheelhouse) -> None:
    wheelhouse.add("made-up", "1.0", {"made_up/other": "no"})
    with pytest.raises(WheelError, match=r"made-up==1.0 come in a damaged wheel .*data.bin"):
        wheel_member("made-up==1.0", "made_up/data.bin")


def test_a_source_archive_is_never_built(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    setup = f"open({str(trace)!r}, 'w')".encode()
    with tarfile.open(wheelhouse.folder / "made-up-1.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("made-up-1.0/setup.py")
        entry.size = len(setup)
        archive.addfile(entry, io.BytesIO(setup))
    with pytest.raises(WheelError, match="cannot be downloaded"):
        wheel_member("made-up==1.0", "made_up/data.bin")
    assert not trace.exists()
