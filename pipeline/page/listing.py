"""The sounds of the page, as stage `sounds` lists them and stage `page` reads them."""

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator

from pipeline.common.files import write_text
from pipeline.common.params import Params

LISTING = "sounds.json"
MODELS = "models"  # key of the models' rows in `page.worst_by`; section of their sounds


class PageConfig(Params):
    """The `page` section of params.yaml."""

    # by section: metrics of its rows; a minus sign marks those in which higher is better
    worst_by: dict[str, list[str]]
    quality: float = Field(ge=0, le=1)  # of the MP3
    megabytes: PositiveFloat  # limit for the page with everything it refers to

    @model_validator(mode="after")
    def check_that_models_are_heard(self):
        """Check that a metric picks examples of models; the page opens with one."""
        if not self.worst_by.get(MODELS):
            raise ValueError("worst_by.models must name at least one metric")
        return self


class Fact(Params):
    """A measure shown with a sound: one value of the rows."""

    metric: str
    label: str
    value: float | None


class Track(Params):
    """One sound: NAME.mp3 and its spectrogram NAME.webp."""

    label: str
    name: str
    seconds: float
    facts: list[Fact] = []
    rows: str = ""  # the file of reports/rows that holds the facts, without suffix


class TrackRow(Params):
    """Tracks shown in one row, such as a model's resynthesis and its modules."""

    label: str
    tracks: list[Track]


class Example(Params):
    """A test example, the reasons it was picked, and its sounds."""

    example_id: str
    title: str
    why: list[str]
    lines: list[TrackRow]


class Picker(Params):
    """Examples to choose from, in a section of the page."""

    section: str
    title: str
    experiment: str  # that the examples belong to; the base of a comparison
    kind: str  # "modules", "models", "ablations" or "study"; sets the width of its tracks
    seed: NonNegativeInt
    examples: list[Example]


class Listing(Params):
    """The contents of sounds.json."""

    pickers: list[Picker]


def write_listing(pickers: list[Picker], folder: Path) -> None:
    """Write sounds.json into the folder of the sounds."""
    write_text(folder / LISTING, Listing(pickers=pickers).model_dump_json(indent=1) + "\n")


def read_listing(folder: Path) -> list[Picker]:
    """Read what `write_listing` wrote."""
    return Listing.model_validate_json((folder / LISTING).read_text()).pickers
