"""peers: the npm packages that volley is measured against, installed under build/."""

import filecmp
import pathlib
import shutil
import subprocess

from stage import Missing, program

HERE = pathlib.Path(__file__).parent / "peers"
INSTALL_S = 300


class NodePeers:
    def __init__(self, build):
        self.folder = build / "peers/bench"
        self.why_not = None
        self.ready = False

    def _install(self):
        program("node"), program("npm")
        wanted, installed = HERE / "package.json", self.folder / "installed.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        if installed.exists() and filecmp.cmp(wanted, installed, shallow=False):
            return
        shutil.copy(wanted, self.folder / "package.json")
        with open(self.folder / "install.log", "w") as log:
            try:
                done = subprocess.run(["npm", "install", "--prefix", self.folder, "--no-audit",
                                       "--no-fund"], stdout=log, stderr=log, timeout=INSTALL_S)
            except subprocess.TimeoutExpired:
                raise Missing(f"npm install took more than {INSTALL_S} s")
        if done.returncode:
            raise Missing(f"npm could not install the peers, see {log.name}")
        shutil.copy(wanted, installed)

    def command(self, script):
        """How to run bench/peers/<script>; raises Missing where it cannot be."""
        if self.why_not:
            raise Missing(self.why_not)
        if not self.ready:
            try:
                self._install()
            except Missing as why:
                self.why_not = str(why)
                raise
            self.ready = True
        # Node looks for packages beside the script.
        shutil.copy(HERE / script, self.folder / script)
        return [program("node"), self.folder / script]
