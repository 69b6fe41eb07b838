"""Everyone gets in: axe-core finds nothing serious on any page, at a desk and on a phone, light and dark."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import AppServer
from tests.browser.rooms import PAGES, go

GRAVE = {"serious", "critical"}
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module", params=[("desk", "light"), ("phone", "dark")], ids=lambda asked: "-".join(asked))
def visitor(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab that goes from link to link: Streamlit's own scripts are fetched and compiled once."""
    size, scheme = request.param
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(visitor: Page, app_server: AppServer, path: str) -> None:
    go(visitor, app_server.url, path, model="mnist")
    found = Axe().run(visitor).response["violations"]
    grave = [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in found
        if fault["impact"] in GRAVE
    ]
    assert grave == []
