"""The words around the prompt: trigger words, presets, wildcards."""

TRIGGERS = "Trigger words of the styles that are on: press one to add it to the prompt"
ROOM = "Presets and wildcards"
PRESET = "Preset"
USE = "Use it"
USE_INFO = "Where it says {prompt} your prompt goes; otherwise it goes behind yours."
NAME = "Save prompt and negative prompt as"
NAME_HINT = "Name"
SAVE = "Save"
TAKE = "Take in a styles.csv"
WILDCARDS = "Wildcards: press one to add it to the prompt"
GRAMMAR = (
    "{red|green|blue} becomes one of the three, {2$$a|b|c} two of them, {3::a|b} three times as often a. "
    "__colour__ becomes a line of colour.txt in {0}. The seed decides, and the picture keeps what it was."
)
NO_PRESET = "there is no preset of this name: choose one from the list"


def saved(name: str) -> str:
    """A preset is in the file."""
    return f"Saved the preset {name}: A1111 can read it too."


def taken(count: int, name: str) -> str:
    """Presets of another file have joined."""
    return f"{count} {'preset' if count == 1 else 'presets'} taken in from {name}."
