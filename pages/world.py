"""World: fluxes of every place on land, by models and products, as a map that plays through the year."""

from tamrl.app.world.page import show

show()
