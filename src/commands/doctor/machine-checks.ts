/** Checks of the machine: Node, git, the sandbox, the disk. */

import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gitVersion, NEEDED_GIT } from '../../io/git/git-version.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import type { DoctorCheck, Finding } from './doctor-check.js';

const NEEDED_NODE = [20, 19] as const;
const GIGABYTE = 1024 ** 3;
/** Less free space than this: a warning, a problem. */
const LITTLE = GIGABYTE;
const NEXT_TO_NONE = GIGABYTE / 10;

export const checkNode: DoctorCheck = async ({ node }) => {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const isNewEnough = major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1]);
  if (isNewEnough) return [{ about: 'node', state: 'ok', found: node }];
  const hint = `install Node ${NEEDED_NODE.join('.')} or newer`;
  return [{ about: 'node', state: 'problem', found: `${node} is too old`, hint }];
};

export const checkGit: DoctorCheck = async () => {
  const version = await gitVersion();
  if (version.ok) return [{ about: 'git', state: 'ok', found: version.value }];
  const found =
    version.error.kind === 'git-too-old' ? `${version.error.version} is too old` : 'it was not found on PATH';
  return [{ about: 'git', state: 'problem', found, hint: `install git ${NEEDED_GIT} or newer` }];
};

export const checkSandbox: DoctorCheck = async ({ host, config }) => {
  const about = 'sandbox';
  if (config?.sandbox === 'off') {
    const hint = 'agents, commands and gates can do everything that you can; set `sandbox` to `auto`';
    return [{ about, state: 'warning', found: 'switched off in the config', hint }];
  }
  const search = await findSandbox(host.env);
  if ('program' in search) return [{ about, state: 'ok', found: search.program }];
  const isNeeded = config?.sandbox === 'required';
  const hint = isNeeded
    ? 'the config requires it: install bubblewrap (`apt install bubblewrap`), or set `sandbox` to `auto`'
    : 'without it, agents, commands and gates can do everything that you can: install bubblewrap (`apt install bubblewrap`)';
  return [{ about, state: isNeeded ? 'problem' : 'warning', found: search.missing, hint }];
};

export const checkDisk: DoctorCheck = async ({ host, repository }) => {
  const places = [host.cacheDir, ...(repository ? [repository.commonDir] : [])];
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const place of places) {
    const disk = await freeBytes(place);
    if (!disk || seen.has(disk.id)) continue;
    seen.add(disk.id);
    const found = `${(disk.free / GIGABYTE).toFixed(1)} GB free for ${place}`;
    if (disk.free >= LITTLE) findings.push({ about: 'disk', state: 'ok', found });
    else {
      const state = disk.free < NEXT_TO_NONE ? 'problem' : 'warning';
      findings.push({
        about: 'disk',
        state,
        found,
        hint: 'workspaces and results need space: free some',
      });
    }
  }
  return findings;
};

/** Of the file system that a folder is on, or will be on once it is made. */
async function freeBytes(folder: string): Promise<{ free: number; id: string } | undefined> {
  for (let place = folder; ; place = dirname(place)) {
    const found = await statfs(place).catch(() => undefined);
    if (found) {
      const free = found.bavail * found.bsize;
      return { free, id: `${found.type} ${found.blocks} ${found.bfree}` };
    }
    if (dirname(place) === place) return undefined;
  }
}
