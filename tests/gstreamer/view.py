"""GStreamer's RTSP client, to hold our simulator against. For the system's Python.

Usage: view.py URL CODEC (h264 or h265) TRANSPORT (tcp or udp) COUNT [USER PASSWORD]. Prints one
line a picture, as JSON: mean luma, stream time in seconds, and the camera's own time in Unix
seconds as its sender reports tell it (null where there is none). Exit code 1: an error came first.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

NTP_EPOCH_S = 2_208_988_800
DEPAYLOADER = {"h264": "rtph264depay ! h264parse", "h265": "rtph265depay ! h265parse"}
DECODER = {"h264": "avdec_h264", "h265": "avdec_h265"}


def main(
    url: str, codec: str, transport: str, count: int, user: str = "", password: str = ""
) -> int:
    """Prints `count` pictures. Returns the exit code."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"rtspsrc name=source protocols={transport} latency=100 "
        "add-reference-timestamp-meta=true ! "
        f"{DEPAYLOADER[codec]} ! {DECODER[codec]} max-threads=1 ! videoconvert ! "
        "video/x-raw,format=GRAY8 ! fakesink name=sink signal-handoffs=true sync=false"
    )
    source = pipeline.get_by_name("source")
    source.set_property("location", url)
    if user:
        source.set_property("user-id", user)
        source.set_property("user-pw", password)
    loop = GLib.MainLoop()
    seen: list[dict[str, float | None]] = []
    failed: list[Any] = []

    def handed_off(_sink: Any, buffer: Any, pad: Any) -> None:
        if len(seen) == count:
            return
        width = pad.get_current_caps().get_structure(0).get_value("width")
        _, view = buffer.map(Gst.MapFlags.READ)
        stride = len(view.data) // pad.get_current_caps().get_structure(0).get_value("height")
        rows = [view.data[at : at + width] for at in range(0, len(view.data), stride)]
        luma = sum(sum(row) for row in rows) / (width * len(rows))
        buffer.unmap(view)
        meta = buffer.get_reference_timestamp_meta(None)
        true_s = meta.timestamp / Gst.SECOND - NTP_EPOCH_S if meta else None
        seen.append({"luma": luma, "time_s": buffer.pts / Gst.SECOND, "true_s": true_s})
        print(json.dumps(seen[-1]), flush=True)
        if len(seen) == count:
            GLib.idle_add(loop.quit)

    def told(_bus: Any, message: Any) -> None:
        if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
            failed.append(message)
            reason = message.parse_error() if message.type == Gst.MessageType.ERROR else "end"
            print(reason, file=sys.stderr)
            loop.quit()

    pipeline.get_by_name("sink").connect("handoff", handed_off)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", told)
    GLib.timeout_add_seconds(20, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    return 0 if len(seen) == count and not failed else 1


if __name__ == "__main__":
    url, codec, transport, count, *who = sys.argv[1:]
    sys.exit(main(url, codec, transport, int(count), *who))
