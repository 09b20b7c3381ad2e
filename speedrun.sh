#!/usr/bin/env bash
# The recipe of the shipped weights, in order. Every step resumes where it was stopped: run it again.
# TRIAL=1 rehearses it small, on a copy of the code with a cache of its own, which it tells: shipped weights stay as they
# are. Remove that folder to begin anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache="${NEXTGPT_CACHE:-$HOME/.cache/nextgpt}" out=out
size=() dialogues=(--scale 0.5) decoder=() steps=() limit=() control=() media=() samples=()
if [ -n "${TRIAL:-}" ]; then
  trial="${TMPDIR:-/tmp}/nextgpt-trial"
  echo "Rehearsing in $trial."
  mkdir -p "$trial/cache"
  [ -e "$trial/src" ] || cp -r src "$trial/"
  mkdir -p "$cache/parts" && ln -sfn "$cache/parts" "$trial/cache/parts"
  export PYTHONPATH="$trial/src" NEXTGPT_CACHE="$trial/cache"
  cache="$trial/cache" out="$trial/out"
  size=(--scale 0.03) dialogues=(--scale 0.03) decoder=(--scale 0.002) steps=(--steps-scale 0.002)
  limit=(--limit 4) control=(--control 2) media=(--names 2 --distances 4) samples=(--samples 1)
fi
checkpoints="$cache/checkpoints/nano"

# 1. parts and data: pretrained weights, art, soundfonts; scenes and dialogues; the base model's own replies
nextgpt parts pull --nano --data
nextgpt data build nano "${size[@]}"
nextgpt data replay nano "${samples[@]}"
nextgpt data build mosit "${dialogues[@]}"

# 2. the small decoders, then frozen (the clips' begins with the pictures' autoencoder)
nextgpt decoders train image "${decoder[@]}"
nextgpt decoders train video "${decoder[@]}"
nextgpt decoders train audio "${decoder[@]}"
nextgpt eval nano-generation --out "$out/generation" "${limit[@]}" "${control[@]}" "${media[@]}"
nextgpt decoders card image --scores "$out/generation/scores.json"
nextgpt decoders card video --scores "$out/generation/scores.json"
nextgpt decoders card audio --scores "$out/generation/scores.json"

# 3. the three stages
nextgpt train encoder-alignment --preset nano "${steps[@]}"
nextgpt train decoder-alignment --from "$checkpoints/encoder-alignment" "${steps[@]}"
nextgpt train instruction-tuning --from "$checkpoints/decoder-alignment" "${steps[@]}"

nextgpt ship "$checkpoints/instruction-tuning"

# 4. the tables
nextgpt eval nano-understanding --beside "$checkpoints/encoder-alignment" --out "$out/understanding" "${limit[@]}" "${control[@]}"
nextgpt eval nano-agreement --out "$out/agreement" "${limit[@]}"
nextgpt eval nano-matrix --out "$out/matrix" "${limit[@]}" "${control[@]}"
nextgpt eval nano-chat --out "$out/chat" "${samples[@]}"
nextgpt eval nano-slots --out "$out/slots" "${limit[@]}"
nextgpt ship "$checkpoints/instruction-tuning" --scores "$out/understanding/scores.json"
