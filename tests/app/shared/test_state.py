"""Choices survive page switches, are written into the URL and read back; bad URLs do no harm."""

from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from tamrl.app.shared import state

    state.restore()
    st.multiselect("Land cover", ["ENF", "DBF"], **state.bind("igbp", []))
    st.text(
        f"site={state.get('site')} years={state.get('years')} days={state.get('days', 30)} seen={state.get('seen')}"
    )
    state.publish()


def app(**query):
    at = AppTest.from_function(script, default_timeout=30)
    at.query_params.update(query)
    return at.run()


def test_url_is_read_and_written_back():
    at = app(site="DE-Hai", years="2010-2004", days="12", igbp="ENF,DBF", seen="1")
    assert not at.exception
    assert at.text[0].value == "site=DE-Hai years=(2004, 2010) days=12 seen=True"
    assert at.multiselect[0].value == ["ENF", "DBF"]
    assert at.query_params == {"site": "DE-Hai", "years": "2004-2010", "days": "12", "igbp": "ENF,DBF", "seen": "1"}


def test_a_url_that_is_not_understood_does_no_harm_and_is_told_once():
    at = app(years="soon", days="-3", lr="0", start="yesterdayish")
    assert not at.exception
    assert at.text[0].value == "site=None years=None days=30 seen=None"
    assert at.query_params == {}
    assert at.session_state["tamrl_left_out"] == {"years": "soon", "days": "-3", "lr": "0", "start": "yesterdayish"}
    assert at.run().session_state["tamrl_asked"] == {}


def test_of_a_list_what_is_known_stays_and_the_rest_is_told():
    def picks():
        import streamlit as st

        from tamrl.app.shared import components, state

        state.restore()
        st.text(",".join(state.among("igbp", ["ENF", "DBF"])))
        components.tell_left_out()
        state.publish()

    at = AppTest.from_function(picks, default_timeout=30)
    at.query_params.update({"igbp": "XYZ,DBF"})
    at.run()
    assert at.text[0].value == "DBF"
    assert at.query_params == {"igbp": "DBF"}
    assert [toast.value for toast in at.toast] == ["Of this address not known here, and left out: igbp 'XYZ'."]
    assert not at.run().toast
    assert at.text[0].value == "DBF"


def test_a_choice_that_is_not_to_be_had_is_told_of_the_address_alone():
    def picks():
        import streamlit as st

        from tamrl.app.shared import components, state
        from tamrl.app.shared.widgets import choice

        state.restore()
        st.text(choice("flux", ["GPP", "NEE"], "NEE"))
        components.tell_left_out()
        st.button("Forget", on_click=state.put, args=("flux", "none such"))
        state.publish()

    at = AppTest.from_function(picks, default_timeout=30)
    at.query_params.update({"flux": "CO2 <b>"})
    at.run()
    assert at.text[0].value == "NEE"
    assert [toast.value for toast in at.toast] == ["Of this address not known here, and left out: flux 'CO2 \\<b\\>'."]
    assert not at.run().toast
    assert not at.button[0].click().run().toast, "what a page had chosen itself is nobody's mistake"


def test_the_view_of_the_world_map_is_read_and_the_whole_earth_is_none():
    from tamrl.app.shared.state import PARAMETERS

    view = PARAMETERS["view"]
    assert view.read("50.25,-10.5,3.2") == (50.25, -10.5, 3.2)
    assert view.write(view.read("50.25,-10.5,3.20")) == "50.25,-10.5,3.2"
    assert view.read("13,0,1") is None
    for wrong in ("1,2", "95,0,2", "0,200,2", "0,0,0.5", "0,0,nan", "inf,0,2", "a,b,c", "0,0,1e9", ""):
        try:
            view.read(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


def test_the_address_of_a_view_names_the_choices_and_what_is_to_differ():
    def shown():
        from types import SimpleNamespace
        from unittest import mock

        import streamlit as st

        from tamrl.app.shared import state

        state.restore()
        browser = SimpleNamespace(
            session_state=st.session_state, context=SimpleNamespace(url="http://localhost:8501/lab")
        )
        with mock.patch.object(state, "st", browser):
            st.text(state.address(days=12, scope=None, run=True))
        st.text(state.address())

    at = AppTest.from_function(shown, default_timeout=30)
    at.query_params.update(site="DE-Hai", igbp="ENF,DBF", scope="network", days="30")
    at.run()
    assert not at.exception
    page = "http://localhost:8501/lab"
    assert at.text[0].value == f"{page}?site=DE-Hai&igbp=ENF%2CDBF&days=12&run=1"
    assert at.text[1].value == ""  # no browser


def test_a_choice_reaches_the_url_and_survives_an_emptied_address():
    at = app()
    at.multiselect[0].set_value(["DBF"]).run()
    assert at.query_params == {"igbp": "DBF"}
    at.query_params.clear()  # what a page switch does
    at.run()
    assert at.multiselect[0].value == ["DBF"]
    assert at.query_params == {"igbp": "DBF"}


def test_a_new_address_in_the_same_session_wins():
    at = app(site="DE-Hai")
    at.query_params["site"] = "US-Ha1"
    at.run()
    assert at.text[0].value.startswith("site=US-Ha1")


def test_an_address_that_the_app_has_just_replaced_is_late_and_not_taken_back(monkeypatch):
    from tamrl.app.shared import state

    at = app(igbp="ENF")
    at.multiselect[0].set_value(["DBF"]).run()
    at.query_params["igbp"] = "ENF"  # sent by the browser before it heard of DBF
    at.run()
    assert at.multiselect[0].value == ["DBF"]
    assert at.query_params == {"igbp": "DBF"}
    monkeypatch.setattr(state, "_LATE_S", 0.0)  # later it is the back button
    at.query_params["igbp"] = "ENF"
    at.run()
    assert at.multiselect[0].value == ["ENF"]


def test_going_back_forgets_what_the_address_lacks_and_takes_what_it_has(monkeypatch):
    from tamrl.app.shared import state

    at = app(site="DE-Hai", days="12")
    at.multiselect[0].set_value(["DBF"]).run()
    monkeypatch.setattr(state, "_went_back", lambda: True)
    at.query_params.clear()
    at.query_params["days"] = "7"  # also within the moment in which an address could be late
    at.run()
    assert at.text[0].value.startswith("site=None years=None days=7")
    assert at.multiselect[0].value == []
    assert at.query_params == {"days": "7"}


def test_a_value_of_the_address_that_is_far_too_long_is_no_value():
    at = app(site="A" * 5000, igbp="ENF," * 2000)
    assert at.text[0].value.startswith("site=None")
    assert at.query_params == {}
