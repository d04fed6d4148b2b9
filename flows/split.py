"""Stage ``split``: the part of every video, such that no group lies in two."""

from prefect import flow

from dfd.params import SplitParams, load_section
from flows.paths import INDEX, SPLIT, SPLIT_SUMMARY
from flows.stage import run_stage
from tasks.dataset import split_videos


@flow(name="split", flow_run_name="split")
def split() -> None:
    """Divide the indexed videos."""
    split_videos(INDEX, load_section(SplitParams), SPLIT, SPLIT_SUMMARY)


if __name__ == "__main__":
    run_stage(split)
