"""The bibliography: BibTeX entries under the keys that registries cite."""

import re
from functools import cache
from importlib import resources

from games.registry import nearest


@cache
def entries() -> dict[str, str]:
    """Every entry of the packaged bibliography under its key."""
    text = resources.files("games").joinpath("references.bib").read_text(encoding="utf-8")
    blocks = [block.strip() for block in re.split(r"^(?=@)", text, flags=re.MULTILINE) if block.strip()]
    return {block[block.index("{") + 1 : block.index(",")].strip(): block for block in blocks}


def bibtex(*keys: str) -> str:
    """The BibTeX entries of these keys, in the order given, each once.

    Args:
        *keys: citation keys, such as `"foerster2018lola"`.

    Returns:
        The entries, a blank line between two of them.

    Raises:
        ValueError: for an unknown key; the message gives the nearest match and all keys.

    Example:
        >>> print(bibtex("nash1950").splitlines()[0])
        @article{nash1950,
    """
    known = entries()
    for key in keys:
        if key not in known:
            raise ValueError(f"Unknown citation {key!r}; {nearest(key, known)}.")
    return "\n\n".join(known[key] for key in dict.fromkeys(keys))
