"""Stage ``split``: the part of every video, such that no group lies in two, and an audit of it."""

from prefect import flow

from dfd.params.data import SplitParams
from dfd.params.section import load_section
from flows.paths import INDEX, SPLIT, SPLIT_PAGE, SPLIT_SUMMARY, VIDEOS
from flows.stage import run_stage
from tasks.split import audit_split, split_videos


@flow(name="split", flow_run_name="split")
def split() -> None:
    """Divide the indexed videos, and look for what leaks between the parts."""
    counts = split_videos(INDEX, load_section(SplitParams), SPLIT)
    audit_split(INDEX, SPLIT, VIDEOS, counts, SPLIT_SUMMARY, SPLIT_PAGE)


if __name__ == "__main__":
    run_stage(split)
