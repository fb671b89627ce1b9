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
#: Public function, or the error that they raise -> its module, which is loaded when it is first asked for.
PUBLIC = {
    "TamrlError": "tamrl.errors",
    "adapt": "tamrl.api.models",
    "adapt_many": "tamrl.api.models",
    "evaluate": "tamrl.api.models",
    "fluxes": "tamrl.api.models",
    "labelled_days": "tamrl.api.data",
    "load_adapted": "tamrl.api.models",
    "load_model": "tamrl.api.models",
    "open_maps": "tamrl.api.data",
    "open_product": "tamrl.api.data",
    "open_workspace": "tamrl.api.data",
    "predict": "tamrl.api.models",
    "read_tower": "tamrl.api.data",
    "save_adapted": "tamrl.api.models",
    "scores": "tamrl.api.models",
    "upscale": "tamrl.api.models",
}


class CallableRoom(ModuleType):
    """A folder that is named as a public function, ``predict`` and ``upscale``: called, it is that function.

    An import of anything in the folder puts the folder in the place of the name ``tamrl.predict``.
    """

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Call the function of ``tamrl.api``."""
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(PUBLIC[name]), name)(*args, **settings)


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'tamrl' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
