"""Ways to tamper with a clone of the project.

Each function returns one that takes the clone's folder and changes it.
"""

import json
import shutil

import h5py
import pandas as pd
import yaml


def edit_text(name, old, new, count=1):
    """Replace text that the file must contain."""

    def tamper(clone):
        text = (clone / name).read_text()
        assert old in text
        (clone / name).write_text(text.replace(old, new, count))

    return tamper


def add_file(name, text="added = True\n"):
    """Add a file that must not exist."""

    def tamper(clone):
        path = clone / name
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return tamper


def edit_values(name, change):
    """Edit the values of a YAML or JSON file in place with `change`."""
    is_json = name.endswith(".json")
    read = json.loads if is_json else yaml.safe_load
    write = json.dumps if is_json else yaml.safe_dump

    def tamper(clone):
        values = read((clone / name).read_text())
        change(values)
        (clone / name).write_text(write(values))

    return tamper


def edit_table(name, change):
    """Replace a CSV or Parquet file's data frame by what `change` returns for it."""

    def tamper(clone):
        path = clone / name
        if path.suffix == ".csv":
            change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
        else:
            change(pd.read_parquet(path)).to_parquet(path, index=False)

    return tamper


def set_cell(row, metric, column, value):
    """Return a change for `edit_table` that sets a cell; `value` may be a function of the old."""

    def change(table):
        chosen = (table["row"] == row) & (table.metric == metric)
        assert chosen.sum() == 1
        old = table.loc[chosen, column].item()
        table.loc[chosen, column] = value(old) if callable(value) else value
        return table

    return change


def swap_rows(table):
    """Swap the names of two rows: a change for `edit_table`."""
    names = {"supervised": "mean_spectrum@notes", "mean_spectrum@notes": "supervised"}
    return table.assign(row=[names.get(name, name) for name in table["row"]])


def shift_printed(name):
    """Change the last of our figures in a Markdown or LaTeX table by one digit."""

    def tamper(clone):
        text = (clone / name).read_text()
        at = text.rindex(" n=")
        while not text[at].isdigit() or text[at - 1] == "=":
            at -= 1
        digit = str((int(text[at]) + 1) % 10)
        (clone / name).write_text(text[:at] + digit + text[at + 1 :])

    return tamper


def replace(target, source):
    """Replace a file or folder by a copy of another."""

    def tamper(clone):
        path = clone / target
        if path.is_dir():
            shutil.rmtree(path)
            shutil.copytree(clone / source, path)
        else:
            path.unlink()
            shutil.copy2(clone / source, path)

    return tamper


def remove(name):
    """Remove a file."""

    def tamper(clone):
        (clone / name).unlink()

    return tamper


def other_weights(clone):
    """Scale the weights of the supervised model."""
    with h5py.File(clone / "models" / "supervised-0" / "model.weights.h5", "r+") as file:

        def scale(_, item):
            if isinstance(item, h5py.Dataset):
                item[...] = item[...] * 1.2

        file.visititems(scale)


def leak(key):
    """Return a change for `edit_table` that gives a training recording the `key` of a test one."""

    def change(table):
        train = table.index[table.split == "train"][0]
        test = table.index[table.split == "test"][0]
        table.loc[train, key] = table.loc[test, key]
        return table

    return change
