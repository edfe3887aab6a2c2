r"""Which BibTeX may be passed on: a bibliography is TeX, and TeX reads files and, where it may, runs programs.

A result may be somebody else's, and with it the citations that it brings. So an entry may hold accents, signs and
the commands that set a title's words; whatever else begins with a backslash is not passed on, known or not.
"""

from __future__ import annotations

import re

_ACCENTS = "b c d H k r t u v i j l L o O aa AA ae AE oe OE ss dh DH dj DJ ng NG th TH"
_WORDS = (
    "emph textbf textit textmd textnormal textrm textsc textsf textsl texttt textup textsubscript textsuperscript "
    "bf em it rm sc sf sl tt mbox enquote url TeX LaTeX dots ldots textellipsis textendash textemdash "
    "textquoteleft textquoteright textquotedblleft textquotedblright textasciitilde textasciicircum textbackslash "
    "textunderscore textbar textless textgreater textregistered texttrademark textcopyright textdegree "
    "copyright pounds dag ddag S P"
)
_MATHEMATICS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell infty times cdot pm sim "
    "approx leq geq to rightarrow leftarrow mathbf mathcal mathbb mathrm mathit sqrt frac"
)
_COMMANDS = frozenset(f"{_ACCENTS} {_WORDS} {_MATHEMATICS}".split())
_SIGNS = frozenset("'`^\"~=.&%$#_{}-/,;:!@*()[]|\\ \n")
_CONTROL = re.compile(r"\\([A-Za-z@]+|.|$)", re.DOTALL)
_NO_ENTRY = re.compile(r"@\s*(string|preamble|comment)\s*[{(]", re.IGNORECASE)
"""A preamble is TeX as it is, and a string's TeX is put wherever its name stands."""


def is_harmless(citation: str) -> bool:
    """Whether a text's entries can be passed on."""
    # ^^5c is a backslash to TeX, and ^^69nput is input.
    if "^^" in citation or _NO_ENTRY.search(citation):
        return False
    return all(name in _COMMANDS or name in _SIGNS for name in _CONTROL.findall(citation))
