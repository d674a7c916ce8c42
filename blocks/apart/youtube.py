"""What YouTube's pages say of a video to the text of its transcript. Run by `running.py`.

The document is JSON: `{"video": id, "answers": [texts]}`, where the texts are what YouTube answered so far. Answers
`{"ask": {"method", "url", "headers", "json"}}` when it has to know what YouTube answers to one request more,
`{"text": …}` at the end, or `{"failed": name of an error, "reason": …}`. It is begun anew with every answer: nothing
here reaches the network.
"""

import json
import resource
import sys
from collections.abc import Sequence
from typing import Any

_LONGEST_REASON = 500
_ENGLISH = ("en",)


class Unanswered(BaseException):
    """The next request. No Exception, so that nobody on the way takes it for a failure."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request


class Known:
    """An answer, as the library wants it. Only good ones come here."""

    status_code = 200

    def __init__(self, text: str) -> None:
        self.text = text

    def raise_for_status(self) -> None:
        """It is good."""

    def json(self) -> Any:
        """The text read as JSON."""
        return json.loads(self.text)


class Session:
    """Stands for the library's way to the network: gives the known answers in turn, then stops it."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.headers: dict[str, str] = {}
        self.cookies = self
        self._cookies: dict[str, str] = {}
        self._answers = iter(answers)

    def set(self, name: str, value: str, **_: Any) -> None:
        """Set a cookie, for YouTube alone as everything here is."""
        self._cookies[name] = value

    def get(self, url: str) -> Known:
        """The next answer."""
        return self._next("GET", url, None)

    def post(self, url: str, json: Any) -> Known:
        """The next answer."""
        return self._next("POST", url, json)

    def _next(self, method: str, url: str, body: Any) -> Known:
        for text in self._answers:
            return Known(text)
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {**self.headers, **({"Cookie": cookie} if cookie else {})}
        raise Unanswered({"method": method, "url": url, "headers": headers, "json": body})


def main() -> None:
    """Read, go as far as the answers reach, answer."""
    # Late, so that the limits hold for what it does when it is loaded, too.
    from youtube_transcript_api import NoTranscriptFound, YouTubeTranscriptApi
    from youtube_transcript_api.formatters import TextFormatter

    document = json.load(sys.stdin.buffer)
    session: Any = Session(document["answers"])
    try:
        found = YouTubeTranscriptApi(http_client=session).list(document["video"])
        try:
            chosen = found.find_transcript(_ENGLISH)
        except NoTranscriptFound:
            if not list(found):
                raise
            # Those that people wrote come first.
            chosen = next(iter(found))
        outcome: dict[str, Any] = {"text": TextFormatter().format_transcript(chosen.fetch())}
    except Unanswered as unanswered:
        outcome = {"ask": unanswered.request}
    except Exception as error:
        reason = getattr(error, "reason", None)
        outcome = {"failed": type(error).__name__, "reason": str(reason or "")[:_LONGEST_REASON]}
    json.dump(outcome, sys.stdout)


if __name__ == "__main__":
    for limit, most in (
        (resource.RLIMIT_AS, 768 << 20),
        (resource.RLIMIT_CPU, 30),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    main()
