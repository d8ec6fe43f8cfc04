"""Words of the tab where a style is taught from pictures."""

from collections.abc import Mapping, Sequence

from eigenlorax.jobs.job import State
from ui import text
from ui.language import say

TAB = say("Train")
FEWEST, MOST = 3, 20
PICTURES_HEADING = say("Pictures")
PICTURES_INFO = say("3 to 20 pictures of one style, one character or one object.")
DROP = say("Drop pictures here")
PATH = say("Or a folder of pictures")
PATH_HINT = "/home/me/pictures/watercolours"
ADD = say("Add")
EXAMPLE = say("Try it with example pictures")
EXAMPLE_NAME = say("Streamline")
CAPTIONS = say("Pictures and captions")
CLEAR = say("Remove all")
REMOVE = say("Remove")
CAPTION_OF = say("Caption of")
NO_CAPTION = say("No caption: “a picture, your trigger word” is used")

STYLE_HEADING = say("New style")
NAME = say("Name")
NAME_HINT = say("My watercolours")
TRIGGER = say("Trigger word")
TRIGGER_INFO = say("The trigger word stands for the style in prompts; it becomes part of every caption.")
TRIGGER_HINT = "mywatercolour style"
PRESET = say("Preset")
PRESETS: Mapping[str, tuple[str, str]] = {
    "style": (say("Style"), say("A look: what all pictures share, whatever they show.")),
    "character": (
        say("Character"),
        say("One figure, whose trigger word is taught to the text encoders too."),
    ),
    "object": (say("Object"), say("One thing; other things of its kind stay as they are.")),
    "quick": (say("Quick"), say("A first look, in few steps.")),
    "best": (
        say("Best"),
        say("Afterwards a private rank in each module: slower, larger, nearer to the pictures."),
    ),
}

ADVANCED = say("Advanced settings")
STEPS = say("Steps at most")
ROWS = say("Pictures in a step")
RATE = say("Learning rate")
RANKS = say("Private ranks")
COLUMNS = say("Columns to learn in, at least")
CHECK = say("Steps between measurements")
PRESERVE = say("Preservation")
MIRRORS = say("Learn from mirror images too")
MIRRORS_INFO = say("Not for faces, letters, or anything with a left and a right.")
TEXTS = say("Teach the text encoders too")
TEXTS_INFO = say("Ties the trigger word closer to the style.")
SUBJECT = say("What all pictures show")
SUBJECT_INFO = say("For pictures without a caption, such as: a dog")
SAMPLES = say("Sample prompts")
SAMPLES_INFO = say(
    "One a line; drawn as it learns, always from the same noise. Left empty: some of the captions."
)
EVERY = say("Steps between samples")
SEED = say("Seed")

START = say("Train")
PAUSE = say("Pause")
RESUME = say("Resume")
CANCEL = say("Cancel")
EMPTY_TITLE = say("Teach a style of your own")
EMPTY_STEPS = (
    say("Drop 3 to 20 pictures. Different subjects work best: what the pictures share is what is learnt."),
    say("Look over their captions. A .txt file beside a picture, or its file's name, becomes its caption."),
    say("Give the style a name and a trigger word."),
    say("Press Train. Here you will watch it learn: the curve, and pictures of it as it gets better."),
)
EMPTY_END = say(
    "The styles that you have are its teachers: only coefficients in the space that they span "
    "are learnt, so it takes minutes, and the style is small enough to travel inside a picture."
)
NO_SUBSPACE = say("there is no shared space to learn in yet: compress some LoRAs in Library first")
NO_FOLDER = say("write a folder of pictures first")
NO_PICTURE = say("there is no picture to learn from: drop 3 to 20 of one style")
OPEN = say("Open in Generate")
CARD = say("Style card")
SAMPLES_HEADING = say("As it learns")
KEPT = say("kept")

HELD_AXIS = say("error on held-out pictures")
LOSS_AXIS = say("loss of each step")
STEPS_AXIS = say("steps")
HELD_KEY = say("held-out pictures: lower is better, and what counts")
LOSS_KEY = say("pictures learnt from")

STANDS: Mapping[State, str] = {
    State.CANCELLED: say("Cancelled. No style was added; Resume goes on from the last measurement."),
    State.INTERRUPTED: say("The program ended while it learnt. Resume goes on from the last measurement."),
    State.PAUSED: say("Paused; the model is free for pictures. Resume goes on from the last measurement."),
}
_NOW: Mapping[State, str] = {
    State.QUEUED: say("waits"),
    State.RUNNING: say("is learning"),
    State.PAUSED: say("is paused"),
    State.DONE: say("is taught"),
    State.FAILED: say("could not be taught"),
    State.CANCELLED: say("was cancelled"),
    State.INTERRUPTED: say("was interrupted"),
}


def best(step: float) -> str:
    """The mark of the measurement that is kept."""
    return say("best: the start") if step == 0 else say("best: step {step:g}", step=step)


def measured(step: float, error: float, *, is_best: bool) -> str:
    """What a point of the curve says when it is pointed at."""
    told = say("step {step:g}: held-out error {error:.4f}", step=step, error=error)
    return say("{told}, the best so far, kept", told=told) if is_best else told


def curve(train: Sequence[tuple[float, float]], held: Sequence[tuple[float, float]]) -> str:
    """The curve for those who do not see it."""
    if not held:
        return say("Learning curve: {steps}, nothing measured yet", steps=text.count(len(train), "step"))
    least = min(held, key=lambda point: point[1])
    return say(
        "Learning curve: held-out error from {first:.4f} at step {start:g} to {last:.4f} at "
        "step {end:g}, least {least:.4f} at step {best:g}",
        first=held[0][1],
        start=held[0][0],
        last=held[-1][1],
        end=held[-1][0],
        least=least[1],
        best=least[0],
    )


def chosen(taken: int) -> str:
    """What to know of how many pictures there are; nothing when they are neither few nor many."""
    if taken < FEWEST:
        return say(
            "{pictures}: {fewest} are the fewest that teach a style",
            pictures=text.count(taken, "picture"),
            fewest=FEWEST,
        )
    if taken <= MOST:
        return ""
    return say("{taken} pictures: more than {most} are rarely needed", taken=taken, most=MOST)


def nowhere(path: str) -> str:
    """A path that leads nowhere."""
    return say("there is no file or folder at {path}", path=path)


def nothing_found(path: str) -> str:
    """A folder without pictures."""
    return say("{path} holds no pictures", path=path)


def errors(base: float, before: float, after: float) -> str:
    """What was learnt, as held-out errors."""
    gain = 1.0 - after / base if base else 0.0
    change = say("{share:.1%} less", share=gain) if gain >= 0 else say("{share:.1%} more", share=-gain)
    return say(
        "Error on pictures it never learnt from: {base:.4f} without the style → {before:.4f} "
        "at the start → {after:.4f} now ({change})",
        base=base,
        before=before,
        after=after,
        change=change,
    )


def size(numbers: int, stored: int) -> str:
    """What the style is made of."""
    return say("{numbers:,} numbers, {size}", numbers=numbers, size=text.megabytes(stored))


def learnt_from(learnt: int, held: int, seconds: float) -> str:
    """What it was learnt from, and how long that took."""
    minutes = say("{minutes:.0f} min", minutes=seconds / 60)
    took = say("{seconds:.0f} s", seconds=seconds) if seconds < 120 else minutes
    return say(
        "{pictures} to learn from, {held} to measure by, in {took}",
        pictures=text.count(learnt, "picture"),
        held=held,
        took=took,
    )


def done(name: str, trigger: str) -> str:
    """The news that a style has been taught."""
    return say("{name} is in the rack. Write “{trigger}” in prompts.", name=name, trigger=trigger)


def carded(name: str, size: int) -> str:
    """The news that a card is written."""
    return say(
        "This picture carries {name} ({size}). Drop it into Library to bring it back.",
        name=name,
        size=text.megabytes(size),
    )


def job_heading(name: str, state: State) -> str:
    """A style's name and where its training stands."""
    return f"{name} {_NOW[state]}"
