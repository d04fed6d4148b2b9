"""The tables of a folder of videos, as the stages `dataset` and `split` write them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from dfd.dataset.index import build_index, describe
from dfd.dataset.layouts import read_layout
from dfd.dataset.table import read_index
from dfd.files import write_table
from dfd.params.data import SplitFractions, SplitParams
from dfd.split.protocols import make_split
from dfd.video.frames import probe
from dfd.video.pictures import read_pictures

FRACTIONS = SplitFractions(train=0.5, validation=0.2, test=0.3)
PARAMS = SplitParams(protocol="group", seed=7, fractions=FRACTIONS)


def write_tables(videos: Path, data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index and split a folder in the layout of the DFDC; return both tables, also in ``data``."""
    found = read_layout(videos, "dfdc")
    facts = [
        replace(
            describe(video.path, probe(video.path)),
            pictures=read_pictures(video.path, lambda image: []),
        )
        for video in found
    ]
    write_table(data / "videos.csv", build_index(found, facts, "test"))
    index = read_index(data / "videos.csv")
    split = make_split(index, PARAMS)
    write_table(data / "split.csv", split)
    return index, split
