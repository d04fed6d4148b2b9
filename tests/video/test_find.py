from pathlib import Path

from dfd.video.find import videos_below


def test_files_stills_and_folders_of_frames_are_found_once(tmp_path: Path) -> None:
    for name in (
        *("b.mp4", "A.JPG", "notes.txt", ".hidden.mp4", "people/anna.png", "people/bert.png"),
        *("clip/000.png", "clip/012.png", "clip/landmarks.npy", "more/deep/c.webm"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in videos_below(tmp_path)]
    assert found == [
        *("A.JPG", "b.mp4", "clip", "more/deep/c.webm", "people/anna.png", "people/bert.png")
    ]
    assert videos_below(tmp_path / "clip") == [tmp_path / "clip"]


def test_a_link_to_nothing_is_found_so_that_somebody_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("gone.mp4")
    assert videos_below(tmp_path) == [tmp_path / "a.mp4"]
