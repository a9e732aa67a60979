"""Single notes of a SoundFont: split by recorded sample, stable, in tune; fonts with layers,
doubles and compression.
"""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from conftest import ROOT
from pipeline.audio.files import audio_sha256, read_audio
from pipeline.common.cli import UserError
from pipeline.common.manifest import AUDIO, COLUMNS, TRUTH, read_manifest
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.data.expression import Expression, draw_expression, dynamics_curve, pitch_curve
from pipeline.data.notes import EXTRA_COLUMNS, Instrument, make_notes, plan_notes, play, split_zones
from pipeline.data.soundfont import (
    Note,
    connect_zones,
    packaged_soundfont,
    read_recordings,
    render_note,
)
from pipeline.data.sources import read_data_set

CONFIG = read_data_set(Settings.read(ROOT / "params.yaml"), "notes")
# in TimGM6mb: four samples on a key, two on a key, one zone over all keys; all beside a violin that
# shares none
LAYERED = {
    "french_horn": Instrument(program=60, family="brass", low=41, high=77),
    "piano": Instrument(program=0, family="keyboard", low=24, high=84),
    "strings": Instrument(program=48, family="string", low=36, high=84),
    "violin": CONFIG.instruments["violin"],
    "viola": CONFIG.instruments["viola"],
}


def still(pitch: int, cents: float = 0.0, dynamics_db: float = 0.0) -> Note:
    """A note of 4 s, held for 3, without expression."""
    return Note(pitch, 100, 3 * FRAME_RATE, np.full(1000, cents), np.full(1000, dynamics_db))


def with_samples(font: bytes, change) -> bytes:
    """A SoundFont whose sample records, [name, start, end, loop start, loop end, rate, pitch,
    correction, link, type], and sample data went through `change(records, data)`.
    """
    lists, place = {}, 12
    while place < len(font):
        size = struct.unpack_from("<I", font, place + 4)[0]
        lists[font[place + 8 : place + 12]] = font[place + 12 : place + 8 + size]
        place += 8 + size + size % 2
    at = lists[b"pdta"].index(b"shdr")
    data = lists[b"sdta"][8 : 8 + struct.unpack_from("<I", lists[b"sdta"], 4)[0]]
    records = [
        list(record) for record in struct.iter_unpack("<20sIIIIIBbHH", lists[b"pdta"][at + 8 :])
    ]
    records, data = change(records, data)
    data += bytes(len(data) % 2)
    lists[b"sdta"] = b"smpl" + struct.pack("<I", len(data)) + data
    lists[b"pdta"] = lists[b"pdta"][: at + 8] + b"".join(
        struct.pack("<20sIIIIIBbHH", *record) for record in records
    )
    body = b"".join(
        b"LIST" + struct.pack("<I", len(value) + 4) + name + value + bytes(len(value) % 2)
        for name, value in lists.items()
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"sfbk" + body


def compressed(records: list[list], data: bytes) -> tuple[list[list], bytes]:
    """Samples as Ogg Vorbis, as in an .sf3 font: start and end count bytes, loops count from the
    sample's start.
    """
    streams = []
    for record in records[:-1]:
        start, end = record[1:3]
        stream = io.BytesIO()
        soundfile.write(
            stream, np.frombuffer(data, "<i2")[start:end], record[5], format="OGG", subtype="VORBIS"
        )
        record[1] = sum(map(len, streams))
        record[2], record[3], record[4], record[9] = (
            record[1] + stream.tell(),
            record[3] - start,
            record[4] - start,
            0x11,
        )
        streams.append(stream.getvalue())
    records[-1][0] = bytes(20)  # MuseScore's fonts end their lists without the usual name
    return records, b"".join(streams)


@pytest.fixture(scope="module")
def planned():
    return pd.DataFrame(plan_notes(CONFIG, packaged_soundfont()))


def test_no_zone_is_in_two_splits(planned):
    assert (planned.groupby("group").split.nunique() == 1).all()
    assert planned.id.is_unique


def test_it_is_as_large_as_promised(planned):
    assert planned.instrument.nunique() >= 8 and planned.family.nunique() >= 3
    assert 450 <= len(planned) <= 550 and (planned.split == "test").sum() >= 64
    assert planned[planned.split == "test"].group.nunique() >= 10


def test_held_out_zones_lie_within_the_range_heard_in_training(planned):
    for _, notes in planned.groupby("instrument"):
        heard = notes[notes.split == "train"].pitch
        held_out = notes[notes.split != "train"].pitch
        assert held_out.between(heard.min(), heard.max()).all()


def test_planning_is_a_function_of_the_seed(planned):
    again = pd.DataFrame(plan_notes(CONFIG, packaged_soundfont()))
    pd.testing.assert_frame_equal(planned, again)
    other = pd.DataFrame(plan_notes(CONFIG.model_copy(update={"seed": 1}), packaged_soundfont()))
    assert not planned.expression.equals(other.expression)


def test_the_committed_manifest_is_the_plan(planned, committed):
    """What is drawn, up to the last digit written: another processor may round it the other way."""
    manifest = read_manifest(committed / "reports" / "data" / "notes" / "manifest.csv")
    assert tuple(manifest.columns) == (*COLUMNS, *EXTRA_COLUMNS)
    columns = [name for name in planned.columns if name not in ("pitch", "expression")]
    pd.testing.assert_frame_equal(manifest[columns], planned[columns], check_dtype=False)
    for found, expected in zip(
        manifest.expression.map(json.loads), planned.expression.map(json.loads), strict=True
    ):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=0.0015)
    assert (manifest.pitch == planned.pitch).all() and manifest.sha256.is_unique


def test_no_recording_is_in_two_groups_even_on_layered_keys():
    config = CONFIG.model_copy(update={"instruments": LAYERED})
    notes = plan_notes(config, packaged_soundfont())
    keys = {
        program: read_recordings(packaged_soundfont(), program) for program in (0, 40, 41, 48, 60)
    }
    assert max(len(keys[60][note["pitch"]]) for note in notes if note["program"] == 60) == 4
    groups = {}
    for note in notes:
        for recording in keys[note["program"]][note["pitch"]]:
            assert groups.setdefault(recording, note["group"]) == note["group"]
    splits = pd.DataFrame(notes).groupby("group").split.nunique()
    assert (splits == 1).all() and {note["instrument"] for note in notes} == set(LAYERED)


def test_zones_are_connected_over_keys_and_keep_the_names_of_single_recordings():
    keys = [frozenset(names) for names in ("a", "bc", "cd", "e", "d", "f")]
    zones = connect_zones(keys)
    assert zones[frozenset("a")] == "a" and zones[frozenset("e")] == "e"
    assert len({zones[frozenset(names)] for names in ("bc", "cd", "d")}) == 1 and zones[
        frozenset("d")
    ].startswith("b+2-")
    assert len(set(zones.values())) == 4
    assert zones == connect_zones(reversed(keys))


def test_shared_recordings_share_a_zone():
    violin, viola = (
        set(read_recordings(packaged_soundfont(), program).values()) for program in (40, 41)
    )
    assert violin & viola  # TimGM6mb plays both from the same samples


def test_one_recording_under_two_names_is_one(tmp_path):
    """Two of the violin's samples become copies of one recording, at two places of the file."""

    def double(records, data):
        first, second = (
            next(r for r in records if r[0].rstrip(b"\0") == name)
            for name in (b"Violin G3", b"Violin C4")
        )
        second[1], second[2] = len(data) // 2, len(data) // 2 + first[2] - first[1]
        second[3], second[4] = second[1] + first[3] - first[1], second[1] + first[4] - first[1]
        return records, data + data[2 * first[1] : 2 * first[2]] + bytes(92)

    path = tmp_path / "double.sf2"
    path.write_bytes(with_samples(packaged_soundfont().read_bytes(), double))
    before, after = (read_recordings(font, 40) for font in (packaged_soundfont(), path))
    assert before[68] != before[73] and after[68] == after[73] and after[60] == before[60]


def test_compressed_fonts_are_read_and_played(tmp_path):
    path = tmp_path / "font.sf3"
    path.write_bytes(with_samples(packaged_soundfont().read_bytes(), compressed))
    assert path.stat().st_size < packaged_soundfont().stat().st_size / 2
    before, after = (read_recordings(font, 40) for font in (packaged_soundfont(), path))
    names = {
        key: {name.rsplit("-", 1)[0] for name in recordings} for key, recordings in before.items()
    }
    assert {
        key: {name.rsplit("-", 1)[0] for name in recordings} for key, recordings in after.items()
    } == names
    assert len(set(after.values())) == len(set(before.values()))
    steady = render_note(path, 40, still(69), 0.0)[16000:32000] * np.hanning(16000)
    peak = np.abs(np.fft.rfft(steady))[100:2000].argmax() + 100
    assert abs(1200 * np.log2(peak / 440)) < 15


def test_split_counts_shared_zones_once():
    splits = split_zones({"a": list("uvwxyz"), "b": list("uvwxyz")}, 3, seed=0)
    assert (
        sorted(splits.values()).count("test") == 2 and sorted(splits.values()).count("valid") == 2
    )


def test_rendering_is_in_tune_bends_and_falls_silent():
    audio = render_note(packaged_soundfont(), 73, still(69, cents=100.0), 0.0)
    assert audio.shape == (64000,) and np.abs(audio).max() < 1
    steady = audio[16000:32000] * np.hanning(16000)
    peak = np.abs(np.fft.rfft(steady))[100:2000].argmax() + 100
    assert abs(1200 * np.log2(peak / (440 * 2 ** (1 / 12)))) < 15
    assert np.abs(audio[-1600:]).max() < 1e-3


def test_a_note_does_not_depend_on_the_note_before():
    alone = render_note(packaged_soundfont(), 73, still(69), 0.0)
    render_note(packaged_soundfont(), 40, still(57)._replace(held=1000), 0.0)  # never released
    np.testing.assert_array_equal(render_note(packaged_soundfont(), 73, still(69), 0.0), alone)


def test_dynamics_are_in_db():
    levels = [
        np.abs(render_note(packaged_soundfont(), 73, still(69, dynamics_db=db), 0.0)).max()
        for db in (0.0, -12.0)
    ]
    assert 20 * np.log10(levels[0] / levels[1]) == pytest.approx(12, abs=0.1)


def test_expression_curves(random):
    drawn = [draw_expression(CONFIG.expression, random, sustained=True) for _ in range(200)]
    assert any(e.vibrato_depth_cents for e in drawn) and not all(
        e.vibrato_depth_cents for e in drawn
    )
    for expression in drawn[:20]:
        cents, gain = pitch_curve(expression, 1000), dynamics_curve(expression, 1000, 3.0)
        assert np.abs(cents).max() <= 200 and gain.max() <= 0 and gain.min() >= -15
        assert Expression.model_validate_json(expression.model_dump_json()) == expression
    plucked = draw_expression(CONFIG.expression, random, sustained=False)
    assert not pitch_curve(plucked, 1000).any()


def test_files_manifest_and_true_f0_agree(tmp_path, planned):
    config = CONFIG.model_copy(update={"instruments": {"oboe": CONFIG.instruments["oboe"]}})
    for part in (AUDIO, TRUTH):
        (tmp_path / part).mkdir()
    manifest, root = make_notes(config, None, tmp_path)
    assert root is None and manifest.id.isin(planned.id).all()
    for row in manifest.to_dict("records"):
        path = tmp_path / AUDIO / row["path"]
        assert audio_sha256(path) == row["sha256"]
        assert len(read_audio(path)) == 64000 and soundfile.info(path).subtype == "PCM_16"
        np.testing.assert_array_equal(
            np.load(tmp_path / TRUTH / f"{row['id']}.f0.npy"),
            play(config, packaged_soundfont(), row)[1],
        )
        assert json.loads(row["expression"])["dynamics_db"] and row["rejected"] == ""


def test_true_f0_is_the_key_with_its_expression():
    note = plan_notes(CONFIG, packaged_soundfont())[0]
    audio, f0 = play(CONFIG, packaged_soundfont(), note)
    expression = Expression.model_validate_json(note["expression"])
    cents = 1200 * np.log2(f0 / (440 * 2 ** ((note["pitch"] - 69) / 12)))
    np.testing.assert_allclose(cents, pitch_curve(expression, 1000), atol=0.01)
    assert f0.dtype == np.float32 and len(audio) == 64 * len(f0)


@pytest.mark.parametrize(
    "content", [None, b"RIFFnothing", packaged_soundfont().read_bytes()[:100_000]]
)
def test_a_bad_soundfont_is_named(tmp_path, content):
    path = tmp_path / "missing.sf2"
    if content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"outside: {path}: "):
        read_recordings(Path(path), 40)


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(UserError, match="program 300 is not in"):
        read_recordings(packaged_soundfont(), 300)
    absent = {"piccolo": Instrument(program=72, family="flute", low=120, high=127)}
    with pytest.raises(
        UserError, match="instruments.piccolo: program 72 .* sounds no key from 120 to 127"
    ):
        plan_notes(CONFIG.model_copy(update={"instruments": absent}), packaged_soundfont())
