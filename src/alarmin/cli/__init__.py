"""The command line: parsing, progress and tables; everything it does can be done from Python."""
