"""The committed page in a real browser, Debian's chromium: everything plays, nothing is fetched
from elsewhere, every figure is the tables'.
"""

import json
import os
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from conftest import ROOT

REPORTS = ROOT / "reports"
PAGE = (REPORTS / "index.html").as_uri()
PLAY = """
const done = arguments[0], wrong = [], figures = [...document.querySelectorAll(".track")];
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
(async () => {
  for (const figure of figures) {
    const audio = figure.querySelector("audio"), image = figure.querySelector("img"), until = performance.now() + 60000;
    await audio.play().catch(() => {});
    while (!audio.currentTime && !audio.error && performance.now() < until) await frame();
    const seconds = Number(figure.querySelector(".play").dataset.seconds);
    if (!audio.currentTime || audio.error || Math.abs(audio.duration - seconds) > 0.2) wrong.push(audio.src);
    audio.pause();
    image.loading = "eager";
    await image.decode().catch(() => wrong.push(image.src));
  }
  done([figures.length, wrong]);
})();
"""
CELLS = """
return [...document.querySelectorAll("td, tbody th, dd")].map((cell) => ({
  text: cell.textContent.trim(), kind: cell.tagName, table: cell.closest("table")?.getAttribute("aria-labelledby"), ...cell.dataset}));
"""


@pytest.fixture(scope="module")
def driver():
    """A browser, whose driver on this machine is not asked through a proxy; time limits only end
    a wait for nothing.
    """
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
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
    """A browser without a window that may play what nobody clicked on, and keeps what it asked
    for.
    """
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
    driver.get(PAGE)
    return driver


def requests(driver) -> list[str]:
    """What was asked for since the last call."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def test_everything_plays_from_the_folder_alone_and_without_an_error(page):
    requests(page), page.get_log("browser"), page.refresh()
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


def test_one_sound_at_a_time_with_a_line_where_it_is(page):
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


def test_the_keyboard_is_enough(page):
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
    before = page.execute_script("return document.querySelector('.heard audio').currentTime")
    press(page, Keys.ARROW_RIGHT)
    assert page.execute_script(
        "return document.querySelector('.heard audio').currentTime"
    ) == pytest.approx(before + 0.25, abs=0.02)


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
def test_nothing_scrolls_sideways_but_what_has_a_box_for_it(page, width):
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


def test_every_figure_is_that_of_the_tables(page):
    cells = page.execute_script(CELLS)
    found = [cell for cell in cells if "metric" in cell and cell["kind"] == "TD"]
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (REPORTS / "tables").glob("*.csv")
    }
    assert {cell["table"] for cell in found} >= {"resynthesis", "ablations"} & set(tables)
    for cell in found:
        table, keys = (
            tables[cell["table"]],
            {
                key: value
                for key, value in cell.items()
                if key not in ("text", "kind", "table", "column")
            },
        )
        (line,) = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
        assert printed_right(cell["text"], line, cell.get("column")), cell


def test_what_is_text_in_tables_is_that_of_their_markdown_or_holds_no_figure(page):
    cells = page.execute_script(CELLS)
    known = {path.stem: markdown_cells(path) for path in (REPORTS / "tables").glob("*.md")}
    audit = {
        str(value)
        for check in json.loads((REPORTS / "audit.json").read_text())
        for value in check.values()
    }
    for cell in (cell for cell in cells if "metric" not in cell):
        if "markdown" in cell:
            assert cell["text"] in known[cell["table"]], cell
        elif cell["table"] == "table-audit":
            assert cell["text"] in audit or cell["text"].startswith("not run: "), cell
        elif cell["kind"] == "TD":
            assert not re.search(r"\d\.\d", cell["text"]), cell


def test_figures_beside_sounds_are_those_of_the_rows(page):
    found = [cell for cell in page.execute_script(CELLS) if cell["kind"] == "DD"]
    rows = {
        path.stem: pd.read_parquet(path).set_index("example_id")
        for path in (REPORTS / "rows").glob("*.parquet")
    }
    assert len(found) > 20
    for cell in found:
        row, metric = rows[cell["rows"]].loc[cell["example"]], cell["metric"]
        value = (
            row[metric]
            if metric in row
            else row[metric.replace("outlier_frames_", "frames_outlier_")] / row.frames_pitched
        )
        assert cell["text"] == ("undefined" if pd.isna(value) else f"{value:.3g}"), cell


def test_it_also_plays_where_it_is_served(driver):
    """As `make listen` serves it."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(REPORTS))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        driver.get(f"http://127.0.0.1:{server.server_port}/")
        driver.find_element("css selector", ".heard .play").click()
        wait(driver, "return document.querySelector('.heard audio').currentTime > 0.1")
        server.shutdown()


def test_without_scripts_all_is_there_and_the_browsers_own_players_play(driver):
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
    """Press a key where the focus is; returns what has the focus then."""
    driver.switch_to.active_element.send_keys(key)
    return driver.switch_to.active_element


def wait(driver, condition: str) -> None:
    """Until a condition of the page holds."""
    WebDriverWait(driver, 60).until(lambda browser: browser.execute_script(condition))


def printed_right(text: str, line: dict[str, str], column: str | None) -> bool:
    """Whether a printed cell is a line of a table at full precision, rounded."""
    # no cell with an interval: a p, a paper's figure, undefined
    if column or "low" not in line or not line["value"] or not line["examples"]:
        return (
            text == "undefined"
            if not line["value"]
            else float(text) == pytest.approx(float(line[column or "value"]), rel=0.05)
        )
    form, names = (
        (r"(\S+) \[(\S+), (\S+)\] n=(\d+)", ("value", "low", "high", "examples"))
        if line["low"]
        else (r"(\S+) n=(\d+)", ("value", "examples"))
    )
    figures = dict(zip(names, re.fullmatch(form, text).groups()))
    return all(
        abs(float(shown) - float(line[key])) <= 0.5000001 * 10 ** -len(shown.partition(".")[2])
        for key, shown in figures.items()
    )


def markdown_cells(path) -> set[str]:
    """All cells of a Markdown file's tables."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    return {cell.strip() for line in lines for cell in line.strip("|").split("|")}
