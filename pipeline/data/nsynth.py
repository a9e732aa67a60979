"""NSynth as published: nsynth-{train,valid,test} as folders or as .jsonwav.tar.gz archives.

The paper's subset (section 4.1) is that of GANSynth: acoustic instruments, MIDI pitches 24 to 84.
No audio is decoded here.
"""

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from pipeline.common.cli import UserError, progress
from pipeline.common.files import digest, file_sha256
from pipeline.common.manifest import AUDIO, DataSet, encode_path, make_manifest
from pipeline.common.params import Params
from pipeline.data.archives import read_member, unpack

PARTS = ("train", "valid", "test")
GANSYNTH_SPLITS = (
    "nsynth-gansynth_splits.csv"  # to be placed beside the archives; columns id, split
)

Share = Annotated[float, Field(gt=0, lt=1)]
Midi = Annotated[int, Field(ge=0, le=127)]


class NsynthConfig(Params):
    """A data set with source `nsynth` in params.yaml.

    The split is `published` (each part is a split; none shares an instrument with another), `paper`
    (the notes of all parts, drawn one by one with the shares below) or `gansynth` (the lists that
    the authors published).
    """

    source: Literal["nsynth"]
    seed: int
    acoustic: bool  # only instruments whose source is acoustic
    pitch: tuple[Midi, Midi]  # lowest and highest
    split: Literal["published", "paper", "gansynth"]
    test_share: Share  # of all notes, for split `paper`
    valid_share: Share  # of the notes outside test, for split `paper`
    max_rejected: NonNegativeInt


class Note(BaseModel):
    """The fields of an entry of examples.json that are used."""

    model_config = ConfigDict(strict=True, extra="ignore")

    note_str: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]  # the file's name
    pitch: Midi
    velocity: Midi
    instrument_str: str
    instrument_family_str: str
    instrument_source_str: Literal["acoustic", "electronic", "synthetic"]
    qualities_str: list[str]


def make_nsynth(config: NsynthConfig, outside: Path | None, folder: Path) -> DataSet:
    """Make the manifest of the notes that pass the filter, with the extra column `qualities`.

    Folders below `outside` are used in place; archives beside them are ignored. If there are only
    archives, or `outside` is one, the notes that pass are unpacked into the data set's folder.

    Args:
        config: the data set's block of params.yaml.
        outside: the folder that holds the parts, or an archive.
        folder: the data set's folder.

    Raises:
        UserError: there is no path or no note, a part that the split needs is missing, or
            examples.json or the lists cannot be read.
    """
    parts = find_parts(config, outside)
    listed = read_splits(parts) if config.split == "gansynth" else {}
    rows = [row for name, path in parts.items() for row in read_notes(config, listed, name, path)]
    _reject_duplicates(rows)
    packed = any(path.is_file() for path in parts.values())
    root = folder / AUDIO if packed else next(iter(parts.values())).parent
    wanted = {row["path"] for row in rows if not row["rejected"]}
    refused = [
        item for path in parts.values() if packed for item in unpack(path, wanted, root).items()
    ]
    rows = [_hashed(root, row) for row in progress(rows, "nsynth", unit="note")]
    if all(row["rejected"] for row in rows):
        raise _nothing_usable(config, outside, rows)
    rows += [_rejected(number, name, reason) for number, (name, reason) in enumerate(refused)]
    return DataSet(make_manifest(rows, extra_columns=["qualities"]), None if packed else root)


def find_parts(config: NsynthConfig, outside: Path | None) -> dict[str, Path]:
    """Find the published parts by name: folders, or archives if there are no folders."""
    if outside is None:
        raise UserError(
            "outside: a data set of source 'nsynth' needs the path of its folders or archives; "
            "add 'NAME: /path/to/nsynth' to the section outside of params.yaml"
        )
    outside = Path(os.path.abspath(outside))
    folders = {
        name: outside / f"nsynth-{name}" for name in PARTS if (outside / f"nsynth-{name}").is_dir()
    }
    candidates = [outside] if outside.is_file() else sorted(outside.glob("nsynth-*.tar*"))
    archives = {
        name: path
        for path in reversed(candidates)
        for name in PARTS
        if path.name.startswith(f"nsynth-{name}.jsonwav.tar")
    }
    parts = folders or {name: archives[name] for name in PARTS if name in archives}
    if not parts:
        raise UserError(
            f"outside: {outside} holds neither nsynth-train, nsynth-valid, nsynth-test as "
            "folders nor such archives as nsynth-test.jsonwav.tar.gz"
        )
    missing = [name for name in PARTS if name not in parts]
    if config.split != "paper" and missing:
        raise UserError(
            f"outside: {outside} holds no {'folder' if folders else 'archive'} "
            f"nsynth-{missing[0]}, which split '{config.split}' needs; add it, or set split to "
            "'paper'"
        )
    return parts


def read_splits(parts: dict[str, Path]) -> dict[str, str]:
    """Read each note's split in the authors' code (TFDS `nsynth/gansynth_subset`), from a CSV file.

    The file lies beside the parts.
    """
    path = next(iter(parts.values())).parent / GANSYNTH_SPLITS
    try:
        with open(path, newline="", encoding="utf-8") as file:
            splits = {row["id"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise UserError(
            f"outside: {path}: cannot be read ({error!r}), but split 'gansynth' needs it; "
            "download it"
        ) from None
    if set(splits.values()) != set(PARTS):
        raise UserError(
            f"outside: {path}: its column split must hold {', '.join(PARTS)}; download it again"
        )
    return splits


def read_notes(
    config: NsynthConfig, listed: dict[str, str], name: str, path: Path
) -> Iterator[dict]:
    """Yield rows of the manifest, without hashes: notes that pass the filter, and invalid entries.

    Args:
        config: the data set's block of params.yaml.
        listed: for split `gansynth`, the split of every note that is used.
        name: the part: train, valid or test.
        path: the part's folder or archive.
    """
    for number, (key, entry) in enumerate(_read_examples(name, path)):
        try:
            note = Note.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "entry"
            yield _rejected(
                number, key, f"in examples.json of nsynth-{name}: {where}: {first['msg'].lower()}"
            )
            continue
        if note.note_str != key:
            yield _rejected(
                number, key, f"in examples.json of nsynth-{name}: note_str is another name"
            )
        elif _passes(config, note) and (config.split != "gansynth" or key in listed):
            splits = {
                "published": name,
                "paper": paper_split(config, key),
                "gansynth": listed.get(key, ""),
            }
            yield _note_row(note, name, splits[config.split])


def paper_split(config: NsynthConfig, note: str) -> str:
    """Draw a note's split from its stable hash: notes of all parts are pooled, in every family."""
    place = int(digest(config.seed, note)[:12], 16) / 16**12
    if place < config.test_share:
        return "test"
    if place < config.test_share + (1 - config.test_share) * config.valid_share:
        return "valid"
    return "train"


def _note_row(note: Note, part: str, split: str) -> dict:
    return {
        "id": note.note_str,
        "instrument": note.instrument_str,
        "family": note.instrument_family_str,
        "pitch": note.pitch,
        "velocity": note.velocity,
        "group": note.instrument_str,
        "split": split,
        "rejected": "",
        "path": encode_path(Path(f"nsynth-{part}/audio/{note.note_str}.wav")),
        "qualities": " ".join(note.qualities_str),
    }


def _nothing_usable(config: NsynthConfig, outside: Path, rows: list[dict]) -> UserError:
    message = (
        f"outside: {outside} holds no usable note of pitch {config.pitch} and acoustic "
        f"{config.acoustic}"
    )
    if rows:
        first = f"{rows[0]['id']} {rows[0]['rejected']}"
        message += f"; the first of {len(rows)} rejected: {first}"
    return UserError(message)


def _passes(config: NsynthConfig, note: Note) -> bool:
    return config.pitch[0] <= note.pitch <= config.pitch[1] and (
        note.instrument_source_str == "acoustic" or not config.acoustic
    )


def _read_examples(name: str, path: Path) -> tuple[tuple[str, Any], ...]:
    """Read the (key, entry) pairs of a part's examples.json; a key may occur twice."""
    member = f"nsynth-{name}/examples.json"
    where = f"outside: {path.parent / member if path.is_dir() else f'{path}: {member}'}"
    try:
        text = (
            read_member(path, member) if path.is_file() else (path / "examples.json").read_bytes()
        )
        pairs = json.loads(text, object_pairs_hook=_keep_used)
    except (ValueError, OSError) as error:
        raise UserError(f"{where}: cannot be read ({error}); unpack the archive again") from None
    if not isinstance(pairs, tuple):
        raise UserError(
            f"{where}: must map the names of notes to their descriptions; unpack the archive again"
        )
    return pairs


def _keep_used(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...] | dict[str, Any]:
    """Keep the fields of an entry that are used, and the file's entries as pairs.

    A dict of entries would hide that a name occurs twice.
    """
    if any(isinstance(value, dict) for _, value in pairs):
        return tuple(pairs)
    return {key: value for key, value in pairs if key in Note.model_fields}


def _reject_duplicates(rows: list[dict]) -> None:
    seen = set()
    for number, row in enumerate(rows):
        if not row["rejected"] and row["id"] in seen:
            rows[number] = _rejected(number, row["id"], "in examples.json twice")
        seen.add(row["id"])


def _rejected(number: int, name: str, reason: str) -> dict:
    """Make a rejected row; its id differs from every note's, whatever the name."""
    slug = re.sub("[^A-Za-z0-9_]+", "-", name)[-40:].strip("-") or "note"
    return {"id": f"{slug}-{digest(number, name, reason)}", "rejected": reason}


def _hashed(root: Path, row: dict) -> dict:
    if row["rejected"]:
        return row
    try:
        if (root / row["path"]).is_file():
            return row | {"sha256": file_sha256(root / row["path"])}
        reason = f"{row['path']} is missing"
    except OSError as error:
        reason = f"{row['path']}: {error.strerror}"
    return row | {"rejected": reason, "split": ""}
