"""Words about the versions of a subspace: every one stays, and one is open."""

from collections.abc import Mapping
from datetime import datetime

from eigenlorax.jobs.job import Facts
from ui import text
from ui.language import say

LABEL = say("Versions")
WORDS: Mapping[str, str] = {
    "all": say("All versions ({count})"),
    "note": say("Nothing is deleted: every version stays in the data folder."),
    "back": say("Go back"),
    "use": say("Use"),
    "useNamed": say("Use the version of {when}"),
    "open": say("in use"),
}
TITLE = say("the version of {when}")


def when(saved: datetime, now: datetime) -> str:
    """When a version was made, on the clock of this machine; the day only where it is another one."""
    local, today = saved.astimezone(), now.astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def before(time: str, styles: int) -> str:
    """The version before the one in use."""
    return say("Before: version of {time}, {styles}", time=time, styles=text.count(styles, "style"))


def facts(styles: int, file_bytes: int, made_by: str) -> str:
    """A version in a few words; `made_by` is the work that made it, or nothing where that is not known."""
    parts = (text.count(styles, "style"), text.megabytes(file_bytes), made_by)
    return " · ".join(part for part in parts if part)


def used(found: Facts, seconds: float) -> str:
    """A version was opened, which takes no time worth telling."""
    del seconds
    time = when(datetime.fromtimestamp(found["saved"]), datetime.now())
    return say(
        "The version of {time} is in use, with {styles}. The other one stays in the list.",
        time=time,
        styles=text.count(found["styles"], "style"),
    )
