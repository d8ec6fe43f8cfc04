"""Names that strangers give to files: which of them are a file's name on every system."""

import re

#: What Windows opens in place of a file, whatever ending the name has.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE)
#: Of a name on nearly every disk, less what is written while it is not yet whole.
_MOST_BYTES = 240


def is_plain(name: str) -> bool:
    """Whether a name names a file in the folder where it is used, and nothing else, anywhere.

    False for paths, for Windows' devices (NUL, COM1.txt), for names that end in a dot or a blank, which
    Windows drops, for control characters, and for names too long for a disk.

    Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
    """
    return (
        bool(name.strip("."))
        and len(name.encode("utf-8", "replace")) <= _MOST_BYTES
        and not set(name) & {"/", "\\"}
        and not name.endswith((".", " "))
        and all(letter >= " " for letter in name)
        and _DEVICE.fullmatch(name) is None
    )
