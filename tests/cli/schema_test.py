"""lacquer schema in a real validator: it takes every graph there is and refuses broken ones."""

import cli
import jsonschema
import yaml

BROKEN = ["chain: [gian: 1 dB]", "chain: [compressor: {treshold: -18 dB}]", "chains: []", "chain: [gain: 3]",
          "chain: [eq: [bell: {gian: 1 dB}]]", "chain: 3", "chain: [gain: 1 dB]\nout: {a.wav: {bits: 17}}",
          "chain: [compressor: {detector: pick}]", "chain: [low_cut: 30]", "chain: [gain: 10 ms]", "chain: [gian]",
          "chain: [gain: 010 dB]", "chain: [{gain: 1 dB, low_cut: 30 Hz}]", "chain: [mid_side: {left: []}]",
          "chain: [gain: {mix: 35}]", "chain: [gain: {bypass: maybe}]", "chain: []\nout: {/tmp/a.wav: }",
          "chain: []\nout: {../a.wav: }", "chain: []\nexpect: {a.b: -14 LUFS}",
          "chain: []\naim: {a.b: {until: c.d, is: 1 dB}}", "chain: []\nin: {a: stero}", "chain: [sum: []]",
          "chain: [gain: {soon: 1 dB}]", "chain: [delay: {time: {0:00: 1 ms}}]", "chain: [eq: [bel: 2 kHz]]",
          "chain: [gain Drive: 1 dB]", "chain: [parallel: {a: gain}]", "chain: [gain: {0:00: 1}]",
          "chain: [compressor: {key: [gian]}]", "chain: [eq: [bell: {freq: 1 kHz, gain: 1}]]", "about: no chain"]


def load(text):
    """Every scalar stays the text it is: YAML 1.1 would read 2:1 as 121."""
    return yaml.load(text, Loader=yaml.BaseLoader)


class Schema(cli.Case):
    def setUp(self):
        super().setUp()
        self.schema = cli.json.loads(self.good("schema").stdout)
        self.check = jsonschema.Draft202012Validator(self.schema)

    def test_it_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_every_graph_passes(self):
        graphs = sorted((cli.ROOT / "graphs").glob("*.yaml"))
        self.assertGreaterEqual(len(graphs), 5)
        for graph in graphs:
            errors = [e.message for e in self.check.iter_errors(load(graph.read_text()))]
            self.assertEqual(errors, [], graph.name)

    def test_broken_ones_do_not(self):
        for text in BROKEN:
            self.assertFalse(self.check.is_valid(load(text)), text)


if __name__ == "__main__":
    cli.main()
