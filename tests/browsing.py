"""A real browser for tests marked ``needs("Chromium")``: headless, and silent on the network by itself."""

import shutil
import time

import pytest
from needs import chromium

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,1000",
)


def started(folder):
    """Chromium with its profile in a folder, and what it downloads in ``folder/downloads``; the caller quits it."""
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium()
    for argument in (*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return Chrome(options=options, service=Service(shutil.which("chromedriver")))


def trouble(browser):
    """What the page made the browser complain about since the last call."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def asked_of_the_network(browser):
    """Requests since the last call that left the machine, or would have."""
    asked = [entry["message"] for entry in browser.get_log("performance") if "requestWillBeSent" in entry["message"]]
    return [message for message in asked if '"url":"http' in message or '"url":"ws' in message]


def eventually(claim):
    """Wait until a claim is true, at most 10 s."""
    for _ in range(200):
        if claim():
            return
        time.sleep(0.05)
    pytest.fail("did not come true within 10 s")
