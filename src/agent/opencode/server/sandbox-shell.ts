/** The shell that OpenCode gives its agents, and the list of folders in which it may run. Knows no server. */

import { createHash } from 'node:crypto';
import { chmod, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { newRecord } from '../../../base/records/own-value.js';
import { makeDir, removeTree } from '../../../io/files.js';
import { writePassing } from '../../../io/passing-files.js';
import type { Environment } from '../../../io/process/environment.js';
import { type Mount, sandboxArgv } from '../../../io/process/sandbox/sandbox.js';
import { killMarked } from './marked.js';

/** What a shell in one workspace may see. Everything is decided by conductor, nothing by what is in the workspace. */
export interface ShellGrant {
  /** Absolute; the only writable place. */
  readonly workspace: string;
  /** All variables of the shell; nothing of the server's is inherited. */
  readonly env: Environment;
  readonly network: boolean;
  readonly readOnly?: readonly string[];
  readonly writable?: readonly string[];
  readonly mounts?: readonly Mount[];
  readonly hide?: readonly string[];
}

/** Where the shell is and what its words mean; made by `writeShell`. */
export interface SandboxShell {
  /** Absolute path of the script: OpenCode's `shell`. */
  readonly script: string;
  /** One file for each workspace: its path, then the words to run, each ended by a zero byte. */
  readonly grants: string;
  /** Program of the sandbox; undefined: the shell is a plain one. */
  readonly sandbox: string | undefined;
  /** Covered in every sandbox: the server's folder, which holds keys. */
  readonly hide: readonly string[];
  /** A variable that marks every process of this server. */
  readonly mark: { readonly name: string; readonly value: string };
}

/**
 * Holds no data: what it may do is read from files beside it, which no agent can write. The longest granted path
 * above the current folder counts; bash 3.2 must do.
 */
const SCRIPT = `#!/bin/bash
# The shell of conductor's agents: runs only in workspaces that conductor has listed, as conductor has listed.
unset CDPATH
cd -P . 2>/dev/null || { echo 'conductor: the folder of this command is gone' >&2; exit 126; }
best=
length=0
for file in "\${BASH_SOURCE[0]%/*}"/grants/*; do
  IFS= read -r -d '' place 2>/dev/null <"$file" || continue
  if [[ "$PWD" == "$place" || "$PWD" == "$place"/* ]] && (( \${#place} > length )); then
    best=$file
    length=\${#place}
  fi
done
if [[ -z "$best" ]]; then
  echo 'conductor: commands run in the workspace of the task only' >&2
  exit 126
fi
words=()
while IFS= read -r -d '' word; do words+=("$word"); done <"$best"
exec "\${words[@]:1}" /bin/bash -c 'cd -- "$0" && exec /bin/bash "$@"' "$PWD" "$@"
`;

/** Writes the script into a folder (mode 0700) that no workspace holds. */
export async function writeShell(
  folder: string,
  options: Pick<SandboxShell, 'sandbox' | 'hide' | 'mark'>,
): Promise<SandboxShell> {
  const script = join(folder, 'sandbox-bash');
  const grants = join(folder, 'grants');
  await makeDir(grants);
  await writePassing(script, SCRIPT, 0o700);
  await chmod(script, 0o700);
  return { script, grants, ...options };
}

/** A variable of every command in one workspace; its value is `workspaceMark`. */
export const WORKSPACE_MARK = 'CONDUCTOR_WORKSPACE';

/** Differs for each server and each workspace; `workspace` is a real path. */
export function workspaceMark(shell: SandboxShell, workspace: string): string {
  return `${shell.mark.value}-${hashOf(workspace)}`;
}

/** Lets the shell run in a workspace from now on. The workspace must exist. */
export async function grant(shell: SandboxShell, request: ShellGrant): Promise<void> {
  const workspace = await realpath(request.workspace);
  const env = newRecord<string>();
  env[shell.mark.name] = shell.mark.value;
  env[WORKSPACE_MARK] = workspaceMark(shell, workspace);
  for (const [name, value] of Object.entries(request.env)) if (value !== undefined) env[name] = value;
  // Outside of the sandbox, whose own process would otherwise show the server's variables to those inside.
  const clean = ['/usr/bin/env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const sandbox =
    shell.sandbox === undefined
      ? []
      : sandboxArgv(
          {
            program: shell.sandbox,
            workspace,
            network: request.network,
            readOnly: request.readOnly ?? [],
            writable: request.writable ?? [],
            mounts: request.mounts ?? [],
            hide: [...shell.hide, ...(request.hide ?? [])],
          },
          [],
          { env },
        );
  const words = [...clean, ...sandbox];
  await writePassing(grantFile(shell, workspace), `${[workspace, ...words].join('\0')}\0`, 0o600);
}

/**
 * Takes the grant back: later commands in this workspace are refused, and what earlier ones left running is killed; Linux only.
 * A sandbox ends with its command, but not at once: until then, what the command started could write beside the capture.
 */
export async function revoke(shell: SandboxShell, workspace: string): Promise<void> {
  const real = await realpath(workspace).catch(() => workspace);
  await removeTree(grantFile(shell, real));
  await killMarked(WORKSPACE_MARK, workspaceMark(shell, real));
}

function grantFile(shell: SandboxShell, workspace: string): string {
  return join(shell.grants, hashOf(workspace));
}

function hashOf(workspace: string): string {
  return createHash('sha256').update(workspace).digest('hex').slice(0, 32);
}
