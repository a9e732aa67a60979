"""What can be heard of the models: side by side on the same examples, and each with its modules
on its best and worst ones.
"""

from pipeline.common.experiments import Ablation
from pipeline.page.listing import Example, Line, Picker
from pipeline.page.picks import pick
from pipeline.page.tracks import Tracks
from pipeline.reporting.columns import METRICS
from pipeline.reporting.tiny import TINY

SECTION, ABLATIONS = "models", "ablations"


def module_pickers(tracks: Tracks, experiments: list[str], worst_by: list[str]) -> list[Picker]:
    """A picker per experiment: original, resynthesis and each module alone, best, median and
    worst examples.
    """
    splits = {
        data: tracks.split(data)
        for data in dict.fromkeys(tracks.made.data[name] for name in experiments)
    }
    return [
        _modules_of(tracks, name, splits[tracks.made.data[name]], worst_by) for name in experiments
    ]


def _modules_of(
    tracks: Tracks, experiment: str, split: dict[str, dict], worst_by: list[str]
) -> Picker:
    picked = pick(tracks.rows[experiment], METRICS, worst_by)
    modules = tracks.modules(experiment, list(picked), split)
    data = tracks.made.data[experiment]
    heard = {
        name: [
            tracks.original(data, name),
            tracks.resynthesis(experiment, name, worst_by),
            *modules[name],
        ]
        for name in picked
    }
    examples = [
        _example(tracks, experiment, name, why, [Line(label="", tracks=heard[name])])
        for name, why in picked.items()
    ]
    return Picker(
        section=SECTION,
        title=f"`{experiment}`, module by module",
        experiment=experiment,
        kind="modules",
        seed=tracks.made.seed,
        examples=examples,
    )


def comparison(
    tracks: Tracks, section: str, base: str, others: list[str], worst_by: list[str], kind: str
) -> Picker:
    """Resyntheses of a base and of others on the base's median and worst example."""
    picked = pick(tracks.rows[base], METRICS, worst_by[:1], best=False)
    examples = []
    for name, why in picked.items():
        heard = [
            tracks.original(tracks.made.data[base], name),
            *(tracks.resynthesis(each, name, worst_by[:1], each) for each in [base, *others]),
        ]
        examples.append(_example(tracks, base, name, why, [Line(label="", tracks=heard)]))
    beside = (
        f"`{others[0]}`"
        if len(others) == 1
        else f"its {len(others)} ablations"
        if kind == "ablations"
        else "the other models"
    )
    title = f"`{base}` and {beside} side by side"
    return Picker(
        section=section,
        title=title,
        experiment=base,
        kind=kind,
        seed=tracks.made.seed,
        examples=examples,
    )


def model_pickers(
    tracks: Tracks, bases: dict[str, str], ablations: list[Ablation], worst_by: list[str]
) -> list[Picker]:
    """Of every data set the models side by side, then every model by itself."""
    models = [name for name in tracks.made.data if name not in {each.name for each in ablations}]
    found = []
    for data, base in bases.items():
        others = [name for name in models if tracks.made.data[name] == data and name != base]
        if others:
            found.append(comparison(tracks, SECTION, base, others, worst_by, "models"))
    return found + module_pickers(tracks, models, worst_by)


def ablation_pickers(
    tracks: Tracks, ablations: list[Ablation], worst_by: list[str]
) -> list[Picker]:
    """Of every base its ablations beside it."""
    bases = dict.fromkeys(each.base for each in ablations)
    return [
        comparison(
            tracks,
            ABLATIONS,
            base,
            [each.name for each in ablations if each.base == base],
            worst_by,
            "ablations",
        )
        for base in bases
    ]


def tiny_pickers(tracks: Tracks, bases: dict[str, str], worst_by: list[str]) -> list[Picker]:
    """The tiny model beside the base of its data set, if both are there."""
    base = bases.get(tracks.made.data.get(TINY))
    return (
        [] if base in (None, TINY) else [comparison(tracks, TINY, base, [TINY], worst_by, "models")]
    )


def _example(
    tracks: Tracks, experiment: str, name: str, why: list[str], lines: list[Line]
) -> Example:
    return Example(example_id=name, title=tracks.title(experiment, name), why=why, lines=lines)
