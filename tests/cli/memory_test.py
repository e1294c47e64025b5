"""An hour of 96 kHz stereo, and a programme that is heard several times: both in less than 200 MB."""

import resource
import struct

import cli

MB = 1 << 20


class Memory(cli.Case):
    def sparse(self, seconds, rate=96000):
        """A WAV of silence with a burst of noise every ten minutes; most of it takes no room on the disk."""
        path, size = self.folder / "long.wav", seconds * rate * 4
        burst = bytes((i * 7919 >> 3) & 0x1F if i % 2 else i & 0xFF for i in range(rate))
        with open(path, "wb") as f:
            f.write(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, rate, rate * 4, 4, 16,
                                b"data", size))
            for at in range(0, size, 600 * rate * 4):
                f.seek(44 + at)
                f.write(burst)
            f.truncate(44 + size)
        return path

    def test_an_hour(self):
        graph = self.graph("chain: [gain: -1 dB, limiter: -1 dBTP, loudness: {peaks: off}]\n")
        out = self.folder / "out.flac"
        self.good("render", graph, self.sparse(3600), "-o", out, "--bits", "16", "--dither", "none")
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        self.assertEqual(round(float(cli.probe(out)["duration"])), 3600)
        self.assertLess(used, 200 * MB)


class Solving(Memory):
    test_an_hour = None

    def test_ten_minutes_several_times(self):
        graph = self.graph("chain: [gain drive, limiter: -1 dBTP, loudness after: {peaks: off}]\n"
                           "aim: {drive.gain: {until: after.integrated, is: -30 LUFS, within: 0.1 LU}}\n")
        self.good("render", graph, self.sparse(600), "-o", self.folder / "out.flac", "--bits", "16")
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, 200 * MB)


if __name__ == "__main__":
    cli.main()
