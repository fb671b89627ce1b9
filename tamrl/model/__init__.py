"""Networks, losses, baselines and checkpoints.

Dimensions in every tensor docstring: B batch, T days, D drivers, S support steps, A static inputs,
Z task embedding, E embedding, H hidden, K ensemble members. Fluxes are ordered GPP, RECO, NEE.
"""
