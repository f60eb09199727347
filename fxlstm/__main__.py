"""``python -m fxlstm``: the command line."""

from fxlstm.app.cli import main

if __name__ == "__main__":
    main()
