"""PSNR of the shipped autoencoder on the picture sets it never saw: fp16 weights, float32 arithmetic on the CPU.

python assets/build/eval_vae.py --data build-data/emoji --vae assets/demo/model/vae --json assets/build/logs/vae_psnr.json
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from emoji_data import Source, load_pictures
from train_vae import UNSEEN, psnr_by_set


def main() -> None:
    """Read the command line, measure, print and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of the picture sets")
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="only every so-manyth picture")
    parser.add_argument("--json", type=Path, help="write the table here too")
    arguments = parser.parse_args()
    source = Source(arguments.data)
    rows = source.rows(UNSEEN)[:: arguments.every]
    vae = AutoencoderKL.from_pretrained(arguments.vae, torch_dtype=torch.float32)
    table = psnr_by_set(vae, load_pictures(source, rows), rows)
    print(json.dumps(table, indent=1))
    if arguments.json:
        result = {"every": arguments.every, "pictures": len(rows), "psnr_db": table}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
