"""Groups: videos that share a person, a recording or a file, and must get the same part."""

from collections.abc import Iterable, Sequence


def group_videos(videos: Sequence[str], links: Iterable[tuple[str, str]]) -> list[str]:
    """Return the group of each video: its connected component under the links.

    Args:
        videos: Ids of the videos.
        links: Pairs of keys that belong together. A key is the id of a video or any other name,
            such as a source that is not in the folder, or the hash of a file.

    Returns:
        The names of the groups, in the order of the videos. A group is named by its smallest video
        id, so that the names depend neither on the order of the videos nor on that of the links.

    Example:
        >>> group_videos(["a.mp4", "b.mp4", "c.mp4"], [("c.mp4", "hash 1"), ("a.mp4", "hash 1")])
        ['a.mp4', 'b.mp4', 'a.mp4']
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, second in links:
        parent[root(first)] = root(second)
    names: dict[str, str] = {}
    for video in sorted(videos):
        names.setdefault(root(video), video)
    return [names[root(video)] for video in videos]
