/** Checks for leftovers of killed builds and deleted projects: workspaces, servers, locks. Removes nothing. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { countLeftServers } from '../../agent/opencode/server/reap.js';
import { exists, readText } from '../../io/files.js';
import { acquireLock } from '../../io/process-lock.js';
import { plural } from '../../report/style.js';
import { workspacesFolder } from '../../workspace/workspace-pool.js';
import type { DoctorCheck, DoctorContext, Finding } from './doctor-check.js';

/** Who works on the project now; then what dead ones left for the next build to sweep. */
export const checkBuilds: DoctorCheck = async (context) => {
  const { repository, host } = context;
  if (!repository) return [];
  const owner = {
    command: 'conductor doctor',
    pid: host.pid,
    startedAt: new Date(host.now()).toISOString(),
  };
  const lock = await acquireLock(repository.state, owner, { wait: false });
  if (!lock.ok) {
    if (lock.error.kind !== 'locked') return [];
    const { pid, command, since } = lock.error;
    if (pid > 0)
      return [{ about: 'builds', state: 'ok', found: `\`${command}\` runs, process ${pid}, since ${since}` }];
    const hint = 'it may be stopped (Ctrl-Z): find it with `ps`, and continue or end it';
    return [{ about: 'builds', state: 'warning', found: 'a build runs and does not answer', hint }];
  }
  try {
    return await leftByBuilds(context);
  } finally {
    await lock.value.release();
  }
};

async function leftByBuilds({ repository, host }: DoctorContext): Promise<Finding[]> {
  if (!repository) return [];
  const names = await namesIn(workspacesFolder(repository, host.cacheDir));
  const busy = names.filter((name) => name.endsWith('.busy')).length;
  const servers = await countLeftServers(host.cacheDir);
  const findings: Finding[] = [];
  if (busy > 0) {
    const found = `${plural(busy, 'workspace')} of a killed build; the next build removes them`;
    findings.push({ about: 'builds', state: 'ok', found });
  }
  if (servers > 0) {
    const found = `${plural(servers, 'OpenCode server')} left by a killed conductor`;
    findings.push({ about: 'builds', state: 'warning', found, hint: 'run `conductor build`: it ends them' });
  }
  return findings.length > 0 ? findings : [{ about: 'builds', state: 'ok', found: 'none runs' }];
}

/** Folders of workspaces whose project was deleted: no build will ever sweep them. */
export const checkAbandoned: DoctorCheck = async ({ host }) => {
  const { cacheDir } = host;
  const abandoned: string[] = [];
  for (const name of await namesIn(cacheDir)) {
    if (/-[0-9a-f]{12}$/.test(name) && (await isAbandoned(join(cacheDir, name)))) abandoned.push(name);
  }
  if (abandoned.length === 0) return [];
  const found = `${plural(abandoned.length, 'folder')} of projects that no longer exist`;
  const shown = abandoned.slice(0, 5).map((name) => join(cacheDir, name));
  return [{ about: 'workspaces', state: 'warning', found, hint: `you can remove them: ${shown.join(' ')}` }];
};

/** Every workspace in it names its git folder; if none of those exists, the folder is unused. */
async function isAbandoned(folder: string): Promise<boolean> {
  let workspaces = 0;
  for (const name of await namesIn(folder)) {
    const text = await readText(join(folder, name, '.git')).catch(() => undefined);
    const gitDir = /^gitdir: (.+?)\r?\n?$/s.exec(text ?? '')?.[1];
    if (gitDir === undefined) continue;
    workspaces++;
    const store = gitDir.replace(/\/(workspaces|worktrees)\/[^/]+$/, '');
    if (await exists(store)) return false;
  }
  return workspaces > 0;
}

/** A git that was killed leaves this, and every later one refuses to work. */
export const checkGitLock: DoctorCheck = async ({ repository }) => {
  if (!repository) return [];
  const file = join(repository.gitDir, 'index.lock');
  if (!(await exists(file))) return [];
  const hint = `if no git runs (see \`ps\`), remove ${file}`;
  return [{ about: 'git', state: 'warning', found: 'its index is locked', hint }];
};

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  );
}
