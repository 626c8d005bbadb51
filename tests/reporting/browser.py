"""A real browser: headless Chromium, driven through its own protocol over two pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever asks for the network gets none.
    "--proxy-server=127.0.0.1:9",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
PATIENCE = 60
"""Seconds for an answer: a shared machine may be busy."""


def find_browser():
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a Chromium of its own; use as a context manager.

    Attributes:
      complaints: what the page wrote to the console, threw, or was refused.
      requested: addresses that the page asked for.
    """

    def __init__(self, path, folder):
        self._path, self._folder = path, folder
        self.complaints, self.requested = [], []
        self._last, self._rest, self._session = 0, b"", None

    def __enter__(self):
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [self._path, *FLAGS, f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            # Chromium reads commands from descriptor 3 and answers on descriptor 4.
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *error):
        self._session = None
        try:
            self.send("Browser.close")
            self._process.wait(PATIENCE)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def send(self, method, **parameters):
        """Send a command and return its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._until(lambda found: found.get("id") == self._last)["result"]

    def open(self, url):
        """Load a page and wait until it has all it needs."""
        self.send("Page.navigate", url=url)
        self._until(lambda found: found.get("method") == "Page.loadEventFired")
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def run(self, script):
        """Evaluate JavaScript in the page and return its value."""
        found = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def resize(self, width, height=900):
        """Set the size of the window in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def prefer(self, scheme, medium=""):
        """Prefer "dark" or "light" pages; `medium` may be "print"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", media=medium, features=[feature])

    def press(self, key, code):
        """Press a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=code, **text,
            )  # fmt: skip

    def picture(self, region=None):
        """Return a PNG of the window, or of a region (x, y, width, height) of the whole page."""
        clip = {}
        if region:
            names = ("x", "y", "width", "height")
            clip = {"clip": {**dict(zip(names, region, strict=True)), "scale": 1}}
        found = self.send("Page.captureScreenshot", captureBeyondViewport=bool(region), **clip)
        return base64.b64decode(found["data"])

    def printed(self):
        """Return the page as a PDF on A4."""
        found = self.send(
            "Page.printToPDF", preferCSSPageSize=False, printBackground=False,
            paperWidth=8.27, paperHeight=11.69,
        )  # fmt: skip
        return base64.b64decode(found["data"])

    def _until(self, wanted):
        """Read messages until one is wanted, and take note of all others."""
        end = time.monotonic() + PATIENCE
        while True:
            message = json.loads(self._message(end))
            self._note(message)
            if wanted(message):
                if "error" in message:
                    raise AssertionError(message["error"])
                return message

    def _message(self, end):
        while b"\0" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self._in, 1 << 20)
            if not part:
                raise OSError("the browser has ended")
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return text

    def _note(self, message):
        method, details = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(details["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(details["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(details["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requested.append(details["request"]["url"])
