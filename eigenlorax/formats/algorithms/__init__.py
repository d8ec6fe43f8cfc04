"""One file per way to store a weight update, each saying what it needs and what it computes."""

from eigenlorax.formats.algorithms.algorithm import Algorithm
from eigenlorax.formats.algorithms.full import FULL, REPLACEMENT, SCALED_DIFFERENCE
from eigenlorax.formats.algorithms.glora import GLORA
from eigenlorax.formats.algorithms.hadamard import LOHA
from eigenlorax.formats.algorithms.kronecker import LOKR
from eigenlorax.formats.algorithms.low_rank import LOW_RANK
from eigenlorax.formats.algorithms.orthogonal import OFT
from eigenlorax.formats.algorithms.rescaling import IA3
from eigenlorax.formats.algorithms.tlora import TLORA

ALGORITHMS: tuple[Algorithm, ...] = (
    LOW_RANK, LOHA, LOKR, GLORA, OFT, TLORA, IA3, FULL, REPLACEMENT, SCALED_DIFFERENCE,
)  # fmt: skip
