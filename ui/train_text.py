"""Words of the tab where a style is taught from pictures."""

from collections.abc import Mapping, Sequence

from eigenlorax.jobs.job import State
from ui import text

TAB = "Train"
FEWEST, MOST = 3, 20
PICTURES_HEADING = "Pictures"
PICTURES_INFO = "3 to 20 pictures of one style, one character or one object."
DROP = "Drop pictures here"
PATH = "Or a folder of pictures"
PATH_HINT = "/home/me/pictures/watercolours"
ADD = "Add"
EXAMPLE = "Try it with example pictures"
EXAMPLE_NAME = "Streamline"
CAPTIONS = "Pictures and captions"
CLEAR = "Remove all"
REMOVE = "Remove"
CAPTION_OF = "Caption of"
NO_CAPTION = "No caption: “a picture, your trigger word” is used"

STYLE_HEADING = "New style"
NAME = "Name"
NAME_HINT = "My watercolours"
TRIGGER = "Trigger word"
TRIGGER_INFO = "The trigger word stands for the style in prompts; it becomes part of every caption."
TRIGGER_HINT = "mywatercolour style"
PRESET = "Preset"
PRESETS: Mapping[str, tuple[str, str]] = {
    "style": ("Style", "A look: what all pictures share, whatever they show."),
    "character": ("Character", "One figure, whose trigger word is taught to the text encoders too."),
    "object": ("Object", "One thing; other things of its kind stay as they are."),
    "quick": ("Quick", "A first look, in few steps."),
    "best": ("Best", "More steps and more to learn in: slower, larger, nearer to the pictures."),
}

ADVANCED = "Advanced settings"
STEPS = "Steps at most"
ROWS = "Pictures in a step"
RATE = "Learning rate"
RANKS = "Private ranks"
COLUMNS = "Shared columns at least"
CHECK = "Steps between measurements"
PRESERVE = "Preservation"
MIRRORS = "Learn from mirror images too"
MIRRORS_INFO = "Not for faces, letters, or anything with a left and a right."
TEXTS = "Teach the text encoders too"
TEXTS_INFO = "Ties the trigger word closer to the style."
SUBJECT = "What all pictures show"
SUBJECT_INFO = "For pictures without a caption, such as: a dog"
SAMPLES = "Sample prompts"
SAMPLES_INFO = "One a line; drawn as it learns, always from the same noise. Left empty: some of the captions."
EVERY = "Steps between samples"
SEED = "Seed"

START = "Train"
PAUSE = "Pause"
RESUME = "Resume"
CANCEL = "Cancel"
EMPTY_TITLE = "Teach a style of your own"
EMPTY_STEPS = (
    "Drop 3 to 20 pictures. Different subjects work best: what the pictures share is what is learnt.",
    "Look over their captions. A .txt file beside a picture, or its file's name, becomes its caption.",
    "Give the style a name and a trigger word.",
    "Press Train. Here you will watch it learn: the curve, and pictures of it as it gets better.",
)
EMPTY_END = (
    "The styles that you have are its teachers: only coefficients in their shared space are learnt, so it "
    "takes minutes, and the style is a few dozen kilobytes."
)
NO_SUBSPACE = "there is no shared space to learn in yet: compress some LoRAs in Library first"
NO_PICTURE = "there is no picture to learn from: drop 3 to 20 of one style"
OPEN = "Open in Generate"
CARD = "Style card"
SAMPLES_HEADING = "As it learns"
KEPT = "kept"

HELD_AXIS = "error on held-out pictures"
LOSS_AXIS = "loss of each step"
STEPS_AXIS = "steps"
HELD_KEY = "held-out pictures: lower is better, and what counts"
LOSS_KEY = "pictures learnt from"

STANDS: Mapping[State, str] = {
    State.CANCELLED: "Cancelled. No style was added; Resume goes on from the last measurement.",
    State.INTERRUPTED: "The program ended while it learnt. Resume goes on from the last measurement.",
    State.PAUSED: "Paused; the model is free for pictures. Resume goes on from the last measurement.",
}
_NOW: Mapping[State, str] = {
    State.QUEUED: "waits", State.RUNNING: "is learning", State.PAUSED: "is paused", State.DONE: "is taught",
    State.FAILED: "could not be taught", State.CANCELLED: "was cancelled",
    State.INTERRUPTED: "was interrupted",
}  # fmt: skip


def best(step: float) -> str:
    """The mark of the measurement that is kept."""
    return "best: the start" if step == 0 else f"best: step {step:g}"


def measured(step: float, error: float, *, is_best: bool) -> str:
    """What a point of the curve says when it is pointed at."""
    kept = ", the best so far, kept" if is_best else ""
    return f"step {step:g}: held-out error {error:.4f}{kept}"


def curve(train: Sequence[tuple[float, float]], held: Sequence[tuple[float, float]]) -> str:
    """The curve for those who do not see it."""
    if not held:
        return f"Learning curve: {text.count(len(train), 'step')}, nothing measured yet"
    least = min(held, key=lambda point: point[1])
    return (
        f"Learning curve: held-out error from {held[0][1]:.4f} at step {held[0][0]:g} to {held[-1][1]:.4f} "
        f"at step {held[-1][0]:g}, least {least[1]:.4f} at step {least[0]:g}"
    )


def chosen(taken: int) -> str:
    """What to know of how many pictures there are; nothing when they are neither few nor many."""
    if taken < FEWEST:
        return f"{text.count(taken, 'picture')}: {FEWEST} are the fewest that teach a style"
    return f"{taken} pictures: more than {MOST} are rarely needed" if taken > MOST else ""


def nothing_found(path: str) -> str:
    """A folder without pictures."""
    return f"{path} holds no pictures"


def errors(base: float, before: float, after: float) -> str:
    """What was learnt, as held-out errors."""
    gain = 1.0 - after / base if base else 0.0
    return (
        f"Error on pictures it never learnt from: {base:.4f} without the style → {before:.4f} at the start "
        f"→ {after:.4f} now ({abs(gain):.1%} {'less' if gain >= 0 else 'more'})"
    )


def size(numbers: int, stored: int) -> str:
    """What the style is made of."""
    return f"{numbers:,} numbers, {text.megabytes(stored)}"


def learnt_from(learnt: int, held: int, seconds: float) -> str:
    """What it was learnt from, and how long that took."""
    took = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{text.count(learnt, 'picture')} to learn from, {held} to measure by, in {took}"


def done(name: str, trigger: str) -> str:
    """The news that a style has been taught."""
    return f"{name} is in the rack. Write “{trigger}” in prompts."


def carded(name: str, size: int) -> str:
    """The news that a card is written."""
    return f"This picture carries {name} ({text.megabytes(size)}). Drop it into Library to bring it back."


def job_heading(name: str, state: State) -> str:
    """A style's name and where its training stands."""
    return f"{name} {_NOW[state]}"
