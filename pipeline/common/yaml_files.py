"""Reading YAML as DVC does: version 1.2, in which `1e-05` is a number and `no` is text."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.common.cli import UserError


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: there is no such file, or it is not UTF-8 or not valid YAML 1.2, or a key is
            repeated.
    """
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the repository's root") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        problem = error.problem.partition(" with value")[0].removeprefix("found ")
        raise UserError(f"{path}: {problem} in line {line}; remove one of the two") from None
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML ({_describe(error)}); correct it") from None
    except ValueError as error:  # such as a date in month 13
        raise UserError(f"{path}: not valid YAML ({error}); correct it") from None


def _describe(error: YAMLError) -> str:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    return f"line {error.problem_mark.line + 1}: {error.problem}"
