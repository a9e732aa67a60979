"""Choose what can be heard on the page, play the modules of models alone, and compress it all
for browsers.
"""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder
from pipeline.common.settings import Settings
from pipeline.examples.schema import example_seconds
from pipeline.models.determinism import fix_order_of_sums
from pipeline.page.listing import PageConfig, write_listing
from pipeline.page.models import SECTION, ablation_pickers, model_pickers, tiny_pickers
from pipeline.page.sound import SoundFolder
from pipeline.page.studies import study_pickers
from pipeline.page.tracks import Made, Tracks
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
    """Reads MODELS, EXAMPLES (test), YARDSTICKS/DATA/original, RESYNTHESES, ROWS, STUDIES,
    STUDY_ROWS and `page`; writes OUT: an MP3 and a spectrogram per sound, and sounds.json.
    """
    fix_order_of_sums()
    settings = Settings.read(params)
    config = settings.section("page", PageConfig)
    data = {each.name: each.data for each in settings.experiments}
    noise_seed = settings.section("resynthesize", ResynthesizeConfig).noise_seed
    bases = settings.section("tabulate", TabulateConfig).bases
    ablations = settings.ablations
    by = config.worst_by[SECTION]
    with atomic_folder(out) as folder:
        made = Made(
            models,
            examples,
            yardsticks,
            resyntheses,
            rows,
            data,
            settings.seeds[0],
            example_seconds(settings),
            noise_seed,
        )
        tracks = Tracks(made, SoundFolder(folder, config.quality))
        write_listing(
            [
                *model_pickers(tracks, bases, ablations, by),
                *ablation_pickers(tracks, ablations, by),
                *study_pickers(
                    tracks,
                    studies,
                    study_rows,
                    {name: metrics for name, metrics in config.worst_by.items() if name != SECTION},
                ),
                *tiny_pickers(tracks, bases, by),
            ],
            folder,
        )


if __name__ == "__main__":
    run_stage(main)
