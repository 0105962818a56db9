/** The text of the plugin that limits OpenCode's file tools to the workspace, and to the files of the task. OpenCode runs it. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../../base/sha256.js';
import { readText } from '../../../io/files.js';
import { writePassing } from '../../../io/passing-files.js';
import type { WriteRules } from '../session/role.js';

/**
 * OpenCode compares the paths of its file tools as they are written: a link in the workspace leads them anywhere, to
 * the keys and to the server's variables. This looks at where a path really leads. Needs nothing but Node's modules,
 * for a plugin that cannot load is passed over in silence.
 */
const PLUGIN = `// Written by conductor. File tools stay in the workspace, wherever a link leads.
import { createHash } from 'node:crypto';
import { appendFileSync, lstatSync, readFileSync, readlinkSync, realpathSync, unlinkSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

const policy = JSON.parse(readFileSync(new URL('../guard.json', import.meta.url), 'utf8'));
const READERS = new Set(['read', 'grep', 'glob', 'list', 'lsp', 'bash']);
const WRITERS = new Set(['write', 'edit', 'patch', 'apply_patch', 'multiedit']);
const INSTRUCTIONS = ['AGENTS.md', 'CLAUDE.md', 'CONTEXT.md'];
const PATH_KEYS = new Set(['filepath', 'file_path', 'path', 'workdir', 'cwd', 'directory']);

const below = (path, folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function real(path, links = 0) {
  if (links > 40) throw new Error('conductor: too many links: ' + path);
  try {
    return realpathSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
  }
  let isLink = false;
  try {
    isLink = lstatSync(path).isSymbolicLink();
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (isLink) return real(resolve(real(dirname(path), links + 1), readlinkSync(path)), links + 1);
  return join(real(dirname(path), links), basename(path));
}

function pathsOf(args) {
  const paths = [];
  for (const [key, value] of Object.entries(args ?? {})) {
    if (typeof value !== 'string') continue;
    if (PATH_KEYS.has(key.toLowerCase())) paths.push(value);
    if (/patch/i.test(key)) {
      for (const line of value.matchAll(/^\\*\\*\\* (?:(?:Add|Update|Delete) File|Move to): (.*)$/gm)) paths.push(line[1].trim());
    }
  }
  return paths;
}

function rulesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

const isAllowed = ({ rules }, path) =>
  rules.findLast(({ source }) => new RegExp('^(?:' + source + ')$').test(path))?.allow === true;

export const ConductorGuard = async ({ directory }) => {
  const workspace = realpathSync(directory);
  const file = policy.writes + '/' + createHash('sha256').update(workspace).digest('hex');
  // A tool may name a file by a link: either name may be the task's.
  const checkWrite = (path, place) => {
    const granted = rulesOf(file);
    if (granted === undefined) return;
    const names = [relative(workspace, place), relative(workspace, resolve(workspace, path))];
    if (names.some((name) => isAllowed(granted, name.split(sep).join('/')))) return;
    throw new Error('conductor: ' + path + ' ' + granted.refusal);
  };
  const shown = policy.shown.map((path) => real(path));
  appendFileSync(policy.log, workspace + '\\0');
  // OpenCode reads instructions from the folders of a file that is read, and from the workspace for each model call.
  const checkInstructions = (folder) => {
    for (const name of INSTRUCTIONS) {
      const path = join(folder, name);
      try {
        if (!lstatSync(path).isSymbolicLink()) continue;
      } catch {
        continue;
      }
      if (below(real(path), workspace)) continue;
      unlinkSync(path);
      throw new Error('conductor: ' + path + ' leads out of the workspace, and was removed');
    }
  };
  return {
    'tool.execute.before': async (input, output) => {
      for (const path of pathsOf(output.args)) {
        const place = real(resolve(workspace, path));
        if (below(place, workspace)) {
          if (WRITERS.has(input.tool)) checkWrite(path, place);
          for (let folder = dirname(place); below(folder, workspace); folder = dirname(folder)) checkInstructions(folder);
          continue;
        }
        const may = READERS.has(input.tool) && shown.some((one) => below(place, one));
        if (!may) throw new Error('conductor: ' + path + ' leads out of the workspace');
      }
    },
    'tool.execute.after': async () => {
      try {
        checkInstructions(workspace);
      } catch {
        // It is gone, which is what counts.
      }
    },
  };
};
`;

export interface Guard {
  readonly log: string;
  /** A folder with one file for each workspace: what may be written there. */
  readonly writes: string;
}

/**
 * Writes the plugin into OpenCode's config folder. Outside of the workspace only what is below `shown` may be read,
 * wherever links lead, and nothing written.
 */
export async function writeGuard(
  configDir: string,
  guard: Guard,
  policy: { readonly shown: readonly string[] },
): Promise<Guard> {
  await writePassing(join(configDir, 'guard.json'), JSON.stringify({ ...policy, ...guard }));
  await writePassing(join(configDir, 'plugin', 'conductor-guard.js'), PLUGIN);
  return guard;
}

/** Limits what may be written in a workspace (its real path) from now on; undefined: everything in it. */
export async function limitWrites(
  { writes }: Guard,
  workspace: string,
  rules: WriteRules | undefined,
): Promise<void> {
  const file = join(writes, sha256(workspace));
  if (rules === undefined) await rm(file, { force: true });
  else await writePassing(file, JSON.stringify(rules));
}

/** Whether the plugin has been loaded for a workspace (its real path), which happens with its first request. */
export async function isGuarded(guard: Guard, workspace: string): Promise<boolean> {
  return ((await readText(guard.log)) ?? '').split('\0').includes(workspace);
}
