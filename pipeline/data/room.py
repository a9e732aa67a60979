"""One simulated room: its impulse response, by the image source method of pyroomacoustics (Allen
and Berkley 1979). The paper's room (section 3.4) is unknown; of this one the true response is
known, so that dereverberation can be measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyroomacoustics
from pydantic import Field, PositiveFloat

from pipeline.common.cli import UserError
from pipeline.common.params import Params
from pipeline.common.units import SAMPLE_RATE

SPEED_OF_SOUND = pyroomacoustics.constants.get("c")  # m/s
CONSTANTS = {
    # the library's 10 Hz high-pass runs both ways, and would sound before the direct path
    "rir_hpf_enable": False,
    "num_threads": 1,  # sums of floats in one order, whatever the machine
}


class RoomConfig(Params):
    """A shoe-box room with the same walls all round."""

    size_m: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    absorption: float = Field(gt=0, lt=1)  # of energy, at every reflection and frequency
    source_m: tuple[float, float, float]
    # moved, by a centimetre at most, to a whole number of samples from the source
    microphone_m: tuple[float, float, float]
    seconds: PositiveFloat  # length of the response


def room_response(config: RoomConfig) -> np.ndarray:
    """The impulse response at 16 kHz: [samples] float32, the direct path at sample 0 with gain 1.

    All image sources that are heard within the length are in it; there is no randomness.

    Raises:
        UserError: source or microphone outside the room, or both in one place.
    """
    samples = round(config.seconds * SAMPLE_RATE)
    source = np.array(config.source_m)
    away = np.array(config.microphone_m) - source
    delay = round(np.linalg.norm(away) / SPEED_OF_SOUND * SAMPLE_RATE)
    microphone = source + away * (
        delay * SPEED_OF_SOUND / SAMPLE_RATE / max(np.linalg.norm(away), 1e-9)
    )
    if (
        not all(
            0 < place < size
            for point in (source, microphone)
            for place, size in zip(point, config.size_m)
        )
        or not delay
    ):
        raise UserError(
            "data: source 'violin': room: source_m and microphone_m must lie apart and inside "
            "size_m"
        )
    farthest = SPEED_OF_SOUND * (delay + samples) / SAMPLE_RATE
    order = int(np.ceil(farthest * np.linalg.norm(1 / np.array(config.size_m))))
    with _constants():
        start = delay + pyroomacoustics.constants.get("frac_delay_length") // 2
        walls = pyroomacoustics.Material(config.absorption)
        room = pyroomacoustics.ShoeBox(
            config.size_m, fs=SAMPLE_RATE, materials=walls, max_order=order
        )
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
    response = room.rir[0][0][start : start + samples]
    return (response / response[0]).astype(np.float32)


@contextmanager
def _constants() -> Iterator[None]:
    former = {name: pyroomacoustics.constants.get(name) for name in CONSTANTS}
    try:
        for name, value in CONSTANTS.items():
            pyroomacoustics.constants.set(name, value)
        yield
    finally:
        for name, value in former.items():
            pyroomacoustics.constants.set(name, value)
