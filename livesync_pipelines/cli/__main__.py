"""`python -m livesync_pipelines.cli`."""

from livesync_pipelines.cli.main import main

main()
