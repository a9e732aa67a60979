"""Check all of params.yaml before any other stage runs."""

from pathlib import Path

from pipeline.common.cli import UserError, run_stage
from pipeline.common.experiments import Experiment
from pipeline.common.params import SECTIONS, Params
from pipeline.common.settings import Settings, check_studies
from pipeline.data.folder import FolderConfig
from pipeline.data.outside import check_outside
from pipeline.data.sources import pitch_range, read_data_set
from pipeline.examples.schema import ExamplesConfig, example_seconds
from pipeline.features.extract import FeaturesConfig
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.f0_frames import midi_range
from pipeline.models.networks import HIGHEST_MIDI, LOWEST_MIDI
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import Recipe, read_recipe
from pipeline.page.listing import PageConfig
from pipeline.page.picks import check_worst_by
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.checks import check_bases
from pipeline.reporting.parameter_counts import merge_sizes
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.studies.registry import STUDY_CONFIGS, STUDY_NEEDS
from pipeline.studies.source_lines import check_pieces
from pipeline.training.config import TrainConfig, check_combination

SECTION_CONFIGS: dict[str, type[Params]] = {
    "features": FeaturesConfig,
    "examples": ExamplesConfig,
    "model": ModelConfig,
    "loss": LossConfig,
    "train": TrainConfig,
    "resynthesize": ResynthesizeConfig,
    **STUDY_CONFIGS,
    "tabulate": TabulateConfig,
    "page": PageConfig,
}


def main(paper: Path, params: Path = Path("params.yaml")) -> None:
    """Read PARAMS, and PAPER, the overlay of stage `parameters`; write nothing."""
    check(Settings.read(params), paper)


def check(settings: Settings, paper: Path) -> None:
    """Raise a UserError for the first fault that a later stage would find in the settings.

    Args:
        settings: of params.yaml.
        paper: an overlay with the paper's sizes, which stage `parameters` merges.
    """
    check_sections(settings)
    check_outside(settings)
    for name in settings.mapping("data"):
        check_data_set(settings, name)
    for section, config in SECTION_CONFIGS.items():
        settings.section(section, config)
    for experiment in settings.experiments:
        check_experiment(settings, experiment)
    check_studies(settings)
    for study in STUDY_CONFIGS:
        check_needs(settings, study)
    check_dereverberation(settings)
    check_pieces(settings.section("timbre_transfer", STUDY_CONFIGS["timbre_transfer"]).lines)
    bases = settings.section("tabulate", TabulateConfig).bases
    check_bases(bases, settings.row_names(), settings.path)
    check_worst_by(settings.section("page", PageConfig).worst_by)
    merged = merge_sizes(settings, paper)
    for experiment in merged.experiments:
        read_recipe(merged, experiment.name)


def check_sections(settings: Settings) -> None:
    """Check that no section is missing."""
    for section in SECTIONS:
        if section not in settings.values:
            raise UserError(f"{settings.path}: section '{section}' is missing")


def check_data_set(settings: Settings, name: str) -> None:
    """Check a data set's block, and that what a folder's split takes is long enough."""
    config = read_data_set(settings, name)
    seconds = example_seconds(settings)
    if isinstance(config, FolderConfig) and config.shortest_seconds < seconds:
        raise UserError(
            f"{settings.path}: data.{name}.shortest_seconds: {config.shortest_seconds} is less "
            f"than examples.seconds ({seconds}): recordings in between would be in no example; "
            "raise it"
        )


def check_experiment(settings: Settings, experiment: Experiment) -> None:
    """Check an experiment's block, and the sections with its overrides merged in."""
    experiment.check()
    name = experiment.name
    recipe = read_recipe(settings, name)
    settings.section("loss", LossConfig, name)
    train = settings.section("train", TrainConfig, name)
    try:
        check_combination(recipe, train, example_seconds(settings))
        check_pitches(recipe, pitch_range(read_data_set(settings, experiment.data)))
    except UserError as error:
        raise UserError(f"{settings.path}: experiments.{name}: {error}") from None


def check_pitches(recipe: Recipe, played: tuple[int, int] | None) -> None:
    """Check that what a model knows of pitch covers the data set's MIDI pitches, where known."""
    ranges = {}
    if recipe.model.f0 == "frames" and not recipe.baseline:
        ranges["model.f0_frames"] = midi_range(recipe.model.f0_frames)
    if recipe.model.f0_bins:
        ranges["model.f0_bins"] = (LOWEST_MIDI, HIGHEST_MIDI)
    for key, (lowest, highest) in ranges.items():
        if played and not lowest <= played[0] <= played[1] <= highest:
            raise UserError(
                f"{key}: covers MIDI {lowest:g} to {highest:g}, but the data set has pitches from "
                f"{played[0]} to {played[1]}; widen the range or leave out what is outside"
            )


def check_needs(settings: Settings, study: str) -> None:
    """Check that a study's models have what it needs."""
    for name in settings.section(study, STUDY_CONFIGS[study]).experiments:
        model = settings.section("model", ModelConfig, name)
        for need in STUDY_NEEDS[study]:
            if not need.holds(model):
                raise UserError(
                    f"{settings.path}: {study}.experiments: '{name}' does not have {need.text}, "
                    "which this study needs; remove it"
                )


def check_dereverberation(settings: Settings) -> None:
    """Check that the room of each model's data set is known, and that the dry data set exists."""
    config = settings.section("dereverberation", STUDY_CONFIGS["dereverberation"])
    for name in config.experiments:
        data = settings.experiment(name).data
        if settings.mapping("data", data)["source"] != "violin":
            raise UserError(
                f"{settings.path}: dereverberation.experiments: '{name}' learns from data set "
                f"'{data}', whose room is not known (source violin makes one); remove it"
            )
    if config.experiments and config.transfer.data not in settings.mapping("data"):
        raise UserError(
            f"{settings.path}: dereverberation.transfer.data: no data set "
            f"'{config.transfer.data}'; known: {', '.join(settings.mapping('data'))}"
        )


if __name__ == "__main__":
    run_stage(main)
