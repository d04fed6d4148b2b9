import numpy as np
import pandas as pd

from dfd.detector.domain import domain_of


def test_the_domain_is_that_of_the_videos_trained_on() -> None:
    videos = pd.DataFrame(
        [
            ("r1", "REAL", None, "dfdc"),
            ("f1", "FAKE", "swap", "dfdc"),
            ("f2", "FAKE", None, "celebdf"),
            ("f3", "FAKE", "reenact", "unseen"),
        ],
        columns=["video", "label", "method", "dataset"],
    )
    crops = pd.DataFrame({"video": ["r1", "f1", "f2"] * 100}).assign(
        x1=10.0, y1=20.0, x2=50.0, y2=np.linspace(60.0, 220.0, 300), sharpness=np.arange(300.0)
    )
    domain = domain_of(crops, videos)
    assert domain.datasets == ("celebdf", "dfdc")
    assert domain.methods == ("swap",)
    assert (domain.real_videos, domain.fake_videos) == (1, 2)
    assert domain.face_size == (48.0, 192.0), "5th to 95th percentile of the longer side"
    assert domain.sharpness[0] == 15.0
    assert domain.sharpness[1] == 284.0
