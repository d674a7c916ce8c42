"""Pictures, sounds and films that models make of words, at services that are paid for each of them.

One module for each kind of block; what the services are asked is in `blocks/providers/`. All blocks are entered at most
once: a second attempt is a second bill.
"""

from blocks.media.banners import BannerbearTextOverlay
from blocks.media.editing import AIImageCustomizer, AIImageEditor
from blocks.media.films import CreateTalkingAvatarVideo
from blocks.media.generation import AIImageGenerator
from blocks.media.ideogram import IdeogramModel
from blocks.media.replicate_models import ReplicateFluxAdvancedModel, ReplicateModel
from blocks.media.shorts import AIShortformVideoCreator
from blocks.media.sounds import AIMusicGenerator, UnrealTextToSpeech

MEDIA_BLOCKS = (
    AIImageGenerator,
    AIImageCustomizer,
    AIImageEditor,
    IdeogramModel,
    ReplicateFluxAdvancedModel,
    ReplicateModel,
    BannerbearTextOverlay,
    AIMusicGenerator,
    UnrealTextToSpeech,
    CreateTalkingAvatarVideo,
    AIShortformVideoCreator,
)
