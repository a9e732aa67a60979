"""Make any data set: `data.NAME.source` in params.yaml selects the module that makes it."""

from pathlib import Path

from pipeline.common.cli import UserError
from pipeline.common.files import atomic_folder, write_json, write_text
from pipeline.common.manifest import AUDIO, SOURCE, TRUTH
from pipeline.common.params import Params, validate
from pipeline.common.settings import Settings
from pipeline.data.folder import FolderConfig, make_folder
from pipeline.data.notes import NotesConfig, make_notes
from pipeline.data.nsynth import NsynthConfig, make_nsynth
from pipeline.data.violin import ViolinConfig, make_violin

SOURCES = {
    "notes": (NotesConfig, make_notes),
    "violin": (ViolinConfig, make_violin),
    "nsynth": (NsynthConfig, make_nsynth),
    "folder": (FolderConfig, make_folder),
}


def read_data_set(settings: Settings, name: str) -> Params:
    """Check the block of data set `name` against the config class of its source."""
    values = settings.mapping("data", name)
    source = values.get("source")
    if source not in SOURCES:
        raise UserError(
            f"{settings.path}: data.{name}.source: must be one of {', '.join(SOURCES)}, not "
            f"{source!r}"
        )
    return validate(values, SOURCES[source][0], settings.path, f"data.{name}")


def pitch_range(config: Params) -> tuple[int, int] | None:
    """Return the lowest and highest MIDI pitch of a data set; None where its block does not say."""
    if isinstance(config, NotesConfig):
        played = config.instruments.values()
        return min(each.low for each in played), max(each.high for each in played)
    if isinstance(config, ViolinConfig):
        return config.low, config.high
    if isinstance(config, NsynthConfig):
        return config.pitch
    return None


def make_data_set(settings: Settings, name: str, out: Path, manifest: Path) -> None:
    """Make a data set.

    Args:
        settings: params.yaml.
        name: the data set.
        out: the folder for audio (open to every stage) and truth (for evaluation only).
        manifest: the CSV file to write.
    """
    config = read_data_set(settings, name)
    outside = settings.outside(name)
    with atomic_folder(out) as folder:
        for part in (AUDIO, TRUTH):
            (folder / part).mkdir()
        make_source = SOURCES[config.source][1]
        table, root = make_source(config, outside, folder)
        write_json(
            folder / SOURCE,
            {"root": None if root is None else str(root), "max_rejected": config.max_rejected},
        )
    write_text(manifest, table.to_csv(index=False))
