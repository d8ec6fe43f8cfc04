"""The use case of a prompt as people paste it: presets, wildcards, and `<lora:name:weight>` as styles."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from eigenlorax.cases.recall import restored
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.prompting.places import presets_file, wildcard_folder
from eigenlorax.prompting.presets import PromptPreset, read_presets
from eigenlorax.prompting.wildcards import filled_each
from eigenlorax.recall.recalled import Recalled
from eigenlorax.recall.restore import Missing
from eigenlorax.recall.tags import split_tags
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from eigenlorax.trigger_words import with_trigger_words

_TOLD = 12


def tagged(
    studio: Studio, request: GenerationRequest, presets: Sequence[str] = (), *, triggers: bool = True
) -> GenerationRequest:
    """A request with nothing left in its prompts but words.

    In A1111's order: presets over both prompts, wildcards and choices by each picture's seed, then each tag
    of the first picture becomes a style here, by its name or the name that its author gave it. A style that
    the request has already keeps the request's strength.

    Args:
        studio: Has the styles, the presets and the wildcards.
        request: As typed.
        presets: Names, in order.
        triggers: Add the trigger words of styles in positive use.

    Raises:
        UnknownStyleError: a tag, or a strength, names a style that is not here.
        InvalidRequestError: there is no such preset, or a wildcard cannot be filled.
    """
    prompt, negative = request.prompt, request.negative_prompt
    for preset in _presets(studio.library.root, presets):
        prompt, negative = preset.over(prompt, negative)
    each = filled_each(prompt, negative, request.seeds, wildcard_folder(studio.library.root))
    loras = split_tags(each[0][0])[1]
    found = restored(studio, Recalled(prompt=prompt, loras=loras))
    if found.missing:
        raise UnknownStyleError(_unknown(studio, found.missing[0]))
    styles = {**found.request.styles, **request.styles}
    for name in styles:
        if not studio.blending.can_make(name):
            raise UnknownStyleError(_unknown(studio, Missing(name)))
    worn = styles if triggers else {}
    bare = [
        (with_trigger_words(split_tags(words)[0], worn, studio.styles), against) for words, against in each
    ]
    dials = {**found.request.dials, **request.dials}
    return replace(request, styles=styles, dials=dials).with_prompts(bare)


def _presets(root: Path, names: Sequence[str]) -> list[PromptPreset]:
    known = {one.name: one for one in read_presets(presets_file(root))} if names else {}
    if missing := [name for name in names if name not in known]:
        there = ", ".join(list(known)[:_TOLD]) or "none yet: keep one first"
        raise InvalidRequestError(f"there is no preset named {missing[0]}; there are {there}")
    return [known[name] for name in names]


def _unknown(studio: Studio, missing: Missing) -> str:
    if missing.uncompressed:
        return f"{missing.sentence}: compress it first, or add it to the current styles"
    styles = list(studio.styles)
    if not styles:
        return f"no style named {missing.name}: there are no styles yet, compress some LoRAs first"
    near = get_close_matches(missing.name, styles, 3) or styles[:_TOLD]
    return f"no style named {missing.name}; there {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
