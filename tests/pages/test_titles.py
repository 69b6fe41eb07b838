"""Every page says what it is called, once, and then what it is for."""

import pytest

from tests.pages.conftest import PAGES, visit


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_and_a_first_sentence(home, page):
    app = visit(page, model="digits")
    assert len(app.main.title) == 1
    said = [each for each in app.main if each.type in ("title", "markdown", "caption")]
    assert said[0].type == "title" and said[1].type == "markdown" and len(said[1].value.split()) > 5
