"""Whatever ends a render, the target is the old file or the whole new one, and nothing else is left lying about."""

import random
import signal
import subprocess
import time

import cli

GRAPH = "chain: [gain drive, limiter: -1 dBTP, loudness after]\naim: {drive.gain: {until: after.integrated, is: -14 LUFS, within: 0.1 LU}}\n"


class Killed(cli.Case):
    def start(self, out, *more):
        self.process = subprocess.Popen([cli.LACQUER, "render", self.graph(GRAPH), self.mix, "-o", out, "--force", *more],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.stderr.close)
        return self.process

    def setUp(self):
        super().setUp()
        self.mix = cli.music(30)

    def test_kill_at_any_moment(self):
        whole = self.folder / "whole.wav"
        begun = time.monotonic()
        self.assertEqual(self.start(whole).wait(), 0)
        took = time.monotonic() - begun
        complete = whole.read_bytes()
        target = self.folder / "target.wav"
        old = b"the old master"
        chance = random.Random(7)
        killed = 0
        for _ in range(25):
            target.write_bytes(old)
            process = self.start(target)
            time.sleep(chance.uniform(0, 1.1 * took))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
            self.assertIn(target.read_bytes(), (old, complete))
        self.assertGreater(killed, 10)
        self.assertEqual([f for f in self.files() if f.endswith(".wav")], ["target.wav", "whole.wav"])

    def test_asked_to_stop(self):
        for sign, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = self.folder / "out.wav"
            process = self.start(out, "--block", "1")  # small blocks: slow enough to be caught at work
            time.sleep(0.3)
            process.send_signal(sign)
            said = process.stderr.read()
            self.assertEqual(process.wait(timeout=20), code, said)
            self.assertRegex(said, r"^lacquer: stopped.*\n$")
            self.assertEqual(self.files(), ["graph.yaml"])

    def test_nobody_reads(self):
        process = subprocess.Popen([cli.LACQUER, "render", self.graph("chain: [gain: -1 dB]\n"), self.mix, "-o", "-"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(1000)
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        self.assertNotEqual(process.wait(timeout=60), 0)
        self.assertNotIn(b"terminate", said)


if __name__ == "__main__":
    cli.main()
