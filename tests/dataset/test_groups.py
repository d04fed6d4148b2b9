from itertools import permutations

from dfd.dataset.groups import group_videos


def test_linked_videos_share_a_group_through_an_absent_source() -> None:
    assert group_videos(["b", "c", "d"], [("b", "gone"), ("c", "gone")]) == ["b", "b", "d"]


def test_chains_join() -> None:
    links = [("a", "b"), ("c", "d"), ("b", "c"), ("e", "e")]
    assert group_videos(["a", "b", "c", "d", "e"], links) == ["a", "a", "a", "a", "e"]


def test_names_depend_on_no_order() -> None:
    links = [("c", "x"), ("b", "x"), ("b", "a")]
    seen = {
        tuple(sorted(zip(videos, group_videos(videos, chosen), strict=True)))
        for videos in permutations(["a", "b", "c"])
        for chosen in permutations(links)
    }
    assert seen == {(("a", "a"), ("b", "a"), ("c", "a"))}
