"""The frame around every page: the menu, the model, what was kept, the address. Then the page itself."""

from pathlib import Path

import streamlit as st

from pages.ui import frame, lead, sessions, state
from pages.ui.errors import plain, plain_errors
from pages.ui.remembered import on_trial

UI = Path(__file__).parent / "ui"
# A picture of our own: an icon by name would be asked of a server elsewhere.
st.set_page_config(page_title="Muscope", page_icon=UI / "icon.svg", layout="wide")
st.logo(UI / "logo.svg", size="large", icon_image=UI / "icon.svg")

MENU = {
    "Explore": [
        st.Page("start.py", title="Start", icon=":material/home:", default=True),
        st.Page("map.py", title="Map", icon=":material/scatter_plot:"),
        st.Page("sliders.py", title="Sliders", icon=":material/tune:"),
        st.Page("paths.py", title="Paths", icon=":material/timeline:"),
        st.Page("attributes.py", title="Attributes", icon=":material/add_reaction:"),
        st.Page("directions.py", title="Directions", icon=":material/explore:"),
        st.Page("sums.py", title="Sums", icon=":material/calculate:"),
        st.Page("sample.py", title="Sample", icon=":material/casino:"),
    ],
    "Make": [
        st.Page("bring.py", title="Your data", icon=":material/upload_file:"),
        st.Page("models.py", title="Your models", icon=":material/deployed_code:"),
        st.Page("train.py", title="Train", icon=":material/model_training:"),
    ],
    "Judge": [
        st.Page("report.py", title="Report", icon=":material/assessment:"),
        st.Page("compare.py", title="Compare", icon=":material/compare:"),
        st.Page("anomalies.py", title="Anomalies", icon=":material/troubleshoot:"),
    ],
}
page = st.navigation(MENU, position="hidden")  # drawn by the frame: Streamlit's own is no list to a screen reader

with plain_errors():
    sessions.wake(page.url_path)
    visitor = state.here()
    lead.follow(page)
    frame.open_model(visitor)
    visitor.below, visitor.link = None, {}
    side = frame.draw_frame(visitor, MENU)
    if visitor.notice:
        st.warning(plain(visitor.notice))
        visitor.notice = ""
    with plain_errors(), on_trial(visitor, page.url_path):
        page.run()
    frame.draw_after(visitor, side)
    sessions.keep(visitor, page.url_path)
