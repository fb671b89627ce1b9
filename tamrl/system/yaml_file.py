"""Files of YAML, read by libyaml where PyYAML was built with it: twenty times as fast, a second for a checkpoint."""

from pathlib import Path
from typing import Any


def read_yaml(path: str | Path) -> Any:
    """Return what a file holds, plain values alone.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
        yaml.YAMLError: it is no YAML.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), loader)
