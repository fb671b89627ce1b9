"""Few-shot lab: adapt the model to a tower it has not seen, from a few of its days or months."""

from tamrl.app.lab.page import show

show()
