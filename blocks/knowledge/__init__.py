"""What services with a key know: search results, pages, people and companies, answers, places, the weather.

One module for each service; what it is asked is in `providers/`. All read alone, so that a lost attempt is begun again,
save where the service keeps what was begun.
"""

from typing import Any

from blocks.base import Block
from blocks.knowledge.apollo import GetPersonDetail, SearchOrganizations, SearchPeople
from blocks.knowledge.exa import ExaContents, ExaFindSimilar, ExaSearch
from blocks.knowledge.exa_answers import ExaAnswer, ExaCodeContext
from blocks.knowledge.exa_research import (
    ExaCreateResearch,
    ExaGetResearch,
    ExaListResearch,
    ExaWaitForResearch,
)
from blocks.knowledge.firecrawl import (
    FirecrawlCrawl,
    FirecrawlExtract,
    FirecrawlMapWebsite,
    FirecrawlScrape,
    FirecrawlSearch,
)
from blocks.knowledge.google_maps import GoogleMapsSearch
from blocks.knowledge.jina import FactChecker, JinaChunking, JinaEmbedding, SearchTheWeb
from blocks.knowledge.perplexity import Perplexity
from blocks.knowledge.screenshots import ScreenshotWebPage
from blocks.knowledge.weather import GetWeatherInformation
from blocks.knowledge.wolfram import AskWolfram
from blocks.knowledge.zerobounce import ValidateEmails

KNOWLEDGE_BLOCKS: tuple[type[Block[Any]], ...] = (
    SearchTheWeb,
    FactChecker,
    JinaEmbedding,
    JinaChunking,
    ValidateEmails,
    GoogleMapsSearch,
    SearchPeople,
    SearchOrganizations,
    GetPersonDetail,
    ExaSearch,
    ExaFindSimilar,
    ExaContents,
    ExaAnswer,
    ExaCodeContext,
    ExaCreateResearch,
    ExaGetResearch,
    ExaWaitForResearch,
    ExaListResearch,
    FirecrawlScrape,
    FirecrawlCrawl,
    FirecrawlMapWebsite,
    FirecrawlSearch,
    FirecrawlExtract,
    Perplexity,
    AskWolfram,
    GetWeatherInformation,
    ScreenshotWebPage,
)
"""In the order in which people read them."""
