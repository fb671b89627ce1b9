"""The app: what is around every page. ``streamlit run app.py`` starts it on the bundled workspace."""

from tamrl.app import router
from tamrl.app.shared import components, drawing, sidebar, state, static, theme, visitor
from tamrl.system.tidy import TIDIER


def main() -> None:
    """Run one turn of the app: window, sidebar, and the page that the address names."""
    visitor.arrive()
    page = router.navigation(asked=state.restore())
    theme.apply()
    try:
        sidebar.begin(page.url_path)
        sidebar.show()
        # Addresses that name no page share the turns of Start: whoever makes them up adds nothing that stays.
        with drawing.TURNS.turn(page.url_path if page.url_path in static.PAGES else ""):
            router.run(page)
        components.tell_left_out()
        sidebar.show_device()
    finally:
        # Also after an error or a rerun: the address always restores what is seen.
        state.publish(everywhere=page.url_path == "")
        TIDIER.ask()
