"""The one shape of every refusal: what is wrong, and what to do about it."""


class AlarminError(Exception):
    """An input or a data file that Alarmin refuses.

    Args:
        message: names the thing and shows the value.
        remedy: what to do, in one sentence.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.remedy}" if self.remedy else self.message


def nearest(name: str, known: object, limit: int = 12) -> str:
    """A sentence part that lists what is allowed, closest names first."""
    import difflib

    names = sorted(str(item) for item in known)  # type: ignore[attr-defined]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(item) for item in close) + "?"
    shown = ", ".join(names[:limit]) + (f", … ({len(names)} in all)" if len(names) > limit else "")
    return f"known: {shown}"
