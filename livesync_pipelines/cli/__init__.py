"""The terminal door: `livesync`.

`main`, `setting_up`, `syncing`, `looking` say what may be typed and import only click, so that
help is quick; what a command does is in `work/`, imported when the command runs. With `--json`
standard output is one JSON document; all that is said to a person besides goes to standard error.
"""
