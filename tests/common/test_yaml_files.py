"""YAML is read as DVC reads and writes it, and a file that cannot be read is named in one line."""

import pytest
from dvc.utils.serialize import load_yaml, modify_yaml

from pipeline.common.cli import UserError
from pipeline.common.yaml_files import read_yaml

ONE_DIALECT = {  # YAML 1.1 reads each of these as something else
    "1e-05": 1e-05,
    "1E5": 1e5,
    "1:30": "1:30",
    "010": 10,
    "0o10": 8,
    "no": "no",
    "on": "on",
    "y": "y",
}


@pytest.mark.parametrize("text", ONE_DIALECT)
def test_values_and_keys_are_read_as_dvc_reads_them(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(f"value: {text}\nkeys:\n  {text}: 1\n")
    expected = ONE_DIALECT[text]
    assert read_yaml(path) == load_yaml(path) == {"value": expected, "keys": {expected: 1}}
    assert type(read_yaml(path)["value"]) is type(expected)


@pytest.mark.parametrize("number", [1e-5, 3e-7, 1e30, 0.002, 1e16])
def test_a_number_that_dvc_writes_is_read_as_that_number(tmp_path, number):
    path = tmp_path / "params.yaml"
    path.write_text("train: {learning_rate: 0.1}\n")
    with modify_yaml(path) as values:  # as `dvc exp run -S` does
        values["train"]["learning_rate"] = number
    assert read_yaml(path) == {"train": {"learning_rate": number}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: caf\xe9\n", "is not UTF-8 text (byte 6); save it as UTF-8"),
        (b"a: [1\n", "not valid YAML (line 2: "),
        (b"a: 1\na: 2\n", 'duplicate key "a" in line 2; remove one of the two'),
        (b"b: {c: 1, d: 2,\n    c: 3}\n", 'duplicate key "c" in line 2; remove one of the two'),
        (b"a: !!python/object:os.system x\n", "not valid YAML (line 1: "),
        (b"a: *b\n", "not valid YAML (line 1: "),
        (b"a: 1\n---\nb: 1\n", "not valid YAML (line 2: "),
        (b"a: \x00\n", "not valid YAML ("),
        (b"a: 2026-13-01\n", "not valid YAML (month must be in 1..12"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, content, message):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_and_no_file_are_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read .Is a directory.; give a YAML file"):
        read_yaml(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
