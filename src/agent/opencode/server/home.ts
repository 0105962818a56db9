/** The private folder of one OpenCode server: configuration, keys, stubs, agents, shell. Starts nothing. */

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { newRecord } from '../../../base/records/own-value.js';
import { makeDir, removeTree, writeAtomic } from '../../../io/files.js';
import type { WriteRules } from '../session/role.js';
import { isGuarded, limitWrites, writeGuard } from './guard.js';
import { allowSteps, isPaced, writePace } from './pace.js';
import { type SandboxShell, writeShell } from './sandbox-shell.js';
import { type ConfigFile, configText, type OpencodeConfig } from './server-config.js';
import { type HomeFolders, homeFolders, MARK } from './server-environment.js';

/** Beginning of the root folder's name: nothing without it is ever removed. */
export const ROOT_PREFIX = 'conductor-opencode-';
/** In the root folder, holds the mark of its server. */
export const MARK_FILE = 'conductor-server';

/** Where the sources and headers lie that a programmer looks things up in. */
const LIBRARIES = ['/usr', '/lib', '/lib64', '/opt', '/nix/store'];

export interface ServerHome {
  readonly folders: HomeFolders;
  readonly shell: SandboxShell;
  /** Whether conductor's plugins have been loaded for a workspace (its real path), which happens with its first request. */
  isReady(workspace: string): Promise<boolean>;
  /** Lets models be called so often in a workspace from now on; undefined: without a limit. */
  allowSteps(workspace: string, steps: number | undefined): Promise<void>;
  /** Limits what file tools may write in a workspace from now on; undefined: everything in it. */
  limitWrites(workspace: string, rules: WriteRules | undefined): Promise<void>;
  remove(): Promise<void>;
}

/** An unused path for a root folder: it can be recorded before the folder exists. */
export async function newRootPlace(): Promise<string> {
  return join(await realpath(tmpdir()), ROOT_PREFIX + randomBytes(8).toString('hex'));
}

/** Makes the root folder, empty but for its mark, which only this user may enter. */
export async function makeRoot(root: string, mark: string): Promise<void> {
  await mkdir(root, { mode: 0o700 });
  await writeAtomic(join(root, MARK_FILE), mark);
}

/** Fills a root folder with all that a server reads. */
export async function fillHome(
  root: string,
  options: {
    readonly mark: string;
    readonly config: OpencodeConfig;
    readonly files: readonly ConfigFile[];
    readonly sandbox: string | undefined;
    /** What file tools may read outside of workspaces, beside the system's programs and libraries. */
    readonly readable: readonly string[];
  },
): Promise<ServerHome> {
  const folders = homeFolders(root);
  const shell = await writeShell(folders.shell, {
    sandbox: options.sandbox,
    hide: [root],
    mark: { name: MARK, value: options.mark },
  });
  for (const folder of [folders.home, folders.temporary, folders.managed, ...Object.values(folders.xdg)]) {
    await makeDir(folder);
  }
  const configFolders = [
    folders.configDir,
    join(folders.xdg.config, 'opencode'),
    join(folders.home, '.opencode'),
  ];
  for (const folder of configFolders) await stubPackages(folder);
  for (const file of options.files) await writeAtomic(placeOf(folders.configDir, file.path), file.text);
  // Last: no file of the project takes its place.
  const writes = join(root, 'writes');
  await makeDir(writes);
  const guard = await writeGuard(
    folders.configDir,
    { log: join(root, 'guarded'), writes },
    {
      shown: [join(folders.xdg.data, 'opencode', 'tool-output'), ...LIBRARIES, ...options.readable],
    },
  );
  const paced = { log: join(root, 'paced'), steps: join(root, 'steps') };
  await makeDir(paced.steps);
  await writePace(folders.configDir, paced, options.config.pace);
  await writeAtomic(
    folders.configFile,
    configText(options.config, { shell: shell.script, keyFiles: await writeKeys(folders, options.config) }),
    0o600,
  );
  return {
    folders,
    shell,
    isReady: async (workspace) => (await isGuarded(guard, workspace)) && (await isPaced(paced, workspace)),
    allowSteps: async (workspace, steps) => allowSteps(paced, await realpath(workspace), steps),
    limitWrites: async (workspace, rules) => limitWrites(guard, await realpath(workspace), rules),
    remove: () => removeTree(root),
  };
}

/** OpenCode installs its plugin package into every config folder that does not look as if it had it. */
async function stubPackages(folder: string): Promise<void> {
  const dependencies = { '@opencode-ai/plugin': '*' };
  await makeDir(join(folder, 'node_modules'));
  await writeAtomic(join(folder, 'package.json'), JSON.stringify({ dependencies }));
  const lock = { lockfileVersion: 3, requires: true, packages: { '': { dependencies } } };
  await writeAtomic(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

/** Numbered: a provider's name is no file name. */
async function writeKeys(folders: HomeFolders, config: OpencodeConfig): Promise<Record<string, string>> {
  const files = newRecord<string>();
  await mkdir(folders.keys, { mode: 0o700 });
  await chmod(folders.keys, 0o700);
  for (const [index, [name, key]] of Object.entries(config.keys ?? {}).entries()) {
    const file = join(folders.keys, String(index));
    await writeAtomic(file, key, 0o600);
    files[name] = file;
  }
  return files;
}

function placeOf(folder: string, path: string): string {
  const place = normalize(path);
  if (isAbsolute(place) || place === '..' || place.startsWith(`..${sep}`)) {
    throw new Error(`BUG: a config file outside of its folder: ${path}`);
  }
  return join(folder, place);
}
