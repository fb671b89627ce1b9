"""TAM-RL: task-aware modulation with representation learning for terrestrial carbon fluxes.

Rozanov, Renganathan and Kumar (2026), arXiv:2603.09974; Renganathan et al. (2025), arXiv:2310.04727.
"""

import os

# OpenMP threads spin while they wait, which starves every other thread of a small machine; the
# policy is read once, when torch loads, so it is set before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
