"""A detector's domain: a summary of the videos it was trained on and can judge.

A video outside the domain gets no verdict: a detector that has only seen other kinds of video is
guessing. How far a video lies from the training videos is the Mahalanobis distance of its image
statistics, the test of Lee et al., *A simple unified framework for detecting out-of-distribution
samples* (NeurIPS 2018), here on statistics of the picture instead of features of the network.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, field_validator

from dfd.detector.appearance import STATISTICS, Values, names

if TYPE_CHECKING:
    import pandas as pd

_USUAL = (5, 95)  # percentiles of the training crops that bound the usual values
_KEPT = 0.95  # share of unseen groups whose videos all lie within the limit
# Weight of the usual spreads of the statistics, in groups, beside the spread of the training
# videos: ten people say little about how videos of their kind spread in 22 dimensions.
_PRIOR_GROUPS = 20
_FOLDS = 20
_NAMED = 3  # properties that a sentence about a video outside the domain names at most

Range = tuple[float, float]


class Appearance(BaseModel):
    """What the training videos look like, and how far from them a video may lie.

    Attributes:
        statistics: Names of the D statistics. The other values are in their order.
        mean: Mean over the groups of the training videos.
        precision: Inverse of their covariance, D rows of D, in units of the usual spreads.
        low: Lowest value of a training video.
        high: Highest value of a training video.
        limit: Greatest distance of a video that the detector judges.
        groups: Number of groups that the limit was measured on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    statistics: tuple[str, ...]
    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    limit: float
    groups: int

    @field_validator("statistics")
    @classmethod
    def _known(cls, statistics: tuple[str, ...]) -> tuple[str, ...]:
        if list(statistics) != names(STATISTICS):
            raise ValueError("another version of dfd measures other statistics of the videos")
        return statistics

    def distance(self, values: Values) -> float:
        """Return the distance of a video from the training videos; about 1 is usual.

        Args:
            values: Statistics of the video, the mean over its crops, float64 (D,).
        """
        offset = (values - np.array(self.mean)) / _spreads()
        return float(np.sqrt(offset @ np.array(self.precision) @ offset / len(offset)))

    def differences(self, values: Values) -> tuple[str, ...]:
        """Return in what a video differs from every training video, the most striking first.

        Args:
            values: Statistics of the video, the mean over its crops, float64 (D,).

        Returns:
            Up to three words such as ``sharper``; none where no property by itself is unusual.
        """
        beyond = np.where(values < self.low, values - self.low, 0) + np.where(
            values > self.high, values - self.high, 0
        )
        sizes = beyond / _spreads()
        order = np.argsort(-np.abs(sizes), kind="stable")
        words = [
            STATISTICS[i].more if sizes[i] > 0 else STATISTICS[i].less for i in order if sizes[i]
        ]
        return tuple(dict.fromkeys(words))[:_NAMED]


class Domain(BaseModel):
    """Summary of the training videos.

    Attributes:
        datasets: Names of the data sets, sorted.
        methods: Names of the forgery methods, sorted; empty where the data sets name none.
        real_videos: Number of REAL videos with at least one crop.
        fake_videos: Number of FAKE videos with at least one crop.
        face_size: Longer side of the face box in pixels of the video: its 5th and 95th percentile
            over the crops.
        sharpness: Variance of the Laplacian of the crop: its 5th and 95th percentile over the
            crops.
        appearance: What the training videos look like; None in the card of an older detector,
            which therefore gives no verdicts.
        synthetic: Whether the people of all videos are rendered, as their data sets state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    real_videos: int
    fake_videos: int
    face_size: Range
    sharpness: Range
    appearance: Appearance | None = None
    synthetic: bool = False


def domain_of(
    crops: "pd.DataFrame", videos: "pd.DataFrame", appearance: Appearance | None = None
) -> Domain:
    """Return the domain of the crops that a detector is trained on.

    Args:
        crops: The training crops, at least one row, with the columns ``video``, ``x1``, ``y1``,
            ``x2``, ``y2`` (the face box in pixels) and ``sharpness``.
        videos: Rows of the manifest with the columns ``video``, ``label``, ``method``,
            ``dataset`` and ``synthetic``. Videos without a row in ``crops`` are ignored.
        appearance: What the training videos look like.

    Example:
        >>> import pandas as pd
        >>> box = {"x1": 0.0, "y1": 0.0, "x2": 80.0, "y2": [90.0, 110.0]}
        >>> crops = pd.DataFrame({"video": ["a.mp4", "b.mp4"], **box, "sharpness": 50.0})
        >>> videos = pd.DataFrame({
        ...     "video": ["a.mp4", "b.mp4"], "label": ["REAL", "FAKE"],
        ...     "method": [None, "face swap"], "dataset": "sample",
        ...     "synthetic": True,
        ... })
        >>> domain = domain_of(crops, videos)
        >>> domain.methods, domain.fake_videos, domain.face_size, domain.synthetic
        (('face swap',), 1, (91.0, 109.0), True)
    """
    used = videos[videos["video"].isin(crops["video"])]
    sizes = np.maximum(crops["x2"] - crops["x1"], crops["y2"] - crops["y1"])
    return Domain(
        datasets=tuple(sorted(used["dataset"].dropna().unique())),
        methods=tuple(sorted(used.loc[used["label"] == "FAKE", "method"].dropna().unique())),
        real_videos=int((used["label"] == "REAL").sum()),
        fake_videos=int((used["label"] == "FAKE").sum()),
        face_size=_usual(sizes),
        sharpness=_usual(crops["sharpness"]),
        appearance=appearance,
        synthetic=bool(used["synthetic"].all()),
    )


def outside_domain(domain: Domain, crops: "pd.DataFrame") -> frozenset[str]:
    """Return the names of the videos outside a detector's domain.

    Args:
        domain: The domain. If it says nothing of the appearance, every video is outside.
        crops: One row per crop, with the columns ``video`` and those of ``STATISTICS``.
    """
    if domain.appearance is None:
        return frozenset(crops["video"])
    videos = crops.groupby("video")[names(STATISTICS)].mean()
    return frozenset(
        video
        for video, values in zip(videos.index, videos.to_numpy(), strict=True)
        if domain.appearance.distance(values) > domain.appearance.limit
    )


def fit_appearance(train: "pd.DataFrame", validation: "pd.DataFrame") -> Appearance:
    """Return what the training videos look like, and the limit of the domain.

    The limit keeps all videos of 95 % of unseen groups: those of the validation part and, in a
    cross-validation, each training group beside the training videos of the others.

    Args:
        train: One row per training crop, with the columns ``video``, ``group`` and those of
            ``STATISTICS``.
        validation: The validation crops, with the same columns.

    Example:
        >>> import numpy as np, pandas as pd
        >>> rng = np.random.default_rng(0)
        >>> crops = pd.DataFrame(rng.normal(size=(200, 22)), columns=names(STATISTICS))
        >>> crops = crops.assign(video=np.arange(200) // 4, group=np.arange(200) // 8)
        >>> appearance = fit_appearance(crops[:160], crops[160:])
        >>> unlike = np.array(appearance.mean) + np.array([6.0, *[0.0] * 21])
        >>> appearance.distance(unlike) > appearance.limit, appearance.differences(unlike)
        (True, ('sharper',))
    """
    trained, unseen = _of_videos(train), _of_videos(validation)
    mean, precision = _spread(trained)
    values = trained[names(STATISTICS)].to_numpy()
    fitted = Appearance(
        statistics=tuple(names(STATISTICS)),
        mean=tuple(mean.tolist()),
        precision=tuple(tuple(row) for row in precision.tolist()),
        low=tuple(values.min(axis=0).tolist()),
        high=tuple(values.max(axis=0).tolist()),
        limit=0.0,
        groups=trained["group"].nunique() + unseen["group"].nunique(),
    )
    distances = [*_distances_left_out(trained, fitted), *_distances(unseen, fitted)]
    return fitted.model_copy(update={"limit": _within(distances)})


def _of_videos(crops: "pd.DataFrame") -> "pd.DataFrame":
    columns = names(STATISTICS)
    return crops.groupby(["group", "video"], sort=True)[columns].mean().reset_index()


def _spread(videos: "pd.DataFrame") -> tuple[Values, Values]:
    """Return the mean of videos, (D,), and the inverse of their shrunk covariance, (D, D)."""
    columns = names(STATISTICS)
    mean = videos.groupby("group")[columns].mean().mean().to_numpy()
    offsets = (videos[columns].to_numpy() - mean) / _spreads()
    groups = videos["group"].nunique()
    covariance = groups * offsets.T @ offsets / len(offsets) + _PRIOR_GROUPS * np.eye(len(columns))
    return mean, np.linalg.inv(covariance / (groups + _PRIOR_GROUPS))


def _distances(videos: "pd.DataFrame", fitted: Appearance) -> Iterator[Values]:
    """Yield the distances of the videos of each group."""
    for _, group in videos.groupby("group", sort=True):
        yield np.array([fitted.distance(v) for v in group[names(STATISTICS)].to_numpy()])


def _distances_left_out(trained: "pd.DataFrame", fitted: Appearance) -> Iterator[Values]:
    """Yield the distances of the videos of each training group from the other groups."""
    groups = trained["group"].unique()
    folds = np.array_split(groups, min(len(groups), _FOLDS)) if len(groups) > 1 else []
    for fold in folds:
        left_out = trained["group"].isin(fold)
        mean, precision = _spread(trained[~left_out])
        others = fitted.model_copy(update={"mean": mean, "precision": precision})
        yield from _distances(trained[left_out], others)


def _within(distances: "list[Values]") -> float:
    """Return the distance within which all videos of the share ``_KEPT`` of the groups lie."""
    farthest = np.sort([of_group.max() for of_group in distances])
    return float(farthest[int(np.ceil(_KEPT * len(farthest))) - 1])


def _spreads() -> Values:
    return np.array([statistic.spread for statistic in STATISTICS])


def _usual(values: npt.ArrayLike) -> Range:
    low, high = np.percentile(np.asarray(values, np.float64), _USUAL).round(1)
    return float(low), float(high)
