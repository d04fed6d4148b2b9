import re
from pathlib import Path

import pytest
import yaml

from dfd.errors import ParamsError
from dfd.params.data import DatasetParams, SplitParams
from dfd.params.faces import CropParams, FacesParams
from dfd.params.section import load_section, read_params
from dfd.params.training import candidate_names, load_candidate
from dfd.params.workers import WorkerParams
from tests.data import ROOT

PARAMS = ROOT / "params.yaml"


def changed(folder: Path, path: str, value: object) -> Path:
    content = yaml.safe_load(PARAMS.read_text())
    *above, key = path.split(".")
    section = content
    for name in above:
        section = section[name]
    if value is None:
        del section[key]
    else:
        section[key] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    return folder / "params.yaml"


def test_the_projects_own_file_is_valid() -> None:
    assert load_section(FacesParams, PARAMS).crop_size == 128
    assert load_section(SplitParams, PARAMS).protocol == "group"
    assert candidate_names(PARAMS) == ["inception_resnet_v2", "mesonet"]
    for name in candidate_names(PARAMS):
        assert load_candidate(name, PARAMS).backbone == name


def test_the_candidate_in_comments_is_valid_once_its_lines_are_uncommented(tmp_path: Path) -> None:
    commented = re.compile(r"^  # (inception_resnet_v1:|  \w+: .*)$", re.MULTILINE)
    path = tmp_path / "params.yaml"
    path.write_text(commented.sub(r"  \1", PARAMS.read_text()))
    assert candidate_names(path) == ["inception_resnet_v2", "mesonet", "inception_resnet_v1"]
    facenet = load_candidate("inception_resnet_v1", path)
    assert (facenet.backbone, facenet.input_size) == ("inception_resnet_v1", 160)


def test_where_videos_are_decoded_is_no_part_of_what_the_crops_are() -> None:
    faces = load_section(FacesParams, PARAMS)
    elsewhere = faces.model_copy(update={"shards": 3})
    assert type(elsewhere.crop) is CropParams
    assert elsewhere.crop == faces.crop
    larger = faces.model_copy(update={"crop_size": faces.crop_size + 1})
    assert larger.crop != faces.crop
    assert not set(WorkerParams.model_fields) & set(FacesParams.model_fields)
    assert load_section(WorkerParams, PARAMS).runner == "threads"


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("faces.runner", "threads", "write it as workers.runner"),
        ("faces.time_limit_s", 900, "write it as workers.time_limit_s"),
        ("train.candidates", {"small": {}}, "write it as candidates, a section of its own"),
    ],
)
def test_a_key_of_an_earlier_version_says_where_it_has_gone(
    tmp_path: Path, old: str, value: object, new: str
) -> None:
    path = changed(tmp_path, old, value)
    for load in (
        lambda: load_section(FacesParams, path),
        lambda: load_candidate("mesonet", path),
        lambda: candidate_names(path),
    ):
        with pytest.raises(ParamsError, match=rf"{re.escape(old)}: this key has moved; {new}"):
            load()


def test_a_candidates_own_keys_win_over_the_shared_ones() -> None:
    assert load_candidate("mesonet", PARAMS).weights == "none"
    assert load_candidate("inception_resnet_v2", PARAMS).weights == "auto"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("faces.crop_size", 5, r"faces\.crop_size: .*\(got 5\)"),
        ("faces.crop_sise", 128, r"faces\.crop_sise: no such key; there are .*crop_size"),
        ("faces.margin", None, r"faces\.margin: is missing; copy it from the params\.yaml"),
        ("faces", None, "faces is missing; copy this section from the params.yaml"),
        ("faces", 3, r"faces: must map keys to values \(got 3\)"),
        ("faces.detector", 3, r"faces\.detector: .*\(got 3\)"),
        ("faces.frames_per_video", "some", r"faces\.frames_per_video: must be a number .* or all"),
        ("faces.frames_per_video", True, r"faces\.frames_per_video: must be a number"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, path: str, value: object, said: str) -> None:
    with pytest.raises(ParamsError, match=said) as caught:
        load_section(FacesParams, changed(tmp_path, path, value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("train.frobnicate", 1, r"train\.frobnicate: no such key; there are backbone, "),
        ("candidates.mesonet", 5, r"candidates\.mesonet must map"),
        ("candidates.mesonet.epochs", 0, r"candidates\.mesonet\.epochs: .*\(got 0\)"),
    ],
)
def test_a_wrong_training_key_is_named_where_it_stands(
    tmp_path: Path, path: str, value: object, said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        load_candidate("mesonet", changed(tmp_path, path, value))


def test_a_misspelt_key_is_named_rather_than_the_missing_one(tmp_path: Path) -> None:
    content = yaml.safe_load(PARAMS.read_text())
    content["split"]["fractions"]["trian"] = content["split"]["fractions"].pop("train")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ParamsError, match=r"split\.fractions\.trian: no such key; there are train"):
        load_section(SplitParams, path)


def test_fractions_must_add_up(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="add up to 1"):
        load_section(SplitParams, changed(tmp_path, "split.fractions.train", 0.9))


def test_an_unknown_candidate_lists_the_known() -> None:
    with pytest.raises(ParamsError, match="inception_resnet_v2, mesonet"):
        load_candidate("vgg", PARAMS)


def test_no_candidate_takes_the_folder_of_the_champion(tmp_path: Path) -> None:
    path = changed(tmp_path, "candidates.champion", {"epochs": 1})
    with pytest.raises(ParamsError, match=r"candidates\.champion: the registry keeps its own"):
        load_candidate("champion", path)


@pytest.mark.parametrize("content", [b"[1, 2]", b"a: [", b"", b"a: \xff"])
def test_a_file_that_is_no_mapping_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_section(DatasetParams, tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="run in the project's root"):
        load_section(DatasetParams, tmp_path / "params.yaml")


def test_a_wrong_scheduler_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path, "workers.dask_address", "nonsense")
    with pytest.raises(ParamsError, match=r"workers\.dask_address: .*nonsense"):
        load_section(WorkerParams, path)


def test_dvc_names_whole_sections() -> None:
    """A key that ``dvc.yaml`` did not list would change a result without a rerun."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    listed = {
        name: set((stage.get("do") or stage)["params"]) - {"candidates.${key}"}
        for name, stage in stages.items()
    }
    sections = {section for params in listed.values() for section in params}
    assert sections <= set(yaml.safe_load(PARAMS.read_text()))
    assert listed["train"] == {"faces", "split", "train"}
    assert listed["faces"] == {"faces"}  # not workers, which changes no result


def test_a_file_of_another_encoding_says_so(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes("dataset: {name: caf\xe9}".encode("latin-1"))
    with pytest.raises(ParamsError, match=r"params\.yaml: not UTF-8 \(byte 19\)"):
        read_params(tmp_path / "params.yaml")


def test_a_file_that_is_no_yaml_says_where(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("dataset:\n  videos: [a: b")
    with pytest.raises(ParamsError, match=r"not valid YAML \(line 2, column \d+: expected"):
        read_params(tmp_path / "params.yaml")
