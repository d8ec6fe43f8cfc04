"""The method's name in peft's own list of methods.

`register_peft_method` asks that the name be a member of the enumeration `PeftType`, to which peft adds in its
own source; methods that live elsewhere have no other way in (huggingface/peft issue 2273). A closed
enumeration gets a member by the three tables that Python keeps of it.
"""

from peft.utils.peft_types import PeftType

NAME = "eigenlorax"
PREFIX = "eigenlorax_"


def _member(name: str) -> PeftType:
    if name in PeftType.__members__:
        return PeftType[name]
    member = str.__new__(PeftType, name)
    member._name_ = member._value_ = name
    PeftType._member_names_.append(name)
    PeftType._member_map_[name] = member
    PeftType._value2member_map_[name] = member
    return member


EIGENLORAX = _member(NAME.upper())
