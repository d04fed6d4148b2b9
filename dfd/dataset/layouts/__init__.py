"""Ways a folder of videos states its labels: one module a layout, listed in ``registry``."""

from dfd.dataset.layouts.files import list_unlabelled
from dfd.dataset.layouts.labelled import LabelledVideo
from dfd.dataset.layouts.registry import LAYOUTS, Layout, read_layout, recognise_layout

__all__ = [
    "LAYOUTS",
    "LabelledVideo",
    "Layout",
    "list_unlabelled",
    "read_layout",
    "recognise_layout",
]
