"""A node from a shared library, written in C: compiled, found, checked, rendered like any other."""

import array
import subprocess

import cli


class Plugin(cli.Case):
    def setUp(self):
        super().setUp()
        self.library = self.folder / "invert.so"
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", f"-I{cli.ROOT}", "-o",
                        self.library, cli.ROOT / "tools/examples/invert.c"], check=True)

    def test_it_is_a_node_like_any_other(self):
        self.assertIn("upside down", self.good("nodes", "invert", "--plugin", self.library).stdout)
        self.assertIn('"invert"', self.good("schema", "--plugin", self.library).stdout)
        graph, mix, out = self.graph("chain: [invert]\n"), cli.music(3, codec="pcm_s16le"), self.folder / "out.wav"
        self.refused("graph", graph, saying="invert")
        self.good("render", graph, mix, "-o", out, "--bits", "float", "--plugin", self.library)
        before, after = array.array("f", cli.pcm(mix, "f32le")), array.array("f", cli.pcm(out, "f32le"))
        self.assertEqual([-x for x in before], list(after))

    def test_not_a_library(self):
        self.refused("nodes", "--plugin", self.folder / "no.so", saying="no.so", lines=1)
        text = self.graph("not a library", "text.so")
        self.refused("nodes", "--plugin", text, saying="text.so", lines=1)


if __name__ == "__main__":
    cli.main()
