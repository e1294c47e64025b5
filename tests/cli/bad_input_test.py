"""Everything that can be wrong with what is given: one clear line, a non-zero exit, and no output file."""

import os
import struct
import subprocess

import cli

PLAIN = "chain: [gain: -1 dB]\n"


class BadSound(cli.Case):
    def refuse(self, file, saying, **more):
        out = self.folder / "out"
        self.refused("render", self.graph(PLAIN), file, "-o", f"{out}/", saying=[str(file), *saying], lines=1, **more)
        self.assertEqual(self.files(out) if out.exists() else [], [])
        self.refused("measure", file, saying=[str(file), *saying], lines=1)

    def test_missing(self):
        self.refuse(self.folder / "nowhere.wav", ["no such file"])

    def test_empty(self):
        (self.folder / "empty.wav").touch()
        self.refuse(self.folder / "empty.wav", [])

    def test_folder(self):
        self.refuse(self.folder, ["folder"])

    def test_truncated_header(self):
        whole = self.tone().read_bytes()
        for size in (4, 11, 20, 30, 43):
            cut = self.folder / f"cut{size}.wav"
            cut.write_bytes(whole[:size])
            self.refuse(cut, [])

    def test_no_channels(self):
        data = bytearray(self.tone().read_bytes())
        data[22:24] = struct.pack("<H", 0)
        (self.folder / "none.wav").write_bytes(data)
        self.refuse(self.folder / "none.wav", ["channel"])

    def test_text_called_wav(self):
        (self.folder / "text.wav").write_text("This is a shopping list: bread, milk, solder.\n" * 20)
        self.refuse(self.folder / "text.wav", [])

    def test_no_frames(self):
        self.refuse(cli.wav(self.folder / "none.wav", []), [])

    def test_it_breaks_off(self):
        whole = cli.music(5, codec="flac", ending="flac").read_bytes()
        cut = self.folder / "cut.flac"
        cut.write_bytes(whole[:len(whole) // 2])
        self.refuse(cut, [])


class OddSound(cli.Case):
    def test_not_a_number(self):
        nan, inf = float("nan"), float("inf")
        bad = cli.wav(self.folder / "nan.wav", [0.1, nan, inf, -0.1, -inf, 0.2] * 1000, is_float=True)
        out = self.folder / "out.wav"
        ran = self.good("render", self.graph(PLAIN), bad, "-o", out)
        self.assertIn("3000 samples", ran.stdout)
        report = cli.json.loads(self.good("render", self.graph(PLAIN), bad, "-o", out, "--force", "--json").stdout)
        self.assertEqual(report["non_finite_samples"], 3000)
        self.assertEqual(cli.json.loads(self.good("measure", "--json", bad).stdout)["non_finite_samples"], 3000)
        self.assertEqual(set(cli.array.array("f", cli.pcm(out, "f32le"))) & {inf, -inf}, set())

    def test_all_of_it_not_a_number(self):
        bad = cli.wav(self.folder / "nan.wav", [float("nan")] * 9600, is_float=True)
        out = self.folder / "out.wav"
        self.good("render", self.graph(PLAIN), bad, "-o", out, "--dither", "none")
        self.assertEqual(cli.pcm(out, "s24le").strip(b"\0"), b"")

    def test_one_frame(self):
        one = cli.wav(self.folder / "one.wav", [1000, -1000])
        out = self.folder / "out.wav"
        self.good("render", self.graph("chain: [eq: [bell: {freq: 1 kHz, gain: 2 dB}], limiter: -1 dBTP, loudness]\n"), one,
                  "-o", out)
        self.assertEqual(len(cli.pcm(out, "s16le")), 4)
        self.assertEqual(cli.json.loads(self.good("measure", "--json", one).stdout)["frames"], 1)


class BadTarget(cli.Case):
    def test_the_input_itself(self):
        tone = self.tone()
        before = tone.read_bytes()
        link = self.folder / "link.wav"
        link.symlink_to(tone)
        hard = self.folder / "hard.wav"
        os.link(tone, hard)
        for name in (tone, link, hard, self.folder / "." / "tone.wav"):
            self.refused("render", self.graph(PLAIN), tone, "-o", name, "--force", saying="input", lines=1)
        self.assertEqual(tone.read_bytes(), before)
        self.refused("render", self.graph(PLAIN), tone, "-o", self.folder / "o.wav", "--report", tone, saying="input")
        self.assertEqual(tone.read_bytes(), before)

    def test_it_exists(self):
        tone, out = self.tone(), self.folder / "out.wav"
        out.write_text("mine")
        self.refused("render", self.graph(PLAIN), tone, "-o", out, saying=[str(out), "--force"], lines=1)
        self.assertEqual(out.read_text(), "mine")
        self.good("render", self.graph(PLAIN), tone, "-o", out, "--force")
        self.assertGreater(out.stat().st_size, 1000)

    def test_unwritable_folder(self):
        tone = self.tone()
        (self.folder / "file").touch()
        for target in ("/proc/here/", "/sys/out.wav", f"{self.folder}/file/", f"{self.folder}/file/out.wav"):
            ran = cli.lacquer("render", self.graph(PLAIN), tone, "-o", target)
            self.assertIn(ran.returncode, (2, 3), target)
            self.assertRegex(ran.stderr, r"^lacquer: .*\n$")
        self.assertEqual(self.files(), ["file", "graph.yaml", "tone.wav"])

    def test_full_disk(self):
        tone = self.tone(seconds=20)
        out = self.folder / "out.wav"
        out.write_text("the old master")
        # A limit on the size of files fails like a full disk does, and needs no rights.
        ran = subprocess.run(["bash", "-c", 'trap "" XFSZ; ulimit -f 500; exec "$@"', "bash", cli.LACQUER, "render",
                              self.graph(PLAIN), tone, "-o", out, "--force"], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 3, ran.stderr)
        self.assertRegex(ran.stderr, r"^lacquer: .*out\.wav.*\n$")
        self.assertEqual(out.read_text(), "the old master")
        self.assertEqual(self.files(), ["graph.yaml", "out.wav", "tone.wav"])

    def test_an_ending_nobody_knows(self):
        self.refused("render", self.graph(PLAIN), self.tone(), "-o", self.folder / "out.mp4", saying="out.mp4", lines=1)

    def test_rate_the_format_cannot_carry(self):
        self.refused("render", self.graph(PLAIN), self.tone(), "-o", self.folder / "out.mp3", "--rate", "96 kHz",
                     saying="out.mp3", lines=1)


class BadGraph(cli.Case):
    def refuse(self, text, saying=(), line=None, lines=1):
        tone, out = self.tone(), self.folder / "out.wav"
        graph = self.graph(text)
        saying = [saying] if isinstance(saying, str) else list(saying)
        for command in (("render", graph, tone, "-o", out), ("graph", graph)):
            self.refused(*command, saying=[f"{graph}:{line}:" if line else str(graph), *saying], lines=lines)
        self.assertFalse(out.exists())

    def test_tabs(self):
        self.refuse("chain:\n\t- gain: -1 dB\n", "tab", line=2)

    def test_duplicate_keys(self):
        self.refuse("chain:\n  - compressor: {ratio: 2:1, ratio: 3:1}\n", "twice", line=2)

    def test_merge_that_is_no_merge(self):
        self.refuse("chain:\n  - compressor: {<<: 3, ratio: 2:1}\n", "<<", line=2)

    def test_on_is_no_number(self):
        self.refuse("chain:\n  - gain: on\n", "on", line=2)

    def test_octal(self):
        self.refuse("chain:\n  - gain: 010\n", "octal", line=2)

    def test_nan_and_overflow(self):
        for text in (".nan", ".inf", "1e400 dB", "nan dB", "0x10 dB"):
            self.refuse(f"chain:\n  - gain: {text}\n", line=2)

    def test_unknown_node(self):
        self.refuse("chain:\n  - compresor: {ratio: 2:1}\n", "'compressor'", line=2)

    def test_unknown_parameter(self):
        self.refuse("chain:\n  - compressor: {treshold: -18 dB}\n", "'threshold'", line=2)

    def test_out_of_range(self):
        self.refuse("chain:\n  - gain: 900 dB\n", "range", line=2)

    def test_missing_unit(self):
        self.refuse("chain:\n  - low_cut: 30\n", "unit", line=2)

    def test_duplicate_names(self):
        self.refuse("chain:\n  - gain a: 1 dB\n  - gain a: 2 dB\n", "'a'", line=3)

    def test_a_reference_downwards(self):
        self.refuse("chain:\n  - compressor: {key: later}\n  - gain later: 1 dB\n", "later", line=2)

    def test_includes_itself(self):
        self.refuse("chain:\n  - ./graph\n", "itself")

    def test_many_at_once(self):
        self.refuse("chain:\n  - gian: 1 dB\n  - low_cut: 30\n  - gain: 99 dB\n", ["gain", "unit", "range"], lines=3)

    def test_alias_bomb(self):
        text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for name, last in zip("bcdefghi", "abcdefgh"):
            text += f"{name}: &{name} [{', '.join(['*' + last] * 9)}]\n"
        self.refuse(text + "chain: *i\n")

    def test_a_hundred_thousand_nodes(self):
        self.refuse("chain:\n" + "  - gain: 1 dB\n" * 100000)

    def test_deep_nesting(self):
        self.refuse("chain: " + "[" * 100000)

    def test_not_yaml_at_all(self):
        self.refuse(bytes(range(256)) * 10)
        self.refuse("")

    def test_missing_graph(self):
        self.refused("graph", self.folder / "no.yaml", saying="no.yaml", lines=1)
        self.refused("graph", "streamin", saying="'streaming'", lines=1)

    def test_bom_and_crlf_are_welcome(self):
        graph = self.graph(b"\xef\xbb\xbfchain:\r\n  - gain: -1 dB\r\n")
        self.assertIn("gain", self.good("graph", graph).stdout)

    def test_settings(self):
        graph, tone = self.graph("chain: [gain drive: 1 dB]\n"), self.tone()
        for setting, words in (("drive.gian=1 dB", "drive.gain"), ("drive.gain=1", "unit"), ("drive.gain=900 dB", "range"),
                               ("drive.gain", "value is missing"), ("=3", "value is missing")):
            self.refused("render", graph, tone, "-o", self.folder / "o.wav", "--set", setting, saying=words, lines=1)
        self.assertFalse((self.folder / "o.wav").exists())


if __name__ == "__main__":
    cli.main()
