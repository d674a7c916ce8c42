"""A web page on standard input, in UTF-8, to its title and its main text in Markdown. Run by `running.py`.

Answers `{"title", "text"}`; the text is empty when the page has none.
"""

import json
import sys
from pathlib import Path

_LONGEST = 2_000_000
_SHORT = 200


def main() -> None:
    """Read, extract, answer."""
    # Late, so that the limits hold for what these do when they are loaded, too.
    from trafilatura import extract, html2txt, load_html

    from blocks.apart.confinement import shut_off

    shut_off()

    page = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    if "<html" not in page[:10_000].lower():
        # Pieces of pages, which browsers show like any page.
        page = f"<html><body>{page}</body></html>"
    tree = load_html(page)
    title = " ".join((tree.findtext(".//title") or "").split()) if tree is not None else ""
    text = extract(page, output_format="markdown", include_comments=False) or ""
    if len(text) < _SHORT and len(everything := html2txt(page)) > 4 * len(text):
        # Pages made of short pieces have no article in them; then everything that can be read is better than nothing.
        text = everything
    json.dump({"title": title[:1000], "text": text[:_LONGEST]}, sys.stdout)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from blocks.apart.confinement import limit

    limit(megabytes=768, seconds=30)
    main()
