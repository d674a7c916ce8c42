"""HTML on standard input, in UTF-8, to all its text, with its links as Markdown has them. Run by `running.py`.

For mails: what is no article and yet is all to be read. Answers `{"text"}`.
"""

import json
import re
import resource
import sys
from html.parser import HTMLParser

_LONGEST = 2_000_000
_UNREAD = frozenset({"script", "style", "title", "template", "svg"})
_LINES = frozenset({"br", "div", "tr", "table", "section", "article", "header", "footer", "hr", "dd", "dt", "pre"})
_PARAGRAPHS = frozenset({"p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})
# No title or picture holds such an element: it was never closed, and ends where one begins. What the head holds is
# either unread by itself or begins the body.
_ENDS_UNREAD = frozenset({"body", "li", "center"}) | _LINES | _PARAGRAPHS
_TITLE = re.compile(r"<title\b[^<>]*>", re.IGNORECASE)


class _Reader(HTMLParser):
    """Collects the text, a break for every element that is one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unread: list[str] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ENDS_UNREAD and "template" not in self._unread:
            self._unread.clear()
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag == "a":
            href = (dict(attrs).get("href") or "").strip()
            self._links.append(href if href.startswith(("http://", "https://", "mailto:")) else "")
            self.pieces.append("[" if self._links[-1] else "")
        elif tag == "li":
            self.pieces.append("\n* ")
        else:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            if tag in self._unread:
                del self._unread[self._unread.index(tag) :]
        elif tag == "a" and self._links:
            href = self._links.pop()
            self.pieces.append(f"]({href})" if href else "")
        elif tag in ("head", "body"):
            self._unread.clear()
        else:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.pieces.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in _LINES:
            self.pieces.append("\n")


def main() -> None:
    """Read, collect, answer."""
    reader = _Reader()
    page = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    # A title that is never closed would be all there is.
    reader.feed(page if re.search("</title", page, re.IGNORECASE) else _TITLE.sub("", page))
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.pieces).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    json.dump({"text": text[:_LONGEST]}, sys.stdout)


if __name__ == "__main__":
    for limit, most in (
        (resource.RLIMIT_AS, 512 << 20),
        (resource.RLIMIT_CPU, 15),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    main()
