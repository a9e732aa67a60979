"""Settings of a data set of source `folder`."""

from pipeline.data.folder import FolderConfig

CONFIG = FolderConfig(
    source="folder",
    seed=0,
    instrument="violin",
    split="auto",
    block_seconds=2.0,
    shortest_seconds=1.0,
    test_share=0.2,
    valid_share=0.2,
    max_rejected=100,
)
