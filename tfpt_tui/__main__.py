"""``python -m tfpt_tui`` is the same program as ``tfpt-tui``."""

from tfpt_tui.cli.main import main

if __name__ == "__main__":
    main()
