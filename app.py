"""TAM-RL Explorer: the router. ``streamlit run app.py`` starts it on the bundled workspace."""

from tamrl.ui import router, sidebar, state, theme

state.restore()
page = router.navigation()
theme.apply()
try:
    sidebar.show()
    router.run(page)
    sidebar.show_device()
finally:
    # Also after an error or a rerun: the address always restores what is seen.
    state.publish()
