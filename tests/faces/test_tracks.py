from dfd.faces.face import Face
from dfd.faces.tracks import TrackLinker, persistent_tracks


def face(left: float, top: float = 0, side: float = 100) -> Face:
    return Face((left, top, left + side, top + side), ((left, top),) * 5, 0.9)


def test_a_moving_face_stays_one_track() -> None:
    link = TrackLinker()
    assert [link([face(40 * step)]) for step in range(6)] == [[0]] * 6


def test_two_people_keep_their_tracks_whatever_the_order_of_detection() -> None:
    link = TrackLinker()
    assert link([face(0), face(300)]) == [0, 1]
    assert link([face(310), face(20)]) == [1, 0]


def test_neighbours_are_matched_by_the_closest_first() -> None:
    link = TrackLinker()
    link([face(0), face(90)])
    assert link([face(80), face(0)]) == [1, 0]


def test_a_face_that_was_missed_is_found_again() -> None:
    link = TrackLinker()
    assert [link(faces) for faces in ([face(0)], [], [], [face(30)])] == [[0], [], [], [0]]


def test_a_face_elsewhere_or_of_another_size_is_somebody_else() -> None:
    link = TrackLinker()
    link([face(0)])
    assert link([face(500)]) == [1]
    assert link([face(0, side=250)]) == [2]


def test_the_most_persistent_tracks_are_kept_then_the_largest() -> None:
    seen = [(0, face(0, side=300))] + [(1, face(0, side=50)), (2, face(0, side=80))] * 3
    assert persistent_tracks(seen, 2) == {2: 0, 1: 1}
    assert persistent_tracks(seen, 9) == {2: 0, 1: 1, 0: 2}
    assert persistent_tracks([], 2) == {}
