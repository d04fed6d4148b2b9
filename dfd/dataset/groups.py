"""Groups: what must stay on one side of a split because it shares a person, a scene or a file."""

from collections.abc import Iterable, Sequence


def group_videos(videos: Sequence[str], links: Iterable[tuple[str, str]]) -> list[str]:
    """Return each video's group: its connected component under ``links``.

    Args:
        videos: Video ids.
        links: Pairs of ids (or of other keys, such as an absent source or a content hash) that
            belong together.

    Returns:
        One name per video, in order: the smallest video id of its component, so that a name
        depends neither on the order of the videos nor on that of the links.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one, other in links:
        parent[root(one)] = root(other)
    names: dict[str, str] = {}
    for video in sorted(videos):
        names.setdefault(root(video), video)
    return [names[root(video)] for video in videos]
