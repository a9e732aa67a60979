"""What can be heard on the page, as stage `sounds` lists it and stage `page` reads it."""

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator

from pipeline.common.files import write_text
from pipeline.common.params import Params

LISTING = "sounds.json"


class PageConfig(Params):
    """The `page` section of params.yaml."""

    # by section: metrics of its rows; a minus sign before one in which higher is better
    worst_by: dict[str, list[str]]
    quality: float = Field(ge=0, le=1)  # of the compressed sound
    megabytes: PositiveFloat  # the page with everything it refers to stays below

    @model_validator(mode="after")
    def check_that_models_are_heard(self):
        """The page opens with one."""
        if not self.worst_by.get("models"):
            raise ValueError("worst_by.models must name at least one metric")
        return self


class Fact(Params):
    """A figure beside a sound: one value of the rows."""

    metric: str
    label: str
    value: float | None


class Track(Params):
    """One sound: NAME.mp3 and its spectrogram NAME.webp."""

    label: str
    name: str
    seconds: float
    facts: list[Fact] = []
    rows: str = ""  # the run whose rows the facts are of, as its file of reports/rows is called


class Line(Params):
    """Tracks that belong together, such as a model's resynthesis and its modules."""

    label: str
    tracks: list[Track]


class Example(Params):
    """A test example, why it was picked and what there is to hear of it."""

    example_id: str
    title: str
    why: list[str]
    lines: list[Line]


class Picker(Params):
    """Examples to choose from, in a section of the page."""

    section: str
    title: str
    experiment: str  # whose examples they are; of a comparison the base
    kind: str  # "modules", "models", "ablations" or "study": how much room its tracks have
    seed: NonNegativeInt
    examples: list[Example]


class Listing(Params):
    """All of it."""

    pickers: list[Picker]


def write_listing(pickers: list[Picker], folder: Path) -> None:
    """Write the listing into the folder of the sounds."""
    write_text(folder / LISTING, Listing(pickers=pickers).model_dump_json(indent=1) + "\n")


def read_listing(folder: Path) -> list[Picker]:
    """The inverse of `write_listing`."""
    return Listing.model_validate_json((folder / LISTING).read_text()).pickers
