"""What the routes share."""

from dataclasses import dataclass, field

from eigenlorax.http.queueing import Queue
from eigenlorax.http.sdapi.options import Settings
from eigenlorax.recipe import StyleBlend
from eigenlorax.studio import Studio


@dataclass
class Desk:
    """An open studio as the routes see it.

    Attributes:
        studio: The use cases.
        queue: All long work.
        settings: A1111's, changed by POST /options and kept until the program ends.
        worn: What requests wear that name no styles, changed by PUT /api/v1/blend; kept as long.
    """

    studio: Studio
    queue: Queue
    settings: Settings
    worn: StyleBlend = field(default_factory=dict)
