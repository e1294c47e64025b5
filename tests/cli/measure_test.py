"""lacquer measure against numbers worked out by hand and against ffmpeg."""

import csv
import io
import math

import cli

NAMES = """file format channels sample_rate_hz bits frames duration_s integrated_lufs loudness_range_lu momentary_max_lufs
short_term_max_lufs true_peak_dbtp sample_peak_dbfs rms_dbfs crest_factor_db plr_db psr_min_db dr dc_offset correlation
mono_loss_db stereo_balance_db clipped_samples inter_sample_overs noise_floor_dbfs silence_head_s silence_tail_s
non_finite_samples""".split()


class Measure(cli.Case):
    def measure(self, *args):
        return cli.json.loads(self.good("measure", "--json", *args).stdout)

    def test_names_and_a_tone(self):
        found = self.measure(self.tone(seconds=20, freq=997.0, level=0.5))
        self.assertEqual(list(found), NAMES)
        self.assertEqual((found["format"], found["channels"], found["sample_rate_hz"], found["bits"], found["frames"]),
                         ("WAV", 2, 48000, 16, 960000))
        # BS.1770: 997 Hz at 0 dBFS in one channel is -3.01 LKFS; two channels are 3.01 more.
        expected = {"duration_s": (20, 0), "integrated_lufs": (-6.02, 0.01), "loudness_range_lu": (0, 0.01),
                    "momentary_max_lufs": (-6.02, 0.01), "short_term_max_lufs": (-6.02, 0.01), "true_peak_dbtp": (-6.02, 0.01),
                    "sample_peak_dbfs": (-6.02, 0.01), "rms_dbfs": (-9.03, 0.01), "crest_factor_db": (3.01, 0.01),
                    "plr_db": (0, 0.02), "psr_min_db": (0, 0.02), "dc_offset": (0, 1e-4), "correlation": (1, 1e-6),
                    "mono_loss_db": (0, 0.01), "stereo_balance_db": (0, 0.01), "clipped_samples": (0, 0),
                    "inter_sample_overs": (0, 0), "silence_head_s": (0, 0.01), "silence_tail_s": (0, 0.01),
                    "non_finite_samples": (0, 0)}
        for name, (value, within) in expected.items():
            self.assertIsNotNone(found[name], name)
            self.assertAlmostEqual(found[name], value, delta=within + 1e-12, msg=name)

    def test_music_against_ffmpeg(self):
        mix = cli.music(30)
        found = self.measure(mix)
        loudness, peak = cli.ffmpeg_reads(mix)
        self.assertAlmostEqual(found["integrated_lufs"], loudness, delta=0.06)
        self.assertAlmostEqual(found["true_peak_dbtp"], peak, delta=0.3)
        self.assertAlmostEqual(found["plr_db"], found["true_peak_dbtp"] - found["integrated_lufs"], delta=0.001)
        for name in NAMES:
            self.assertIsNotNone(found[name], name)

    def test_silence_has_no_values_but_is_no_error(self):
        text = self.good("measure", "--json", cli.wav(self.folder / "silence.wav", [0] * 96000)).stdout
        self.assertNotRegex(text.lower(), r"\bnan\b|\binf")
        found = cli.json.loads(text)
        self.assertIsNone(found["integrated_lufs"])
        self.assertIsNone(found["true_peak_dbtp"])

    def test_several_files(self):
        loud, soft = self.tone("loud.wav", seconds=10, level=0.5, freq=997.0), self.tone("soft.wav", seconds=10, level=0.25, freq=997.0)
        both = self.measure(loud, soft)
        self.assertEqual([m["file"] for m in both], [str(loud), str(soft)])
        album = self.measure("--album", loud, soft)
        power = (10 ** -0.602 + 10 ** -1.204) / 2  # equal lengths, both above the gate: the mean of their powers
        self.assertAlmostEqual(album["album_integrated_lufs"], 10 * math.log10(power), delta=0.02)
        rows = list(csv.DictReader(io.StringIO(self.good("measure", "--csv", loud, soft, *[soft] * 4).stdout)))
        self.assertEqual(list(rows[0]), NAMES)
        self.assertEqual(len(rows), 6)
        self.assertAlmostEqual(float(rows[1]["integrated_lufs"]), -12.04, delta=0.01)
        self.assertIn("soft.wav", self.good("measure", loud, *[soft] * 5).stdout)
        self.refused("measure", loud, self.folder / "no.wav", saying="no.wav", lines=1)

    def test_series(self):
        tone = self.tone(seconds=10, freq=997.0, level=0.5)
        series = self.measure("--series", tone)["series"]
        self.assertAlmostEqual(series["momentary"][-1], -6.02, delta=0.02)
        rows = list(csv.DictReader(io.StringIO(self.good("measure", "--series", "--csv", tone).stdout)))
        self.assertEqual(len(rows), len(series["momentary"]))
        self.assertAlmostEqual(float(rows[-1]["short_term_lufs"]), -6.02, delta=0.02)
        self.assertAlmostEqual(float(rows[-1]["psr_db"]), 0, delta=0.05)
        self.assertEqual(rows[10]["psr_db"], "")  # no 3 s yet
        self.refused("measure", "--series", tone, saying="--json", lines=1)

    def test_details_hold_every_meter(self):
        tone = self.tone(seconds=4, freq=997.0, level=0.5)
        plain, found = self.measure(tone), self.measure("--details", tone)
        details = found.pop("details")
        self.assertEqual(found, plain)  # looking closer changes no number
        self.assertEqual(set(details), {"loudness", "true_peak", "dynamics", "stereo", "spectrum"})
        self.assertTrue(details["spectrum"]["third_octaves"] and details["stereo"]["bands"])

    def test_24_channels_and_short_programmes(self):
        path = self.folder / "wide.wav"
        tone = [int(3277 * math.sin(2 * math.pi * 1000 * i / 48000)) for i in range(48000)]
        cli.wav(path, [v for v in tone for _ in range(24)], channels=24)
        found = self.measure(path)
        self.assertEqual(found["channels"], 24)
        self.assertAlmostEqual(found["integrated_lufs"], -20 - 3.01 + 13.80, delta=0.05)
        self.assertAlmostEqual(found["true_peak_dbtp"], -20, delta=0.05)
        self.assertIsNone(found["loudness_range_lu"])
        self.assertIsNone(found["dr"])
        self.assertIn("not settled", self.good("measure", self.tone("ten.wav", seconds=10)).stdout)

    def test_platforms(self):
        tone = self.tone(seconds=10, freq=997.0, level=0.1)  # -20 LUFS, -20 dBTP
        found = {p["platform"]: p for p in self.measure("--platforms", tone)["platforms"]}
        self.assertAlmostEqual(found["Spotify"]["gain_db"], 6.0, delta=0.02)
        self.assertEqual(found["YouTube"]["gain_db"], 0)
        self.assertTrue(all(p["source"] and p["checked"] for p in found.values()))
        loud = self.tone("loud.wav", seconds=10, freq=997.0, level=1.0)  # 0 LUFS: everybody turns it down
        for p in self.measure("--platforms", loud)["platforms"]:
            self.assertAlmostEqual(p["gain_db"], p["target_lufs"], delta=0.02)
        self.assertIn("Spotify", self.good("measure", "--platforms", tone).stdout)


if __name__ == "__main__":
    cli.main()
