"""Words of the pair of pictures in the library: a LoRA's own beside its style's."""

from ui.language import say

HEADING = say("Original and style, side by side")
INFO = say(
    "The first prompt of “More for this subspace”, one seed, strength 1. Drag the handle: "
    "the nearer they are, the less changes."
)
STYLE = say("Style to look at")
PREVIOUS = say("‹ Previous style")
NEXT = say("Next style ›")
DRAW = say("Draw both")
SLIDER = say("Original LoRA left, style right")
NOTHING = say("There is no style with a LoRA to look at yet: press Compress first")
