"""A1111's account of a drawing: its own JSON, every field of it, as text."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from eigenlorax import __version__
from eigenlorax.jobs.job import Job
from eigenlorax.recall.tags import lora_tags
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.samplers import name_of
from eigenlorax.studio import Studio

_STAMP = "%Y%m%d%H%M%S"


def account(studio: Studio, request: GenerationRequest, infotexts: Sequence[str], job: Job) -> str:
    """What was drawn.

    Source: AUTOMATIC1111, modules/processing.py (Processed.js), for the names.

    Args:
        studio: Where.
        request: What was asked for; its seeds are decided.
        infotexts: Of the pictures that came of it; none where it was interrupted.
        job: That drew them.
    """
    alone = [request.of_picture(place) for place in range(request.batch)]
    canvas, hires = request.canvas, request.hires
    over = canvas or hires
    prompt = request.prompt + lora_tags({n: s for n, s in request.styles.items() if s}, request.dials)
    found: dict[str, Any] = {
        "prompt": prompt,
        "all_prompts": [prompt] * request.batch,
        "negative_prompt": request.negative_prompt,
        "all_negative_prompts": [request.negative_prompt] * request.batch,
        "seed": request.seed,
        "all_seeds": [one.seed for one in alone],
        "subseed": request.variation_seed,
        "all_subseeds": [one.variation_seed for one in alone],
        "subseed_strength": request.variation_strength,
        "width": request.width,
        "height": request.height,
        "sampler_name": request.sampler or name_of(studio.base.pipeline.scheduler),
        "cfg_scale": request.guidance,
        "steps": request.steps,
        "batch_size": request.batch,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": studio.base.name,
        "sd_model_hash": None,
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": None if over is None else over.strength,
        "extra_generation_params": {"Eigen styles": dict(request.styles)} if request.styles else {},
        "index_of_first_image": 0,
        "infotexts": list(infotexts),
        "styles": [],
        "job_timestamp": stamp(job),
        "clip_skip": request.clip_skip,
        "is_using_inpainting_conditioning": False,
        "version": f"EigenLoRAx Studio {__version__}",
    }
    return json.dumps(found, ensure_ascii=False)


def stamp(job: Job) -> str:
    """When a job began, as A1111 writes it: local time."""
    return datetime.fromtimestamp(job.started or job.created).strftime(_STAMP)
