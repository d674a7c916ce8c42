"""Every block there is, by its id.

`api/` describes and validates with it, `activities/` run blocks by it; a new block is registered here and nowhere else.
Blocks of other packages register through entry points (`installed.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from blocks.agent_executor import AgentExecutor
from blocks.agent_io import AgentInput, AgentOutput
from blocks.ai.orchestrator import Orchestrator
from blocks.ai.structured import AIListGenerator, AIStructuredResponseGenerator
from blocks.ai.summary import AITextSummarizer
from blocks.ai.texts import AICondition, AIConversation, AITextGenerator
from blocks.base import Block, BlockSchema
from blocks.basic import Note, Print, ReverseList, StoreValue, UniversalTypeConverter
from blocks.chat import CHAT_BLOCKS
from blocks.clock import CountdownTimer, GetCurrentDate, GetCurrentDateAndTime, GetCurrentTime
from blocks.code_sandbox import CODE_BLOCKS
from blocks.data.dictionaries import (
    AddToDictionary,
    CreateDictionary,
    DictionaryIsEmpty,
    FindInDictionary,
    RemoveFromDictionary,
    ReplaceDictionaryValue,
)
from blocks.data.iteration import StepThroughItems
from blocks.data.list_sets import (
    ConcatenateLists,
    FlattenList,
    InterleaveLists,
    ListDifference,
    ListIntersection,
    ZipLists,
)
from blocks.data.lists import (
    AddToList,
    CreateList,
    FindInList,
    GetListItem,
    ListIsEmpty,
    RemoveFromList,
    ReplaceListItem,
)
from blocks.data.sampling import DataSampling
from blocks.data.spreadsheet import ReadSpreadsheet
from blocks.files.archives import CreateZipArchive, ExtractZipArchive
from blocks.files.kept import FileRead, FileStore
from blocks.github import GITHUB_BLOCKS
from blocks.google import GOOGLE_BLOCKS
from blocks.hubspot import HUBSPOT_BLOCKS
from blocks.installed import installed_blocks
from blocks.knowledge import KNOWLEDGE_BLOCKS
from blocks.legacy import LEGACY_IDS
from blocks.logic import Condition, IfInputMatches
from blocks.mail.sending import SendEmail
from blocks.maths import Calculator, CountItems
from blocks.media import MEDIA_BLOCKS
from blocks.notion import NOTION_BLOCKS
from blocks.people import HumanInTheLoop, WaitForEvent
from blocks.persistence import PersistInformation, RetrieveInformation
from blocks.sending import PublishToMedium
from blocks.text.code_extraction import CodeExtraction
from blocks.text.compression import CompressText, DecompressText
from blocks.text.patterns import ExtractTextInformation, MatchTextPattern
from blocks.text.plain import CombineTexts, TextDecoder, TextEncoder, TextReplace, TextSplit, WordCharacterCount
from blocks.text.template import FillTextTemplate
from blocks.text.xml_parser import XmlParser
from blocks.typed_inputs import (
    AgentDateInput,
    AgentDropdownInput,
    AgentFileInput,
    AgentGoogleDriveFileInput,
    AgentLongTextInput,
    AgentNumberInput,
    AgentShortTextInput,
    AgentTableInput,
    AgentTimeInput,
    AgentToggleInput,
)
from blocks.unavailable import UnavailableBlock, unavailable_blocks
from blocks.waiting import WaitUntil
from blocks.web.authenticated_requests import SendAuthenticatedWebRequest
from blocks.web.feeds import ReadRssFeed
from blocks.web.mcp_tool import McpTool
from blocks.web.pages import ExtractWebsiteContent
from blocks.web.requests import SendWebRequest
from blocks.web.wikipedia import GetWikipediaSummary
from blocks.web.youtube import TranscribeYoutubeVideo
from engine.model import BlockId, BlockShape

CATALOGUE_BLOCKS: tuple[type[Block[Any]], ...] = (
    AgentExecutor,
    # people
    HumanInTheLoop,
    WaitForEvent,
    # in and out
    AgentInput,
    AgentShortTextInput,
    AgentLongTextInput,
    AgentNumberInput,
    AgentDateInput,
    AgentTimeInput,
    AgentToggleInput,
    AgentDropdownInput,
    AgentTableInput,
    AgentFileInput,
    AgentGoogleDriveFileInput,
    AgentOutput,
    # basic
    StoreValue,
    Print,
    Note,
    UniversalTypeConverter,
    # logic, maths, iteration
    Condition,
    IfInputMatches,
    Calculator,
    CountItems,
    StepThroughItems,
    # dictionaries
    CreateDictionary,
    AddToDictionary,
    FindInDictionary,
    RemoveFromDictionary,
    ReplaceDictionaryValue,
    DictionaryIsEmpty,
    # lists
    CreateList,
    AddToList,
    FindInList,
    GetListItem,
    RemoveFromList,
    ReplaceListItem,
    ListIsEmpty,
    ReverseList,
    ConcatenateLists,
    InterleaveLists,
    ZipLists,
    ListDifference,
    ListIntersection,
    FlattenList,
    # text
    CombineTexts,
    TextSplit,
    TextReplace,
    WordCharacterCount,
    TextEncoder,
    TextDecoder,
    MatchTextPattern,
    ExtractTextInformation,
    FillTextTemplate,
    CodeExtraction,
    XmlParser,
    CompressText,
    DecompressText,
    # data
    ReadSpreadsheet,
    DataSampling,
    PersistInformation,
    RetrieveInformation,
    # files
    FileStore,
    FileRead,
    CreateZipArchive,
    ExtractZipArchive,
    # the web
    SendWebRequest,
    SendAuthenticatedWebRequest,
    ExtractWebsiteContent,
    ReadRssFeed,
    GetWikipediaSummary,
    TranscribeYoutubeVideo,
    McpTool,
    # other people's services
    *KNOWLEDGE_BLOCKS,
    *CHAT_BLOCKS,
    *GITHUB_BLOCKS,
    *GOOGLE_BLOCKS,
    *NOTION_BLOCKS,
    *HUBSPOT_BLOCKS,
    *MEDIA_BLOCKS,
    *CODE_BLOCKS,
    PublishToMedium,
    SendEmail,
    # language models
    AITextGenerator,
    AIStructuredResponseGenerator,
    AIConversation,
    AITextSummarizer,
    AIListGenerator,
    AICondition,
    Orchestrator,
    # time
    GetCurrentTime,
    GetCurrentDate,
    GetCurrentDateAndTime,
    CountdownTimer,
    WaitUntil,
)
"""The blocks of Heddle, in the order in which people read them."""


class Catalogue:
    """Blocks by id, each as one instance for all runs. A former id leads to the block of today.

    Of blocks that are only known, `shape` tells the pins and why they are not here; `get` does not find them.
    """

    def __init__(self, blocks: Iterable[type[Block[Any]]], unavailable: Iterable[UnavailableBlock] = ()) -> None:
        self._blocks: dict[str, Block[Any]] = {}
        for block in blocks:
            if block.id in self._blocks:
                raise ValueError(f"{block.__name__} and {type(self._blocks[block.id]).__name__} have the same id.")
            self._blocks[block.id] = block()
        self._unavailable = {block.id: block for block in unavailable if block.id not in self._blocks}
        self._shapes = {block_id: block.shape() for block_id, block in self._blocks.items()}
        self._shapes |= {block_id: block.shape() for block_id, block in self._unavailable.items()}

    def get(self, block_id: str, /) -> Block[BlockSchema] | None:
        """The block, or None when it is not here."""
        return self._blocks.get(LEGACY_IDS.get(block_id, block_id))

    def unavailable(self, block_id: str, /) -> UnavailableBlock | None:
        """The block that is known but not here; None when it is here or nobody knows the id."""
        return self._unavailable.get(LEGACY_IDS.get(block_id, block_id))

    def all_unavailable(self) -> Sequence[UnavailableBlock]:
        """Every block that is known but not here, by name."""
        return list(self._unavailable.values())

    def shape(self, block_id: BlockId, /) -> BlockShape | None:
        """What the engine needs to know of the block, or None when nobody knows the id."""
        return self._shapes.get(LEGACY_IDS.get(block_id, block_id))

    def __iter__(self) -> Iterator[Block[BlockSchema]]:
        return iter(self._blocks.values())

    def __len__(self) -> int:
        return len(self._blocks)


def own_catalogue() -> Catalogue:
    """Heddle's own blocks, whatever else is installed."""
    return Catalogue(CATALOGUE_BLOCKS, unavailable_blocks())


def default_catalogue() -> Catalogue:
    """The catalogue of a deployment, with the blocks of installed packages."""
    return Catalogue((*CATALOGUE_BLOCKS, *installed_blocks(CATALOGUE_BLOCKS)), unavailable_blocks())
