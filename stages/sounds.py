"""Choose what can be heard on the page, play the modules of models alone, and compress it all for browsers."""

from pathlib import Path

from pipeline.ablations import read_ablations
from pipeline.cells import TabulateConfig
from pipeline.command import run_stage
from pipeline.config import experiment_data, read_params, read_section
from pipeline.devices import fix_order_of_sums
from pipeline.examples import ExamplesConfig
from pipeline.files import atomic_folder
from pipeline.page.listing import PageConfig, write_listing
from pipeline.page.models import SECTION, ablation_pickers, model_pickers, tiny_pickers
from pipeline.page.sound import SoundFolder
from pipeline.page.studies import study_pickers
from pipeline.page.tracks import Made, Tracks
from pipeline.tracking import ResynthesizeConfig


def main(
    models: Path, examples: Path, yardsticks: Path, resyntheses: Path, rows: Path, studies: Path, study_rows: Path, out: Path,
    params: Path = Path("params.yaml"),
) -> None:  # fmt: skip
    """Reads MODELS, EXAMPLES (test), YARDSTICKS/DATA/original, RESYNTHESES, ROWS, STUDIES, STUDY_ROWS and `page`; writes OUT: an MP3 and a
    spectrogram per sound, and sounds.json."""
    fix_order_of_sums()
    values, config = read_params(params), read_section(params, "page", PageConfig)
    data = {name: experiment_data(values, name, params) for name in values["experiments"]}
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    noise_seed = read_section(params, "resynthesize", ResynthesizeConfig).noise_seed
    bases, ablations = read_section(params, "tabulate", TabulateConfig).bases, read_ablations(values, params)
    by = config.worst_by[SECTION]
    with atomic_folder(out) as folder:
        made = Made(models, examples, yardsticks, resyntheses, rows, data, values["seeds"][0], seconds, noise_seed)
        tracks = Tracks(made, SoundFolder(folder, config.quality))
        write_listing([
            *model_pickers(tracks, bases, ablations, by),
            *ablation_pickers(tracks, ablations, by),
            *study_pickers(tracks, studies, study_rows, {name: metrics for name, metrics in config.worst_by.items() if name != SECTION}),
            *tiny_pickers(tracks, bases, by),
        ], folder)  # fmt: skip


if __name__ == "__main__":
    run_stage(main)
