"""The one exception for people is one line, whatever name was put into it."""

from vae.errors import VAEError


def test_an_error_is_one_line() -> None:
    assert str(VAEError("The folder a\nb\r\nc\u2028d is empty.")) == "The folder a b c d is empty."
