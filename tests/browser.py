"""The committed page in a real browser, Debian's chromium, for tests that name this plugin."""

import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from conftest import ROOT

REPORTS = ROOT / "reports"
PAGE = (REPORTS / "index.html").as_uri()


@pytest.fixture(scope="module")
def driver():
    """A browser; requests to its driver bypass proxies, and the time limit only ends a hang."""
    chromium = shutil.which("chromium")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        missing = "chromium or chromedriver is not installed; run tools/install-chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        browser = browse(chromium, chromedriver)
        browser.set_script_timeout(1800)
        yield browser
        browser.quit()


def browse(chromium: str, chromedriver: str, **preferences: int) -> webdriver.Chrome:
    """Start a headless browser that may play without a click and logs its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.add_experimental_option("prefs", preferences)
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--mute-audio",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-dev-shm-usage",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(chromedriver))


@pytest.fixture
def page(driver):
    """The committed page in the browser."""
    driver.get(PAGE)
    return driver


def wait(driver, condition: str) -> None:
    """Wait until a condition of the page holds."""
    WebDriverWait(driver, 60).until(lambda browser: browser.execute_script(condition))
