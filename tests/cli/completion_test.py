"""Completion in a real bash: the script is sourced, and asked as readline would."""

import subprocess
from pathlib import Path

import cli

ASK = r"""
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -r -a COMP_WORDS <<<"$COMP_LINE"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_lacquer lacquer
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(cli.Case):
    def ask(self, line):
        script = cli.ROOT / "tools/completion.bash"
        path = f"{Path(cli.LACQUER).parent}:/usr/bin:/bin"
        ran = subprocess.run(["bash", "-c", ASK, "bash", script, line], capture_output=True, text=True, env={"PATH": path})
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return ran.stdout.split()

    def test_commands_options_nodes_graphs(self):
        self.assertEqual(self.ask("lacquer ren"), ["render"])
        self.assertLess({"render", "measure", "nodes", "graph", "schema", "--help"}, set(self.ask("lacquer ")))
        self.assertEqual(self.ask("lacquer render --thr"), ["--threads"])
        self.assertEqual(self.ask("lacquer nodes compr"), ["compressor"])
        self.assertEqual(self.ask("lacquer render strea"), ["streaming"])
        self.assertEqual(self.ask("lacquer render streaming mix.wav --bits "), ["16", "24", "32", "float"])
        self.assertLessEqual({"none", "tpdf"}, set(self.ask("lacquer render streaming --dither ")))

    def test_settings_of_the_graph(self):
        graph = self.graph("chain: [compressor glue: {ratio: 2:1}]\n")
        self.assertEqual(self.ask(f"lacquer render {graph} mix.wav --set glue.thr"), ["glue.threshold="])

    def test_files_are_left_to_the_shell(self):
        self.assertEqual(self.ask("lacquer measure "), [])
        self.assertEqual(self.ask("lacquer render streaming "), [])
        self.assertIn("-o default", (cli.ROOT / "tools/completion.bash").read_text())


if __name__ == "__main__":
    cli.main()
