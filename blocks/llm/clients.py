"""The seam to language models, fulfilled: finds a model's provider and endpoint, and asks by the right client.

Made by `worker.py`, with endpoints from its settings: no user says where a request goes. It asks once and never again;
nothing of what is asked or answered is logged.
"""

import asyncio
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from blocks.language_models import ModelRefused, ModelUnavailable, OnText, Reply, Request
from blocks.llm.models import DEFAULT_URLS, PROVIDERS, find_model
from blocks.llm.refusals import never_connected, unreachable
from blocks.system_credentials import no_endpoint

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Client

CALL_SECONDS = 120.0
_THINKING_FACTOR = 5
"""So many times as long may an answer take that is thought about at length."""

_CONNECT_SECONDS = 10.0
_TALKATIVE = ("openai", "anthropic", "google_genai", "httpx2", "httpcore2")
"""Loggers of client libraries, which at their lowest level tell what is asked and answered."""


class ProviderClients:
    """`LanguageModels` over the providers' own client libraries. It belongs to the event loop that first asks."""

    def __init__(self, urls: Mapping[str, str] | None = None, *, seconds: float = CALL_SECONDS) -> None:
        """`urls`: provider → base URL, in place of the provider's own. `seconds`: how long one answer may take.

        ValueError for a provider that nobody knows, or what is no URL.
        """
        for provider, url in (urls or {}).items():
            if provider not in PROVIDERS:
                raise ValueError(f"{provider!r} is no provider of language models: {', '.join(PROVIDERS)}")
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"The base URL of {provider} must begin with http:// or https://")
        self._own_urls = dict(urls or {})
        self._seconds = seconds
        self._http: tuple[AsyncClient, Client] | None = None

    async def complete(self, request: Request, on_text: OnText | None = None) -> Reply:
        """See `LanguageModels`."""
        model = find_model(request.model)
        url = self._own_urls.get(model.provider) or DEFAULT_URLS.get(model.provider)
        if url is None:
            raise ModelRefused(f"Model {request.model!r:.200} is not supported here: {no_endpoint(model.provider)}.")
        if request.api_key is None and self.needs_key(request.model):
            raise ModelRefused(f"These credentials are required: an API key of {model.provider}.")
        speaks = {"anthropic": "anthropic_messages", "google": "google_genai"}.get(model.provider, "openai_chat")
        # Late, and off the loop: the clients take seconds to import, and most processes ask no model.
        client = await asyncio.to_thread(import_module, f"blocks.llm.{speaks}")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        http, unused = self._clients()
        more = {"unused": unused} if model.provider == "google" else {}
        if request.thinking and not model.thinking:
            raise ModelRefused(f"Model {request.model!r:.200} cannot think at length.")
        seconds = self._seconds * (_THINKING_FACTOR if request.thinking else 1)
        try:
            async with asyncio.timeout(seconds):
                reply: Reply = await client.complete(model, url, http, request, on_text, **more)
                return reply
        except TimeoutError:
            raise ModelUnavailable(f"{model.provider} did not answer within {seconds:g} seconds.") from None
        except ModelUnavailable as error:
            if never_connected(error):
                raise unreachable(model.provider, url, is_own=model.provider in self._own_urls) from None
            raise

    def needs_key(self, model: str) -> bool:
        """Whether nobody is let in without a key: at a provider's own endpoint, not at one of the deployment's."""
        return find_model(model).provider not in self._own_urls

    async def aclose(self) -> None:
        """Close what is open. Call it on the loop that asked."""
        if self._http:
            await self._http[0].aclose()
            self._http[1].close()
            self._http = None

    def _clients(self) -> "tuple[AsyncClient, Client]":
        """Connections, kept for the next request. They follow no redirects: an endpoint is where it is set to be."""
        if self._http is None:
            import httpx2

            timeout = httpx2.Timeout(self._seconds, connect=_CONNECT_SECONDS)
            limits = httpx2.Limits(max_connections=200, max_keepalive_connections=50)
            self._http = (
                httpx2.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False),
                httpx2.Client(timeout=timeout, follow_redirects=False),
            )
        return self._http
