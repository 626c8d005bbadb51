"""The checker of array shapes and types in tests: beartype, taking whole numbers as floats."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
