"""The one exception that users see: what is wrong, where, and what to do about it."""


class TamrlError(Exception):
    """An error that the user can act on.

    Args:
        what: what is wrong, one sentence without the final full stop.
        where: the file, tower, variable or option concerned.
        todo: what the user can do next, one sentence.
    """

    def __init__(self, what: str, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, str(where), todo
        super().__init__(self.__str__())

    def __str__(self) -> str:
        """Return the three parts as one line of text."""
        parts = [self.what + (f" ({self.where})" if self.where else "") + "."]
        if self.todo:
            parts.append(self.todo.rstrip(".") + ".")
        return " ".join(parts)
