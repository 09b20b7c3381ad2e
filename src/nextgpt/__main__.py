"""`python -m nextgpt`, for launchers that start a module (accelerate launch, torchrun)."""

from nextgpt.cli import main

main()
