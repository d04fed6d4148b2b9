"""Stage ``split``: assigns every video to a part, no group to two, and audits the result."""

from prefect import flow

from dfd.params.data import SplitParams
from dfd.params.section import load_section
from flows.paths import FACES, INDEX, SPLIT, SPLIT_PAGE, SPLIT_SUMMARY, VIDEOS
from flows.progress import shown_steps
from flows.stage import run_stage
from tasks.split import audit_split, split_videos


@flow(name="split", flow_run_name="split")
def split() -> None:
    """Assign the indexed videos to parts, and look for leaks between the parts."""
    counts = split_videos(INDEX, load_section(SplitParams), FACES, SPLIT)
    with shown_steps() as on_step:
        audit_split(INDEX, SPLIT, VIDEOS, counts, SPLIT_SUMMARY, SPLIT_PAGE, on_step)


if __name__ == "__main__":
    run_stage(split)
