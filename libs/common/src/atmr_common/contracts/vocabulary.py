"""The types of fields: what is no number, identifier or moment is a bounded code, never free text.

So no event can carry a name or a remark. A code is a pattern and not a list: a reader of this
release also reads the codes of the next one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AllowInfNan, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""A word that programs compare, as `wheelchair` or `day_changed`."""

FailureCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""A code, or the class of an unforeseen error, as `TimeoutError`."""

DirectionCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]+$", max_length=16)]
"""`ALLER` or `RETOUR`."""

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]*$", max_length=64)]
"""The name of a folder in the model repository, as `delay-risk`."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A digest in hexadecimal digits."""

GitRevision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{7,40}$")]
"""The revision of the code that made something."""

Finite = Annotated[float, AllowInfNan(False)]
"""A number that JSON can carry: neither NaN nor infinite."""

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A version that somebody counts up, of a model, a codec or a set of features."""

Probability = Annotated[float, Field(ge=0, le=1)]
"""Between 0 and 1, calibrated; where it is not known the field is None."""
