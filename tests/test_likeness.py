"""Distances between pictures: known by hand, and equal to another program's."""

import numpy as np
import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.likeness import distance


def _waves() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:32]
    return (128 + 100 * np.sin(x / 5) * np.cos(y / 7)).astype(np.uint8)


def test_ssim_is_that_of_scikit_image() -> None:
    """scikit-image 0.26.0: gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1."""
    y, x = np.mgrid[0:40, 0:32]
    noisy = np.clip(_waves().astype(int) + ((x * 7 + y * 13) % 41 - 20), 0, 255).astype(np.uint8)
    for other, golden in ((noisy, 0.7962473678309259), (255 - _waves(), -0.6142998319188409)):
        found = distance(Image.fromarray(_waves()), Image.fromarray(other))
        assert found.ssim == pytest.approx(golden, abs=1e-9)


def test_rms_is_the_root_of_the_mean_square_of_all_channels() -> None:
    black, red = Image.new("RGB", (16, 12), "black"), Image.new("RGB", (16, 12), (255, 0, 0))
    assert distance(black, red).rms == pytest.approx((1 / 3) ** 0.5)
    assert distance(red, red).rms == 0.0 and distance(red, red).ssim == pytest.approx(1.0)


def test_pictures_that_cannot_be_compared() -> None:
    with pytest.raises(InvalidRequestError, match="draw both at one size"):
        distance(Image.new("RGB", (16, 16)), Image.new("RGB", (16, 24)))
    with pytest.raises(InvalidRequestError):
        distance(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8)))
