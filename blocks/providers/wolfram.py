"""Wolfram Alpha: computed answers, over its interface for language models.

For the block of `blocks/knowledge/wolfram.py`.
"""

from blocks.http.client import Http

_ASK = "https://www.wolframalpha.com/api/v1/llm-api"
_NOT_UNDERSTOOD = 501


async def ask(http: Http, key: str, question: str) -> str:
    """The answer. ValueError when Wolfram Alpha does not understand the question."""
    # The interface wants the key in the query; errors never show one.
    answer = await http.request("GET", _ASK, params={"appid": key, "input": question}, redirects=0)
    if answer.status == _NOT_UNDERSTOOD:
        raise ValueError("Wolfram Alpha does not understand the question: ask in fewer and plainer words.")
    return answer.checked().text()
