"""How the program talks: help, suggestions, exit codes, pipes, terminals, locales."""

import contextlib
import os
import pty
import re
import subprocess

import cli

COMMANDS = ("render", "measure", "nodes", "graph", "schema", "completion")


class Talk(cli.Case):
    def test_help_teaches_by_example(self):
        top = self.good("--help").stdout
        for command in COMMANDS:
            self.assertIn(f"  {command} ", top)
            text = self.good(command, "--help").stdout
            examples = [line for line in text.split("\n") if re.match(r"  .*lacquer " + command, line)]
            self.assertGreaterEqual(len(examples), 2, command)
            self.assertLess(text.index("Examples:"), text.index("Options:"))
            for option in {o for line in examples for o in re.findall(r"(?<= )--[a-z-]+", line)}:
                self.assertIn(option, text, f"an example of {command} uses {option}")

    def test_version(self):
        self.assertRegex(self.good("--version").stdout, r"^lacquer \d+\.\d+\.\d+\n$")

    def test_suggestions(self):
        for words, meant in ((["rendr"], "'render'"), (["--versoin"], "'--version'"), (["render", "--treads", "2"], "'--threads'"),
                             (["nodes", "compresor"], "'compressor'"), (["graph", "streming"], "'streaming'"),
                             (["measure", "x.wav", "--jsno"], "'--json'")):
            self.refused(*words, saying=meant, lines=1)

    def test_usage(self):
        self.refused(saying="--help", lines=1)
        self.refused("render", saying="GRAPH", lines=1)
        self.refused("render", "streaming", saying="INPUT", lines=1)
        self.refused("render", "streaming", "x.wav", "--block", "0", saying="--block", lines=1)
        self.refused("render", "streaming", "x.wav", "--threads", "many", saying="--threads", lines=1)
        tone = self.tone()
        self.refused("render", "streaming", tone, "--rate", "44100", saying="unit", lines=1)
        self.refused("render", "streaming", tone, "--bits", "20", saying="--bits", lines=1)
        self.refused("render", "streaming", tone, "-o", "-", "--json", saying="--report", lines=1)

    def test_full_output(self):
        with open("/dev/full", "w") as full:
            ran = subprocess.run([cli.LACQUER, "nodes"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(ran.returncode, 3)
        self.assertRegex(ran.stderr, r"^lacquer: standard output: .*\n$")

    def test_nobody_listens(self):
        ran = subprocess.run(["bash", "-c", '"$0" nodes --markdown | true; exit ${PIPESTATUS[0]}', cli.LACQUER],
                             capture_output=True, text=True)
        self.assertIn(ran.returncode, (0, 141))
        self.assertEqual(ran.stderr, "")

    def test_a_graph_s_plan_shows_every_pass(self):
        graph = self.graph("""
chain:
  - parallel: {dry: [], same: [gain a: -3 dB], again: [gain b: -3 dB], late: [limiter: -1 dBTP]}
  - gain end
  - from: a
  - gain unheard
  - from: end
""")
        plan = self.good("graph", graph, "--list").stdout
        late = int(re.search(r"^limiter +(\d+) ", plan, re.M)[1])
        self.assertGreater(late, 0)
        self.assertIn(f"in +{late}  a +{late}  a +{late}  limiter", plan)
        self.assertIn("b: the same work as a, done once", plan)
        self.assertIn("unheard: left out, nobody hears it", plan)
        self.assertRegex(plan, rf"{late} frames late in all")

    def test_nodes(self):
        nodes = cli.json.loads(self.good("nodes", "--json").stdout)
        self.assertIn("limiter", [n["name"] for n in nodes])
        for node in nodes:
            self.assertIn(node["doc"], self.good("nodes", node["name"]).stdout)
        one = cli.json.loads(self.good("nodes", "gain", "--json").stdout)
        self.assertEqual(one["params"][0]["unit"], "dB")


class Expectations(cli.Case):
    GRAPH = "chain: [gain: -6 dB, peak top]\nexpect: {top.peak: .. %s dBFS}\n"

    def test_met_and_missed(self):
        tone = self.tone(level=0.5)  # -6 dBFS, so -12 behind the gain
        for limit, code in ((-11.9, 0), (-12.2, 1)):
            graph, out = self.graph(self.GRAPH % limit), self.folder / "out.wav"
            for how in ([], ["--quiet"], ["--json"]):
                ran = self.good("render", graph, tone, "-o", out, "--force", *how, code=code)
                if code and how:
                    self.assertRegex(ran.stderr, r"^lacquer: top.peak is -12.0\d dBFS, expected .. -12.2 dBFS.*\n$")
                elif how:
                    self.assertEqual(ran.stderr, "")
            self.assertTrue(out.exists())

    def test_an_aim_that_cannot_be_reached(self):
        graph = self.graph("chain: [gain drive, peak top]\naim: {drive.gain: {until: top.peak, is: +60 dBFS, within: 0.1 dB}}\n")
        ran = self.good("render", graph, self.tone(), "-o", self.folder / "out.wav", code=1)
        self.assertIn("cannot be reached", ran.stdout)


class Streams(cli.Case):
    def test_pipes(self):
        graph, mix, out = self.graph("chain: [gain: -3 dB]\n"), cli.music(3), self.folder / "out.wav"
        self.good("render", graph, mix, "-o", out)
        ran = self.good("render", graph, "-", "-o", "-", input=mix.read_bytes(), text=False)
        (self.folder / "piped.wav").write_bytes(ran.stdout)
        self.assertEqual(cli.pcm(self.folder / "piped.wav"), cli.pcm(out))
        self.assertIn(b"wrote", ran.stderr)
        measured = cli.json.loads(self.good("measure", "--json", "-", input=mix.read_bytes(), text=False).stdout)
        self.assertEqual(measured["frames"], 3 * 44100)

    def on_terminal(self, *args, **env):
        """What a person sees: stdout and stderr on a pseudo-terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([cli.LACQUER, *map(str, args)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                   env={**os.environ, **env})
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the other end has been closed
            while piece := os.read(ours, 4096):
                seen += piece
        os.close(ours)
        self.assertEqual(process.wait(), 0, seen)
        return seen.decode()

    def test_a_terminal_sees_progress_and_a_pipe_does_not(self):
        args = ("render", "streaming", cli.music(30), "-o", self.folder / "out.wav", "--force")
        seen = self.on_terminal(*args, TERM="xterm", LC_ALL="C.UTF-8", NO_COLOR="")
        self.assertRegex(seen, r"\r[a-z].* \d+ %")
        self.assertIn("\x1b[", seen)
        self.assertIn("✓", seen)
        plain = self.on_terminal(*args, TERM="xterm", LC_ALL="C", NO_COLOR="1")
        self.assertNotIn("\x1b[", plain)
        self.assertNotIn("✓", plain)
        self.assertNotRegex(self.on_terminal(*args, "--quiet"), r"%")
        self.assertEqual(self.good(*args).stderr, "")

    def test_locales(self):
        tone = self.tone()
        texts = {self.good("measure", tone, env={"LC_ALL": locale}).stdout for locale in ("C", "de_DE.UTF-8", "tr_TR.UTF-8")}
        self.assertEqual(len(texts), 1)


class Names(cli.Case):
    def test_spaces_and_letters(self):
        folder = self.folder / "Müller & Söhne (live)"
        folder.mkdir()
        mix = cli.wav(folder / "my mix $name.wav", cli.sine())
        ran = self.good("render", self.graph("chain: [gain: -1 dB]\n"), mix, "-o", f"{folder}/out dir/")
        self.assertEqual(self.files(folder / "out dir"), ["my mix $name.master.wav"])
        self.assertIn("my mix $name.master.wav", ran.stdout)

    def test_dry_run_writes_nothing(self):
        ran = self.good("render", "streaming", self.tone(), "-o", f"{self.folder}/out/", "--dry-run")
        self.assertIn("would write", ran.stdout)
        self.assertEqual(self.files(), ["tone.wav"])
        self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    cli.main()
