"""The champion's detector in its folder, whoever leads."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dfd.detector.card import load_card, registered_version
from dfd.detector.network import load_detector
from dfd.errors import RegistryError
from flows.commands.scanning import find_detector
from tasks.model_version import export_champion
from tasks.registry import DETECTOR, Registry, open_registry
from tests.detectors import write_detector
from tests.stores import new_store

MODEL = "detector"


@pytest.fixture
def registry(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Registry]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, tmp_path))
    with open_registry(MODEL) as opened:
        for number in ("1", "2"):
            directory = write_detector(tmp_path / "logged" / number, candidate=f"made{number}")
            tags = {"detector": load_card(directory).sha256}
            opened.client.create_model_version(MODEL, directory.as_uri(), tags=tags)
        yield opened


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a version's files be where they were written, without a model logged to MLflow."""

    def file(self: Registry, version: object, name: str) -> Path:
        assert name == DETECTOR
        directory = tmp_path / "logged" / str(version.version)  # type: ignore[attr-defined]
        if not directory.exists():
            raise RegistryError("its detector is gone")
        return directory

    monkeypatch.setattr(Registry, "file", file)


def test_the_folder_follows_who_leads(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "champion"
    export_champion(registry, folder)
    assert not folder.exists()
    assert registered_version(folder) is None
    for number in ("1", "2"):
        registry.lead(registry.version(number), "why not")
        export_champion(registry, folder)
        assert load_card(folder).candidate == f"made{number}"
        assert load_card(folder).sha256 == load_card(tmp_path / "logged" / number).sha256
        assert registered_version(folder) == number
    registry.roll_back()
    export_champion(registry, folder)
    assert registered_version(folder) == "1"
    assert json.loads((folder / "registered.json").read_text())["model"] == MODEL
    registry.client.delete_registered_model_alias(MODEL, "champion")
    export_champion(registry, folder)
    assert not list(folder.parent.iterdir()), "no champion, no folder, nothing unfinished"


def test_a_champion_whose_files_are_gone_is_an_error_and_leaves_the_folder(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "champion"
    registry.lead(registry.version("1"), "why not")
    export_champion(registry, folder)
    registry.lead(registry.version("2"), "why not")
    (tmp_path / "logged" / "2").rename(tmp_path / "elsewhere")
    with pytest.raises(RegistryError, match="its detector is gone"):
        export_champion(registry, folder)
    assert registered_version(folder) == "1"


def test_a_folder_that_cannot_be_written_is_one_line(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    registry.lead(registry.version("1"), "why not")
    with pytest.raises(RegistryError, match=r"models/champion: the champion cannot be put there"):
        export_champion(registry, tmp_path / "models" / "champion")


def test_an_edit_of_the_folder_leaves_the_version_as_it_is(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "champion"
    registry.lead(registry.version("1"), "why not")
    export_champion(registry, folder)
    for name in ("detector.json", "model.onnx"):
        with (folder / name).open("ab") as file:
            file.write(b" ")
    as_it_was = registry.detector(registry.version("1"))
    assert load_detector(as_it_was).card.candidate == "made1"


def test_a_version_that_was_edited_is_refused_by_every_address(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "champion"
    registry.lead(registry.version("1"), "why not")
    export_champion(registry, folder)
    card = tmp_path / "logged" / "1" / "detector.json"
    card.write_text(card.read_text().replace('"made1"', '"mine"'))
    refused = r"logged/1: not the detector that was registered as detector version 1; restore"
    with pytest.raises(RegistryError, match=refused):
        export_champion(registry, folder)
    assert load_card(folder).candidate == "made1", "the folder is as it was"
    for address in ("models:/detector/1", "models:/detector@champion"):
        with pytest.raises(RegistryError, match=refused):
            find_detector(address)
    assert load_card(registry.detector(registry.version("2"))).candidate == "made2"


def test_any_other_directory_has_no_version(tmp_path: Path) -> None:
    directory = write_detector(tmp_path / "small")
    assert registered_version(directory) is None
    (directory / "registered.json").write_text("[]")
    assert registered_version(directory) is None
