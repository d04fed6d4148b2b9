import cv2
import matplotlib.colors
import numpy as np

from dfd.colours import COLOURS
from dfd.plots import write_figure
from dfd.train.feed.feed import Feed
from dfd.train.loop.history import EpochRecord, curves
from dfd.train.pictures import batch_figure, training_figure

CURVES = curves(
    [
        EpochRecord(phase, epoch, *[0.7 - epoch / 10] * 13)
        for epoch, phase in ((1, "head"), (2, "head"), (3, "full"))
    ]
)


def test_every_figure_of_a_run_is_drawn() -> None:
    axes = training_figure(CURVES, "t").axes
    labels = {ax.get_ylabel() for ax in axes}
    assert labels == {"binary cross-entropy", "accuracy", "AUC", "learning rate"}
    assert sum(len(ax.get_lines()) for ax in axes) == 9 + 4  # and where the head phase ends


def test_the_batch_is_shown_as_the_network_sees_it(crops, params) -> None:
    altered = params.model_copy(update={"augment": True, "self_blended": 0.5})
    figure = batch_figure(Feed(crops(6, seed=0), altered, 1), "t")
    shown = [axes for axes in figure.axes if axes.get_images()]
    assert len(shown) == 16
    for axes in shown:
        label = axes.get_title()
        assert matplotlib.colors.same_color(axes.title.get_color(), COLOURS[label])
        assert 0 <= axes.get_images()[0].get_array().min() <= 1


def test_the_curves_become_equal_pictures_twice(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        write_figure(tmp_path / name, training_figure(CURVES, "t"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert np.std(cv2.imread(str(tmp_path / "a.png"))) > 5
