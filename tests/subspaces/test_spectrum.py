"""The spectrum of the open subspace, against dense singular values."""

import pytest
import torch

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.module_path import Component
from eigenlorax.studio import Studio
from eigenlorax.subspace.migrate import as_lora


def test_kept_is_what_dense_singular_values_say(studio: Studio) -> None:
    found = drain(studio.spectra.spectrum())
    assert found == studio.spectra.known
    part = studio.growth._bench.open_now()
    loras = [as_lora(style, part.subspace) for style in part.styles.values()]
    paths = sorted({path for lora in loras for path in lora.layers if path.component is Component.UNET})
    (middle,) = [one for one in found.parts if one.part == "middle"]
    assert middle.measured == middle.modules == len(paths) <= 8
    everything = {path for lora in loras for path in lora.layers}
    norms = [
        sum(lora.layers[p].norm ** 2 for p in everything if p in set(lora.layers)) ** 0.5 for lora in loras
    ]
    kept, energy = torch.zeros(len(found.directions), dtype=torch.float64), 0.0
    for path in paths:
        dense = [
            (layer.up @ layer.down).double() / norm
            for lora, norm in zip(loras, norms, strict=True)
            for layer in [lora.layers[path]]
        ]
        for stack in (torch.cat(dense, 1), torch.cat([one.mT for one in dense], 1)):
            squares = torch.linalg.svdvals(stack).square().cumsum(0)
            kept += squares[torch.tensor(found.directions).clamp(max=len(squares)) - 1] / 2
        energy += sum(float(one.square().sum()) for one in dense)
    assert middle.kept == pytest.approx((kept / energy).tolist(), abs=1e-5)


def test_relatives_stand_above_strangers_and_both_reach_the_end(studio: Studio) -> None:
    found = drain(studio.spectra.spectrum())
    for part in found.parts:
        assert list(part.kept) == sorted(part.kept) and list(part.chance) == sorted(part.chance)
        assert part.kept[-1] > 0.99
    (middle,) = [one for one in found.parts if one.part == "middle"]
    assert middle.reaches(found.directions, 0.8) < middle.reaches(found.directions, 0.8, by_chance=True)


def test_a_new_version_has_its_own(studio: Studio) -> None:
    drain(studio.spectra.spectrum())
    studio.growth.remove("own")
    assert studio.spectra.known is None
    for name in list(studio.styles):
        studio.growth.remove(name)
    with pytest.raises(InvalidRequestError, match="no spectrum yet"):
        drain(studio.spectra.spectrum())
