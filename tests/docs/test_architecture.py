"""The picture of the architecture is drawn from ``dvc.yaml``, and shows what is there."""

from xml.etree import ElementTree

from docs.architecture import PICTURE, draw, read_stages


def test_the_committed_picture_is_what_the_script_draws() -> None:
    drawn = draw(read_stages())
    assert PICTURE.read_text(encoding="utf-8") == drawn, "run `make docs` and commit the picture"


def test_the_picture_names_every_stage_and_file() -> None:
    stages = read_stages()
    root = ElementTree.fromstring(draw(stages))
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {stage.name for stage in stages} <= words
    assert {"videos.csv", "split.csv", "faces", "<candidate>", "metrics"} <= words


def test_files_join_the_stages_that_make_and_read_them() -> None:
    stages = {stage.name: stage for stage in read_stages()}
    assert stages["train"].reads == ("data/faces", "data/split.csv")
    assert stages["train"].makes == ("models/<candidate>", "metrics", "plots/<candidate>")
    assert "models/<candidate>" in stages["register"].reads
    assert [name for name, stage in stages.items() if stage.mlflow] == [
        "train",
        "evaluate",
        "robustness",
        "register",
    ]
