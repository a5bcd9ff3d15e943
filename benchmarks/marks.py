"""The parts of pages that are made of what was measured."""

from __future__ import annotations


def between_marks(page: str, text: str, *, name: str = "tables") -> str:
    """The page with `text` between the marks of this name. Raises ValueError where there are none."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"The page has no {begin} with an {end} after it.")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
