#!/usr/bin/env bash
# The recipe of the shipped weights, in order. Every step resumes where it was stopped: run it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
checkpoints="${NEXTGPT_CACHE:-$HOME/.cache/nextgpt}/checkpoints/nano"

# 1. parts and data: pretrained weights, art, soundfonts; scenes and dialogues; the base model's own replies
nextgpt parts pull --nano --data
nextgpt data build nano
nextgpt data replay nano
nextgpt data build mosit --scale 0.5

# 2. the small decoders, then frozen (the clips' begins with the pictures' autoencoder)
nextgpt decoders train image
nextgpt decoders train video
nextgpt decoders train audio
nextgpt eval nano-generation --out out/generation
nextgpt decoders card image --scores out/generation/scores.json
nextgpt decoders card video --scores out/generation/scores.json
nextgpt decoders card audio --scores out/generation/scores.json

# 3. the three stages
nextgpt train encoder-alignment --preset nano
nextgpt train decoder-alignment --from "$checkpoints/encoder-alignment"
nextgpt train instruction-tuning --from "$checkpoints/decoder-alignment"

nextgpt ship "$checkpoints/instruction-tuning"

# 4. the tables
nextgpt eval nano-understanding --beside "$checkpoints/encoder-alignment" --out out/understanding
nextgpt eval nano-agreement --out out/agreement
nextgpt eval nano-matrix --out out/matrix
nextgpt eval nano-chat --out out/chat
nextgpt eval nano-slots --out out/slots
nextgpt ship "$checkpoints/instruction-tuning" --scores out/understanding/scores.json
