"""What a person does on a page, whatever the machine is busy with."""

from playwright.sync_api import TimeoutError


def settle(page):
    """Wait until the app has nothing more to do."""
    page.wait_for_timeout(400)  # an action needs a moment to start a run
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_timeout(400)
    return page


def downloaded(page, button):
    """Press a download button of a page at rest and return the file.

    A file that is made when its button is pressed belongs to the run of the page that drew the button, so a
    button that is pressed while a run begins gives nothing, and is pressed again.
    """
    for patience in (40_000, 40_000, 120_000):
        try:
            with settle(page).expect_download(timeout=patience) as caught:
                button.click()
        except TimeoutError as error:
            missed = error
        else:
            return caught.value
    raise missed
