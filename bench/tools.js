// The programs that conductor is compared with. What is missing is installed into a cache folder, never into the project.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Exact versions, so that figures of two days can be compared. */
const NPM_TOOLS = { wireit: '0.14.13', turbo: '2.11.11' };
/** After this a registry that does not answer is given up. */
const INSTALL_MS = 180_000;
/** A newer Node for the goals that are set for it. */
const NEWER_NODE = '22.23.3';

export function toolFolder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'conductor-bench');
}

/** Name to `{ path, version }`, or to `{ missing }` with the reason. */
export function findTools(wanted) {
  const folder = toolFolder();
  mkdirSync(folder, { recursive: true });
  const tools = {};
  for (const name of wanted) {
    try {
      tools[name] = finders[name](folder);
    } catch (error) {
      tools[name] = { missing: String(error.message).split('\n')[0] };
    }
  }
  return tools;
}

const finders = {
  ninja: (folder) => debian(folder, 'ninja', 'ninja-build'),
  make: (folder) => debian(folder, 'make', 'make'),
  wireit: (folder) => fromNpm(folder, 'wireit'),
  turbo: (folder) => fromNpm(folder, 'turbo'),
  'newer node': (folder) => {
    install(folder, 'node', NEWER_NODE);
    const path = join(folder, 'node', 'node_modules', 'node', 'bin', 'node');
    return { path, version: versionOf(path) };
  },
};

function fromNpm(folder, name) {
  install(folder, name, NPM_TOOLS[name]);
  return { path: join(folder, name, 'node_modules', '.bin', name), version: NPM_TOOLS[name] };
}

function install(folder, name, version) {
  const prefix = join(folder, name);
  const manifest = join(prefix, 'node_modules', name, 'package.json');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version) return;
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--save-exact', '--no-audit', '--no-fund', `${name}@${version}`];
  execFileSync('npm', args, { cwd: prefix, stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_MS });
}

/** The program on PATH, else that of the Debian package, unpacked into the cache folder without installing it. */
function debian(folder, program, name) {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, program));
  let path = [...onPath, join(folder, name, 'usr', 'bin', program)].find((one) => existsSync(one));
  if (path === undefined) {
    const into = join(folder, name);
    mkdirSync(into, { recursive: true });
    execFileSync('apt-get', ['download', name], { cwd: into, stdio: 'pipe', timeout: INSTALL_MS });
    const file = readdirSync(into).find((one) => one.endsWith('.deb'));
    execFileSync('dpkg', ['-x', join(into, file), into], { stdio: 'pipe' });
    path = join(into, 'usr', 'bin', program);
  }
  return { path, version: versionOf(path) };
}

function versionOf(path) {
  const said = execFileSync(path, ['--version'], { encoding: 'utf8' });
  return /\d+(\.\d+)+/.exec(said)?.[0] ?? said.trim();
}
