"""TAM-RL: task-aware modulation with representation learning for terrestrial carbon fluxes.

Rozanov, Renganathan and Kumar (2026), arXiv:2603.09974; Renganathan et al. (2025), arXiv:2310.04727.

The public functions are those of ``tamrl.api``, which are here by the same names (``tamrl.load_model``,
``tamrl.adapt``, ...) and are loaded when they are first used.
"""

import os
from importlib import import_module
from types import ModuleType
from typing import Any

# OpenMP threads spin while they wait, which starves every other thread of a small machine; the
# policy is read once, when torch loads, so it is set before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
#: Names of the public functions, and the error that they raise.
PUBLIC = (
    "TamrlError",
    "adapt",
    "adapt_many",
    "evaluate",
    "fluxes",
    "labelled_days",
    "load_adapted",
    "load_model",
    "open_maps",
    "open_product",
    "open_workspace",
    "predict",
    "read_tower",
    "save_adapted",
    "scores",
    "upscale",
)


class CallableRoom(ModuleType):
    """A folder that is named as a public function, ``predict`` and ``upscale``: called, it is that function.

    An import of anything in the folder puts the folder in the place of the name ``tamrl.predict``.
    """

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Call the function of ``tamrl.api``."""
        return getattr(import_module("tamrl.api"), self.__name__.rpartition(".")[2])(*args, **settings)


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'tamrl' has no attribute {name!r}")
    return getattr(import_module("tamrl.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
