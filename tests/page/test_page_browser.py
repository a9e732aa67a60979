"""The committed page in a browser: every sound plays, controls work, nothing comes from outside."""

import json
import shutil

import pytest
from selenium.webdriver.common.keys import Keys

from browser import PAGE, REPORTS, browse, wait
from listening import served

pytest_plugins = ["browser"]
PLAY = """
const done = arguments[0], wrong = [], figures = [...document.querySelectorAll(".track")];
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
(async () => {
  for (const figure of figures) {
    const audio = figure.querySelector("audio"), image = figure.querySelector("img");
    const until = performance.now() + 60000;
    await audio.play().catch(() => {});
    while (!audio.currentTime && !audio.error && performance.now() < until) await frame();
    const seconds = Number(figure.querySelector(".play").dataset.seconds);
    const complete = Math.abs(audio.duration - seconds) <= 0.2;
    if (!audio.currentTime || audio.error || !complete) wrong.push(audio.src);
    audio.pause();
    image.loading = "eager";
    await image.decode().catch(() => wrong.push(image.src));
  }
  done([figures.length, wrong]);
})();
"""


def requests(driver) -> list[str]:
    """Return the URLs requested since the last call."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def test_every_sound_plays_from_the_folder_without_errors(page):
    requests(page)
    page.get_log("browser")
    page.refresh()
    count, wrong = page.execute_async_script(PLAY)
    assert wrong == [] and count == (REPORTS / "index.html").read_text().count("<audio") > 50
    asked = set(requests(page))
    outside = [url for url in asked if not url.startswith((f"{REPORTS.as_uri()}/", "data:"))]
    assert outside == [] and sum(url.endswith(".mp3") for url in asked) == len(
        list((REPORTS / "page" / "sounds").glob("*.mp3"))
    )
    assert [
        entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
    ] == []


def test_one_sound_plays_at_a_time_and_shows_its_position(page):
    first, second = page.find_elements("css selector", ".heard .play")[:2]
    first.click()
    wait(
        page,
        "return document.querySelector('.heard .picture').style.getPropertyValue('--at') > 0.02",
    )
    assert first.get_attribute("aria-pressed") == "true"
    second.click()
    wait(
        page,
        "return document.querySelectorAll('.playing').length == 1 && "
        "document.querySelectorAll('.heard .track')[1].querySelector('.playing')",
    )
    assert (first.get_attribute("aria-pressed"), second.get_attribute("aria-pressed")) == (
        "false",
        "true",
    )
    second.click()
    wait(page, "return document.querySelectorAll('.playing').length == 0")


def test_the_page_works_with_the_keyboard(page):
    page.execute_script("document.body.focus()")
    focused = press(page, Keys.TAB)
    assert focused.get_attribute("class") == "skip"
    button = press(page, Keys.TAB)
    assert "play" in button.get_attribute("class") and button.accessible_name.startswith("Play ")
    assert (
        page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        == "solid"
    )
    press(page, Keys.ENTER)
    wait(page, "return document.activeElement.getAttribute('aria-pressed') == 'true'")
    press(page, Keys.SPACE)
    wait(page, "return document.activeElement.getAttribute('aria-pressed') == 'false'")


def test_the_picker_follows_the_arrows(page):
    page.execute_script("document.querySelector('.picker input').focus()")
    shown = (
        "return [...document.querySelector('.picker').querySelectorAll('.panel')].map((panel) "
        "=> panel.checkVisibility())"
    )
    assert page.execute_script(shown)[:2] == [True, False]
    assert press(page, Keys.ARROW_DOWN).is_selected()
    assert page.execute_script(shown)[:2] == [False, True]


@pytest.mark.parametrize("width", [390, 1280])
def test_only_scroll_boxes_scroll_sideways(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    page.execute_script(
        "document.querySelectorAll('details').forEach((each) => (each.open = true))"
    )
    assert (
        page.execute_script("return innerWidth")
        == width
        >= page.execute_script("return document.documentElement.scrollWidth")
    )
    beyond = page.execute_script(
        "return [...document.body.querySelectorAll('*')].filter((each) => "
        "!each.closest('.scroll, pre, .skip, .picture') && each.getBoundingClientRect().right > "
        "innerWidth + 1).map((each) => each.outerHTML.slice(0, 80))"
    )
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert beyond == []


@pytest.fixture(scope="module", params=["from the folder", "served by make listen"])
def address(request):
    """The committed page's address, in both documented ways of opening it."""
    if request.param == "from the folder":
        yield PAGE
    else:
        with served() as url:
            yield url


def test_the_arrow_keys_move_within_a_sound(driver, address):
    driver.get(address)
    wait(driver, "return document.querySelector('.heard .play:enabled')")
    driver.execute_script("document.querySelector('.heard .play').focus()")
    press(driver, Keys.ENTER)
    wait(driver, "return document.querySelector('.heard audio').currentTime > 0")
    driver.execute_script("document.querySelector('.heard audio').pause()")
    driver.execute_script("document.querySelector('.heard audio').currentTime = 1")
    for key, seconds in (
        (Keys.ARROW_RIGHT, 1.25),
        (Keys.ARROW_RIGHT, 1.5),
        (Keys.ARROW_LEFT, 1.25),
    ):
        press(driver, key)
        wait(driver, "return !document.querySelector('.heard audio').seeking")
        now = driver.execute_script("return document.querySelector('.heard audio').currentTime")
        assert now == pytest.approx(seconds, abs=0.05)


def test_without_scripts_the_content_is_complete_and_the_browsers_players_work(driver):
    browser = browse(
        shutil.which("chromium"),
        shutil.which("chromedriver"),
        **{"profile.managed_default_content_settings.javascript": 2},
    )
    try:
        browser.get(PAGE)
        assert not browser.find_element("css selector", ".heard .play").is_enabled()
        players = browser.find_elements("css selector", "#table-1 audio, .heard audio")
        assert any(player.is_displayed() and player.get_attribute("controls") for player in players)
        assert (
            browser.find_element("css selector", "table td").text
            and browser.find_element("css selector", ".picker input").is_enabled()
        )
    finally:
        browser.quit()


def press(driver, key: str):
    """Press a key at the focus; return the element that has the focus afterwards."""
    driver.switch_to.active_element.send_keys(key)
    return driver.switch_to.active_element
