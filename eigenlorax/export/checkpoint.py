"""Base and styles in one: a merged checkpoint."""

from eigenlorax.export.exact import blend_words
from eigenlorax.export.request import CheckpointExport, CheckpointResult
from eigenlorax.export.target import bytes_of, free_target
from eigenlorax.library.atomic import folder_written_aside, told, written_aside
from eigenlorax.runtime.merge import check_folder, check_single_file, write_folder
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.single_file import PARTS, write_single_file
from eigenlorax.runtime.variant import told_by


def write_checkpoint(base: BaseModel, request: CheckpointExport) -> CheckpointResult:
    """Write the model as it stands, styles included; load it again and compare every weight.

    Raises:
        InvalidRequestError: the target is there already.
        NotWrittenError: the disk refused, or a weight did not come back; nothing is left.
    """
    dtypes = dict.fromkeys(PARTS, request.precision.dtype)
    dtypes["vae"] = (request.vae_precision or request.precision).dtype
    target = free_target(request.target, request.replace)
    with told(target):
        if target.suffix == ".safetensors":
            marks, prediction = told_by(base.variant.prediction)
            metadata = {
                "format": "pt",
                "modelspec.sai_model_spec": "1.0.1",
                "modelspec.architecture": "stable-diffusion-xl-v1-base",
                "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
                "modelspec.title": target.stem,
                "modelspec.resolution": f"{base.native_size}x{base.native_size}",
                "modelspec.prediction_type": prediction,
                "modelspec.merged_from": ", ".join(filter(None, (base.name, blend_words(request.styles)))),
            }
            with written_aside(target) as aside:
                write_single_file(base.pipeline, aside, dtypes, metadata, marks)
                check_single_file(base.pipeline, aside, dtypes)
        else:
            with folder_written_aside(target) as aside:
                write_folder(base.pipeline, aside, dtypes)
                check_folder(base.pipeline, aside, dtypes)
    return CheckpointResult(target, bytes_of(target))
