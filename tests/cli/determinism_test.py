"""The same bytes whatever the threads, the block and the instruction set; and a neutral graph changes none."""

import itertools
from pathlib import Path

import cli

FLAGS = Path("/proc/cpuinfo").read_text()
SETS = [name for name, flag in (("sse2", "sse2"), ("avx2", "avx2"), ("avx512", "avx512bw")) if flag in FLAGS]


class SameBytes(cli.Case):
    def test_threads_blocks_and_instruction_sets(self):
        mix = cli.music(6)
        first = None
        for threads, block, simd in itertools.product((1, 2, 5), (1, 64, 480, 4096), SETS or ["neon"]):
            out = self.folder / f"{threads}-{block}-{simd}.wav"
            ran = cli.lacquer("render", "streaming", mix, "-o", out, "--threads", threads, "--block", block, "--quiet",
                              env={"LACQUER_SIMD": simd})
            self.assertIn(ran.returncode, (0, 1), ran.stderr)
            data = out.read_bytes()
            first = first or data
            self.assertEqual(data, first, f"{threads} threads, block {block}, {simd}")
            out.unlink()
        self.assertGreater(len(first), 6 * 44100 * 6)

    def test_twice_is_the_same(self):
        for ending in ("wav", "flac", "aiff"):
            outs = [self.folder / f"{i}.{ending}" for i in (1, 2)]
            for out in outs:
                self.good("render", self.graph("chain: [gain: -1 dB]\n"), cli.music(3), "-o", out)
            self.assertEqual(outs[0].read_bytes(), outs[1].read_bytes(), ending)


class Neutral(cli.Case):
    CHAIN = ("chain:\n  - gain: 0 dB\n  - eq:\n      - bell: {freq: 1 kHz, gain: 0 dB}\n  - width: 100 %\n"
             "  - compressor: {ratio: 1:1}\n  - loudness\n")

    def test_sixteen_and_twenty_four_bits(self):
        graph = self.graph(self.CHAIN)
        for bits, ending in ((16, "wav"), (24, "wav"), (16, "flac"), (24, "flac")):
            mix = cli.music(5, codec=f"pcm_s{bits}le")
            out = self.folder / f"{bits}.{ending}"
            self.good("render", graph, mix, "-o", out, "--bits", bits, "--dither", "none")
            kind = f"s{bits}le"
            self.assertEqual(cli.pcm(out, kind), cli.pcm(mix, kind), f"{bits} bits, {ending}")

    def test_a_gain_of_a_hundredth_db_is_not_neutral(self):
        mix = cli.music(5, codec="pcm_s16le")
        out = self.folder / "out.wav"
        self.good("render", self.graph("chain: [gain: 0.01 dB]\n"), mix, "-o", out, "--bits", "16", "--dither", "none")
        self.assertNotEqual(cli.pcm(out, "s16le"), cli.pcm(mix, "s16le"))


if __name__ == "__main__":
    cli.main()
