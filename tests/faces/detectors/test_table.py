"""The table of face detectors: what a name in ``params.yaml`` leads to."""

from importlib.metadata import distribution

import pytest

from dfd.errors import ParamsError
from dfd.faces.detectors import FACE_DETECTORS, load_face_detector
from tests.clip_fixtures import face_params


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ParamsError, match=r"faces\.detector: .*'yolo'") as caught:
        load_face_detector(face_params(detector="yolo"))
    assert all(name in str(caught.value) for name in FACE_DETECTORS)
    assert "\n" not in str(caught.value)


def test_the_packages_a_face_detector_needs_are_names_of_packages() -> None:
    """Their installed versions become requirements of a served model."""
    for entry in FACE_DETECTORS.values():
        assert all(distribution(package).version for package in entry.packages)
