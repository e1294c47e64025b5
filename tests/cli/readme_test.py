"""What the README says holds: its graphs load, its commands and links exist."""

import re

import cli

TEXT = (cli.ROOT / "README.md").read_text() + (cli.ROOT / ".github/CONTRIBUTING.md").read_text().replace("](../", "](")


class Readme(cli.Case):
    def test_graphs_load(self):
        graphs = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
        self.assertGreaterEqual(len(graphs), 2)
        for graph in graphs:
            self.good("graph", self.graph(graph))

    def test_commands_and_options_exist(self):
        commands = re.findall(r"^ {4}lacquer (\w+)(.*?)(?:#.*)?$", TEXT, re.M)
        self.assertGreaterEqual(len(commands), 6)
        for command, rest in commands:
            text = self.good(command, "--help").stdout
            for option in re.findall(r"(?<= )--?[a-z-]+", rest):
                self.assertRegex(text, rf"[ ,]{option}\b", f"lacquer {command} {rest}")

    def test_files_exist(self):
        files = re.findall(r"\]\(([^)#:]+)\)", TEXT) + re.findall(r"(?:bash|python3|source) ([a-z]+/\S+?)[ `\n]", TEXT)
        self.assertGreaterEqual(len(files), 6)
        for file in files:
            self.assertTrue((cli.ROOT / file).exists(), file)


if __name__ == "__main__":
    cli.main()
