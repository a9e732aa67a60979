"""Ways to spoil a clone of the project: each makes a function that is given the clone's folder."""

import json
import shutil

import h5py
import pandas as pd
import yaml


def edit_text(name, old, new, count=1):
    """An edit that replaces text, which has to be there."""

    def spoil(clone):
        text = (clone / name).read_text()
        assert old in text
        (clone / name).write_text(text.replace(old, new, count))

    return spoil


def add_file(name, text="added = True\n"):
    """A new file."""

    def spoil(clone):
        assert not (clone / name).exists()
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)

    return spoil


def edit_values(name, change):
    """An edit of a YAML or JSON file's values."""
    read, write = (
        (json.loads, json.dumps) if name.endswith(".json") else (yaml.safe_load, yaml.safe_dump)
    )

    def spoil(clone):
        values = read((clone / name).read_text())
        change(values)
        (clone / name).write_text(write(values))

    return spoil


def edit_table(name, change):
    """An edit of a CSV or Parquet file as a data frame; what `change` returns is written."""

    def spoil(clone):
        path = clone / name
        if path.suffix == ".csv":
            change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
        else:
            change(pd.read_parquet(path)).to_parquet(path, index=False)

    return spoil


def set_cell(row, metric, column, value):
    def change(table):
        chosen = (table["row"] == row) & (table.metric == metric)
        assert chosen.sum() == 1
        table.loc[chosen, column] = (
            value(table.loc[chosen, column].item()) if callable(value) else value
        )
        return table

    return change


def swap_rows(table):
    names = {"supervised": "mean_spectrum@notes", "mean_spectrum@notes": "supervised"}
    return table.assign(row=[names.get(name, name) for name in table["row"]])


def shift_printed(name):
    """Change the last figure of ours that a Markdown or LaTeX table prints."""

    def spoil(clone):
        text = (clone / name).read_text()
        at = text.rindex(" n=")
        while not text[at].isdigit() or text[at - 1] == "=":
            at -= 1
        (clone / name).write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])

    return spoil


def replace(target, source):
    def spoil(clone):
        path = clone / target
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(clone / source, path) if (clone / source).is_dir() else shutil.copy2(
            clone / source, path
        )

    return spoil


def other_weights(clone):
    with h5py.File(clone / "models" / "supervised-0" / "model.weights.h5", "r+") as file:
        found = []
        file.visititems(
            lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None
        )
        for item in found:
            item[...] = item[...] * 1.2


def leak(key):
    """A recording of the training split gets the `key` of one of the test split."""

    def change(table):
        train, test = (table.index[table.split == split][0] for split in ("train", "test"))
        table.loc[train, key] = table.loc[test, key]
        return table

    return change
