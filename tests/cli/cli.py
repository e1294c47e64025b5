"""tests/cli/cli.py — the program from outside: runs it, makes files for it, and reads what it wrote by other means.

Every tests/cli/*_test.py is one ctest entry. Python's own library only; ffmpeg decodes music and gives the second opinion.
"""

import array
import json
import math
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
from operator import mul
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LACQUER = os.environ.get("LACQUER") or str(ROOT / "build" / "lacquer")
CACHE = Path(os.environ.get("LACQUER_BUILD") or ROOT / "build") / "cli-music"
MUSIC = Path("/usr/share/games/asc/music/frontiers.mp3")
FULL = {"from": 60}  # seconds into the piece where all instruments play


def lacquer(*args, env=None, **more):
    """Runs the program; text in and out unless told otherwise."""
    more.setdefault("text", True)
    more.setdefault("timeout", 300)
    return subprocess.run([LACQUER, *map(str, args)], capture_output=True, env={**os.environ, **(env or {})}, **more)


def music(seconds=15, rate=44100, codec="pcm_s24le", ending="wav", channels=2):
    """An excerpt of real music, decoded once and kept."""
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / f"music-{seconds}-{rate}-{codec}-{channels}.{ending}"
    if not kept.exists():
        fresh = kept.with_name(f"{os.getpid()}-{kept.name}")
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-ss", str(FULL["from"]), "-t", str(seconds), "-i", MUSIC, "-ar", str(rate),
             "-ac", str(channels), "-c:a", codec, fresh], check=True)
        fresh.replace(kept)
    return kept


def pcm(path, kind="s24le"):
    """What a file holds, decoded by ffmpeg: raw interleaved samples."""
    return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", kind, "-c:a", f"pcm_{kind}", "-"], check=True,
                          capture_output=True).stdout


def probe(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-of", "json", path], check=True, text=True,
                         capture_output=True).stdout
    return json.loads(out)["streams"][0]


def ffmpeg_reads(path):
    """Integrated loudness and true peak as ffmpeg's meter shows them, with one decimal."""
    log = subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-i", path, "-af", "ebur128=peak=true:framelog=verbose", "-f",
                          "null", "-"], check=True, text=True, capture_output=True).stderr
    summary = log[log.rindex("Summary:"):]
    return float(re.search(r"I:\s+(\S+) LUFS", summary)[1]), float(re.search(r"Peak:\s+(\S+) dBFS", summary)[1])


def true_peak(path, taps=256, over=32):
    """dBTP by a Blackman-windowed sinc around the highest samples: slow, and nobody's product."""
    data = array.array("f", pcm(path, "f32le"))
    channels = probe(path)["channels"]
    half = taps // 2
    kernels = []
    for k in range(over):
        row = []
        for i in range(taps):
            t = i - half + 1 - k / over
            window = 0.42 + 0.5 * math.cos(math.pi * t / half) + 0.08 * math.cos(2 * math.pi * t / half)
            row.append((math.sin(math.pi * t) / (math.pi * t) if t else 1.0) * window)
        kernels.append(row)
    best = 0.0
    for c in range(channels):
        x = array.array("f", bytes(4 * half)) + data[c::channels] + array.array("f", bytes(4 * half))
        top = max(map(abs, x))
        near = [i for i in range(half, len(x) - half) if abs(x[i]) > 0.8 * top and abs(x[i]) >= abs(x[i - 1])]
        near = sorted(near, key=lambda i: -abs(x[i]))[:1000]
        for i in near:
            for at in (i - 1, i):
                piece = x[at - half + 1:at + half + 1]
                best = max(best, max(abs(sum(map(mul, piece, k))) for k in kernels))
    return 20 * math.log10(best)


def wav(path, samples, rate=48000, channels=2, bits=16, is_float=False, claimed_frames=None):
    """Writes a plain WAV of interleaved numbers; the header may claim another length."""
    if is_float:
        data = array.array("f", samples).tobytes()
        bits = 32
    elif bits == 16:
        data = array.array("h", samples).tobytes()
    else:
        data = b"".join(struct.pack("<i", s)[:3] for s in samples)
    frame = channels * bits // 8
    size = len(data) if claimed_frames is None else claimed_frames * frame
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 3 if is_float else 1, channels,
                         rate, rate * frame, frame, bits, b"data", size)
    Path(path).write_bytes(header + data)
    return Path(path)


def sine(seconds=1.0, rate=48000, channels=2, level=0.25, freq=1000.0):
    one = [int(32767 * level * math.sin(2 * math.pi * freq * i / rate)) for i in range(int(seconds * rate))]
    return [s for s in one for _ in range(channels)]


class Case(unittest.TestCase):
    """A test with a folder of its own, which is gone afterwards."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lacquer-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def graph(self, text, name="graph.yaml"):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def tone(self, name="tone.wav", **how):
        return wav(self.folder / name, sine(**how), rate=how.get("rate", 48000), channels=how.get("channels", 2))

    def good(self, *args, code=0, **more):
        ran = lacquer(*args, **more)
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran

    def refused(self, *args, code=2, saying=(), lines=None, **more):
        """Ends with `code`; every line of stderr names what is wrong; and it says all of `saying`."""
        ran = lacquer(*args, **more)
        self.assertEqual(ran.returncode, code, f"{ran.stdout}\n{ran.stderr}")
        said = ran.stderr.strip("\n").split("\n")
        for line in said:
            self.assertRegex(line, r"^lacquer: .+", ran.stderr)
        if lines:
            self.assertEqual(len(said), lines, ran.stderr)
        for words in [saying] if isinstance(saying, str) else saying:
            self.assertIn(words, ran.stderr)
        return ran

    def files(self, folder=None):
        return sorted(str(p.relative_to(folder or self.folder)) for p in (folder or self.folder).rglob("*") if p.is_file())


def main():
    if not MUSIC.exists():
        raise SystemExit(f"{MUSIC} is missing; install asc-music (tools/test does)")
    unittest.main(verbosity=2)
