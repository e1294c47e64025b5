"""Every graph that comes with Lacquer, on real music, judged by other people's meters."""

import cli


class Shipped(cli.Case):
    def render(self, graph, mix, *more):
        report = self.folder / "report.json"
        ran = self.good("render", graph, mix, "-o", f"{self.folder}/out/", "--report", report, *more)
        return cli.json.loads(report.read_text()), ran

    def test_each_renders_and_meets_what_it_expects(self):
        mix = cli.music(30)
        graphs = sorted((cli.ROOT / "graphs").glob("*.yaml"))
        self.assertGreaterEqual(len(graphs), 5)
        for graph in graphs:
            with self.subTest(graph=graph.name):
                inputs = cli.json.loads(self.good("graph", graph, "--json").stdout)["inputs"]
                report, _ = self.render(graph, *[mix] * len(inputs), "--force")
                self.assertTrue(report["good"], report["expectations"])
                self.assertTrue(report["files"])
                for file in report["files"]:
                    self.assertGreater(float(cli.probe(file["file"])["duration"]), 29.9)

    def test_streaming_lands_where_it_says(self):
        for name, mix in (("44.1 kHz", cli.music(40)), ("96 kHz float", cli.music(20, rate=96000, codec="pcm_f32le")),
                          ("as it comes", cli.music(20, rate=22050))):
            with self.subTest(mix=name):
                report, _ = self.render("streaming", mix, "--force")
                master = report["files"][0]["file"]
                loudness, peak = cli.ffmpeg_reads(master)
                self.assertAlmostEqual(loudness, -14.0, delta=0.1001)
                self.assertLessEqual(peak, -0.9)  # its display rounds up by as much as a tenth
                self.assertLessEqual(cli.true_peak(master), -1.0 + 0.03)

    def test_rate_and_bits_on_request(self):
        mix = cli.music(10, rate=96000, codec="pcm_f32le")
        for bits in (16, 24):
            out = self.folder / f"{bits}.wav"
            self.good("render", "streaming", mix, "-o", out, "--rate", "44.1 kHz", "--bits", bits)
            stream = cli.probe(out)
            self.assertEqual((stream["sample_rate"], stream["codec_name"]), ("44100", f"pcm_s{bits}le"))
            loudness, peak = cli.ffmpeg_reads(out)
            self.assertAlmostEqual(loudness, -14.0, delta=0.1001)
            self.assertLessEqual(peak, -0.9)

    def test_formats(self):
        graph, mix = self.graph("chain: [gain: -1 dB]\n"), cli.music(3)
        for name, codec in (("a.wav", "pcm_s24le"), ("a.flac", "flac"), ("a.aiff", "pcm_s24be"), ("a.ogg", "vorbis"),
                            ("a.mp3", "mp3")):
            out = self.folder / name
            self.good("render", graph, mix, "-o", out)
            self.assertEqual(cli.probe(out)["codec_name"], codec)
        float_out = self.folder / "f.wav"
        self.good("render", graph, mix, "-o", float_out, "--bits", "float")
        self.assertEqual(cli.probe(float_out)["codec_name"], "pcm_f32le")
        for codec, ending in (("flac", "flac"), ("libvorbis", "ogg"), ("libmp3lame", "mp3"), ("pcm_s16be", "aiff"),
                              ("pcm_s24le", "caf"), ("pcm_s24le", "w64")):
            self.good("render", graph, cli.music(3, codec=codec, ending=ending), "-o", self.folder / "in.wav", "--force")


if __name__ == "__main__":
    cli.main()
