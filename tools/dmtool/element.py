"""One element of a message between XML, command language and WBXML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .tokens import METINF, SYNCML


@dataclass(slots=True)
class Element:
    """An element: code page, name, and its content in order.

    A str is character data (STR_I or STR_T on the wire), bytes are opaque (OPAQUE).
    Page -1 is an element without a token (LITERAL); only the reader makes those.
    """

    page: int
    name: str
    content: list[Element | str | bytes] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        """Yield the child elements."""
        for part in self.content:
            if isinstance(part, Element):
                yield part

    def find(self, name: str) -> Element | None:
        """Return the first child element of that name."""
        return next((child for child in self.elements() if child.name == name), None)

    def text(self) -> str:
        """Return the character data directly inside, opaque octets read as UTF-8."""
        out = ""
        for part in self.content:
            if isinstance(part, str):
                out += part
            elif isinstance(part, bytes):
                out += part.decode("utf-8", "replace")
        return out

    def path(self, *names: str) -> Element | None:
        """Return the element reached by going down these names."""
        at: Element | None = self
        for name in names:
            if at is None:
                return None
            at = at.find(name)
        return at


def sync(name: str, *content: Element | str | bytes) -> Element:
    """Make an element of SyncML."""
    return Element(SYNCML, name, list(content))


def met(name: str, *content: Element | str | bytes) -> Element:
    """Make an element of MetInf."""
    return Element(METINF, name, list(content))


def meta_of(command: Element, item: Element, name: str) -> str | None:
    """Return an element of Meta: the Item's own, else the command's."""
    for holder in (item, command):
        meta = holder.find("Meta")
        for at in (meta, meta.find("MetInf") if meta else None):
            found = at.find(name) if at else None
            if found is not None:
                return found.text()
    return None
