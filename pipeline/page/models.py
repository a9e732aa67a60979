"""Pick sounds of the models: side by side on the same examples, and module by module."""

from pipeline.common.experiments import Ablation
from pipeline.page.listing import MODELS, Example, Picker, Track, TrackRow
from pipeline.page.picks import pick
from pipeline.page.tracks import Tracks
from pipeline.reporting.columns import METRICS
from pipeline.reporting.tiny import TINY

ABLATIONS = "ablations"


def module_pickers(tracks: Tracks, experiments: list[str], worst_by: list[str]) -> list[Picker]:
    """Make a picker per experiment with its best, median and worst examples.

    Each example has the original, the resynthesis and each module alone.

    Args:
        tracks: store the sounds.
        experiments: names.
        worst_by: metrics that pick the examples; see `page.picks.pick`.
    """
    data_of = tracks.inputs.data
    splits = {
        data: tracks.split(data) for data in dict.fromkeys(data_of[name] for name in experiments)
    }
    return [_module_picker(tracks, name, splits[data_of[name]], worst_by) for name in experiments]


def _module_picker(
    tracks: Tracks, experiment: str, split: dict[str, dict], worst_by: list[str]
) -> Picker:
    picked = pick(tracks.rows[experiment], METRICS, worst_by)
    modules = tracks.modules(experiment, list(picked), split)
    data = tracks.inputs.data[experiment]
    examples = []
    for name, why in picked.items():
        sounds = [
            tracks.original(data, name),
            tracks.resynthesis(experiment, name, worst_by),
            *modules[name],
        ]
        examples.append(_example(tracks, experiment, name, why, sounds))
    return Picker(
        section=MODELS,
        title=f"`{experiment}`, module by module",
        experiment=experiment,
        kind="modules",
        seed=tracks.inputs.seed,
        examples=examples,
    )


def comparison(
    tracks: Tracks, section: str, base: str, others: list[str], worst_by: list[str], kind: str
) -> Picker:
    """Make a picker that compares a base with other experiments on the same examples.

    Args:
        tracks: store the sounds.
        section: of the page.
        base: the experiment whose median and worst examples are picked.
        others: experiments on the same data set.
        worst_by: metrics; the first one picks.
        kind: of the picker.
    """
    picked = pick(tracks.rows[base], METRICS, worst_by[:1], best=False)
    examples = []
    for name, why in picked.items():
        sounds = [
            tracks.original(tracks.inputs.data[base], name),
            *(
                tracks.resynthesis(experiment, name, worst_by[:1], experiment)
                for experiment in [base, *others]
            ),
        ]
        examples.append(_example(tracks, base, name, why, sounds))
    return Picker(
        section=section,
        title=f"`{base}` and {_others(others, kind)} side by side",
        experiment=base,
        kind=kind,
        seed=tracks.inputs.seed,
        examples=examples,
    )


def _others(others: list[str], kind: str) -> str:
    if len(others) == 1:
        return f"`{others[0]}`"
    return f"its {len(others)} ablations" if kind == "ablations" else "the other models"


def model_pickers(
    tracks: Tracks, bases: dict[str, str], ablations: list[Ablation], worst_by: list[str]
) -> list[Picker]:
    """Make a comparison of the models per data set, then a picker per model."""
    data_of = tracks.inputs.data
    ablated = {ablation.name for ablation in ablations}
    models = [name for name in data_of if name not in ablated]
    comparisons = []
    for data, base in bases.items():
        others = [name for name in models if data_of[name] == data and name != base]
        if others:
            comparisons.append(comparison(tracks, MODELS, base, others, worst_by, "models"))
    return comparisons + module_pickers(tracks, models, worst_by)


def ablation_pickers(
    tracks: Tracks, ablations: list[Ablation], worst_by: list[str]
) -> list[Picker]:
    """Make a comparison of each base with its ablations."""
    bases = dict.fromkeys(ablation.base for ablation in ablations)
    return [
        comparison(
            tracks,
            ABLATIONS,
            base,
            [ablation.name for ablation in ablations if ablation.base == base],
            worst_by,
            "ablations",
        )
        for base in bases
    ]


def tiny_pickers(tracks: Tracks, bases: dict[str, str], worst_by: list[str]) -> list[Picker]:
    """Compare the tiny model with the base of its data set, if both exist."""
    base = bases.get(tracks.inputs.data.get(TINY))
    if base in (None, TINY):
        return []
    return [comparison(tracks, TINY, base, [TINY], worst_by, "models")]


def _example(
    tracks: Tracks, experiment: str, name: str, why: list[str], sounds: list[Track]
) -> Example:
    row = TrackRow(label="", tracks=sounds)
    return Example(example_id=name, title=tracks.title(experiment, name), why=why, lines=[row])
