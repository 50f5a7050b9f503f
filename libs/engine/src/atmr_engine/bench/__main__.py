"""`python -m atmr_engine.bench`."""

from atmr_engine.bench.command_line import main

if __name__ == "__main__":  # the processes of the peers import this file once more
    main()
