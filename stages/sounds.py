"""Choose the sounds of the page, render the modules of models alone, and compress everything."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.settings import Settings
from pipeline.examples.schema import example_seconds
from pipeline.models.determinism import fix_order_of_sums
from pipeline.page.listing import MODELS, PageConfig, Picker, write_listing
from pipeline.page.models import ablation_pickers, model_pickers, tiny_pickers
from pipeline.page.picks import check_worst_by
from pipeline.page.sound import SoundFolder
from pipeline.page.studies import study_pickers
from pipeline.page.tracks import PageInputs, Tracks
from pipeline.reporting.cells import TabulateConfig
from pipeline.resynthesis.tracked_set import ResynthesizeConfig


def main(
    models: Path,
    examples: Path,
    yardsticks: Path,
    resyntheses: Path,
    rows: Path,
    studies: Path,
    study_rows: Path,
    out: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read MODELS, EXAMPLES (test), YARDSTICKS/DATA/original, RESYNTHESES, ROWS, STUDIES,
    STUDY_ROWS and `page`; write an MP3 and a spectrogram per sound, and sounds.json, to OUT.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("page", PageConfig)
    check_worst_by(config.worst_by)
    inputs = PageInputs(
        models,
        examples,
        yardsticks,
        resyntheses,
        rows,
        {experiment.name: experiment.data for experiment in settings.experiments},
        settings.seeds[0],
        example_seconds(settings),
        settings.section("resynthesize", ResynthesizeConfig).noise_seed,
    )
    with atomic_folder(out) as folder:
        tracks = Tracks(inputs, SoundFolder(folder, config.quality))
        pickers = _make_pickers(settings, config, tracks, studies, study_rows)
        write_listing(pickers, folder)


def _make_pickers(
    settings: Settings, config: PageConfig, tracks: Tracks, studies: Path, study_rows: Path
) -> list[Picker]:
    """Make the pickers of every section, in the order of the page."""
    bases = settings.section("tabulate", TabulateConfig).bases
    ablations = settings.ablations
    by = config.worst_by[MODELS]
    by_study = {name: metrics for name, metrics in config.worst_by.items() if name != MODELS}
    return [
        *model_pickers(tracks, bases, ablations, by),
        *ablation_pickers(tracks, ablations, by),
        *study_pickers(tracks, studies, study_rows, by_study),
        *tiny_pickers(tracks, bases, by),
    ]


if __name__ == "__main__":
    run_stage(main)
