"""Text for a spreadsheet: what a program would take for a formula is made text again, and nothing else is touched.

A cell that begins with = + - @ or a tab is run as a formula by the programs that open CSV files, with all that a
formula may do. One quote mark before it keeps it text (OWASP, "CSV Injection"); taken away, it is what it was.
"""

import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Behind blanks a sign still begins a formula for some, and for those who read with other separators a cell begins
# behind a semicolon, a tab or in a new line. The wide signs count where people write in wide letters.
_SIGN = re.compile(r"((?:^|[;\t\r\n])(?:[^\S\t\r\n]|[\0\ufeff\u200b])*)([=+\-@＝＋－＠])")


def plain(text: str) -> str:
    """The text of a cell, with a quote mark before whatever would begin a formula. A plain number stays as it is."""
    if _NUMBER.fullmatch(text):
        return text
    text = _SIGN.sub(r"\1'\2", text)
    return f"'{text}" if text[:1] in ("\t", "\r") else text
