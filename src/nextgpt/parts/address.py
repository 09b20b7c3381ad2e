"""Where a part comes from: one line of text that pins a package, a revision or a file.

    pypi:name==version#path     npm:name@version#path     deb:name=version#path
    hf:org/name@revision#path   file:path

`#path` is optional: the file or folder inside the package that is wanted, everything else is left out.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from ..errors import PartError

FORMS: dict[str, str] = {
    "pypi": "pypi:name==version#path",
    "npm": "npm:name@version#path",
    "deb": "deb:name=version#path",
    "hf": "hf:org/name@revision#path",
    "file": "file:path",
}

# A name never starts with "-" (a client would read an option) and a version is exact (no range, no tag).
_PATTERNS: dict[str, re.Pattern[str]] = {
    "pypi": re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][A-Za-z0-9.+!_-]*)"),
    "npm": re.compile(r"(?P<name>(?:@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*)@(?P<version>\d+\.\d+\.\d+[\w.+-]*)"),
    "deb": re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)=(?P<version>[0-9][A-Za-z0-9.+:~-]*)"),
    "hf": re.compile(r"(?P<name>\w[\w.-]*/\w[\w.-]*)@(?P<version>\w[\w./-]*)"),
    "file": re.compile(r"(?P<name>[^\0\n]+)(?P<version>)"),
}


@dataclass(frozen=True)
class Address:
    """A parsed address. `version` is empty for file:, `path` is empty when the whole package is wanted."""

    scheme: str
    name: str
    version: str = ""
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address.

        Raises:
            PartError: unknown scheme, missing or inexact version, or a path that would leave the package.
        """
        scheme, colon, rest = text.partition(":")
        if not colon or scheme not in FORMS:
            raise PartError(f"{text!r} is not an address of a part; use one of {', '.join(FORMS.values())}.")
        body, _, path = (rest, "", "") if scheme == "file" else rest.partition("#")
        match = _PATTERNS[scheme].fullmatch(body)
        if match is None:
            raise PartError(f"{text!r} is not an address of a part; the form is {FORMS[scheme]}.")
        if path and not is_inner_path(path):
            raise PartError(f"the path {path!r} of {text!r} must stay inside the package (a/b, no '..').")
        return cls(scheme, match["name"], match["version"], path.rstrip("/"))

    @property
    def requirement(self) -> str:
        """What the client is asked for: the address without scheme and inner path."""
        separator = {"pypi": "==", "npm": "@", "deb": "=", "hf": "@", "file": ""}[self.scheme]
        return f"{self.name}{separator}{self.version}"

    def __str__(self) -> str:
        return f"{self.scheme}:{self.requirement}" + (f"#{self.path}" if self.path else "")


def is_inner_path(path: str) -> bool:
    """True for a relative path with forward slashes that names something below its start on every system."""
    if not path or "\\" in path or "\0" in path or PureWindowsPath(path).drive:
        return False
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and bool(pure.parts)
