"""Pictures, sounds and films that models make of words, at services that are paid for each of them.

One module for each kind of block; what the services are asked is in `blocks/providers/`. All blocks are entered at most
once: a second attempt is a second bill.
"""

from blocks.images.banners import BannerbearTextOverlay
from blocks.images.editing import AIImageCustomizer, AIImageEditor
from blocks.images.films import CreateTalkingAvatarVideo
from blocks.images.generation import AIImageGenerator
from blocks.images.ideogram import IdeogramModel
from blocks.images.replicate_models import ReplicateFluxAdvancedModel, ReplicateModel
from blocks.images.sounds import AIMusicGenerator, UnrealTextToSpeech

IMAGE_BLOCKS = (
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
)
