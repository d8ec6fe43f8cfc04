"""The words around the prompt: trigger words, presets, wildcards."""

from ui import text
from ui.language import say

TRIGGERS = say("Trigger words of the styles that are on: press one to add it to the prompt")
ROOM = say("Presets and wildcards")
PRESET = say("Preset")
USE = say("Use it")
USE_INFO = say("Where it says {prompt} your prompt goes; otherwise it goes behind yours.")
NAME = say("Save prompt and negative prompt as")
NAME_HINT = say("Name")
SAVE = say("Save")
TAKE = say("Take in a styles.csv")
WILDCARDS = say("Wildcards: press one to add it to the prompt")
GRAMMAR = say(
    "{red|green|blue} becomes one of the three, {2$$a|b|c} two of them, {3::a|b} three "
    "times as often a. __colour__ becomes a line of colour.txt in {0}. The seed decides, "
    "and the picture keeps what it was."
)
NO_PRESET = say("there is no preset of this name: choose one from the list")


def saved(name: str) -> str:
    """A preset is in the file."""
    return say("Saved the preset {name}: A1111 can read it too.", name=name)


def taken(count: int, name: str) -> str:
    """Presets of another file have joined."""
    return say("{presets} taken in from {name}.", presets=text.count(count, "preset"), name=name)
