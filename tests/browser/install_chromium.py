"""Find a Chromium for the browser tests, or install one: `make browser` runs this module."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.jupyter import chromium


def main() -> None:
    with sync_playwright() as playwright:
        if path := chromium(playwright):
            print(f"Chromium for the browser tests: {path}")
            return
    for command in _installers():
        print("No Chromium found; trying:", " ".join(command), flush=True)
        if subprocess.run(command, check=False).returncode == 0:
            with sync_playwright() as playwright:
                if path := chromium(playwright):
                    print(f"Chromium for the browser tests: {path}")
                    return
    sys.exit(
        "No Chromium could be installed. Install one from your system's packages, "
        "or set TSNE_WIDGET_CHROMIUM to its path."
    )


def _installers() -> list[list[str]]:
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    if shutil.which("apt-get") and os.geteuid() == 0:
        return [
            ["sh", "-c", "apt-get update -q && apt-get install -q -y chromium"],
            playwright,
        ]
    return [playwright]


if __name__ == "__main__":
    main()
