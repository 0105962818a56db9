/** Signatures of `ssh-keygen -Y`, for every kind of ssh key. Does not know what is signed. */

import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from './files.js';
import { runProgram } from './process/process.js';

/** Signatures of another use (commits, logins) are not valid here. */
const NAMESPACE = 'conductor';
const MINUTE_MS = 60_000;
export const NO_KEYGEN = 'ssh-keygen is not installed';

type Environment = Readonly<Record<string, string | undefined>>;

/** The armoured signature, or why there is none. `keyFile`: a private key, or a public one whose private half an agent holds. */
export function sshSign(
  keyFile: string,
  statement: Buffer,
  env: Environment,
): Promise<{ signature: string } | { problem: string }> {
  return withFolder(async (folder) => {
    const file = join(folder, 'statement');
    await writeFile(file, statement);
    const ended = await keygen(['-Y', 'sign', '-q', '-f', keyFile, '-n', NAMESPACE, file], folder, env);
    return ended === undefined ? { signature: await readFile(`${file}.sig`, 'utf8') } : { problem: ended };
  });
}

export interface SignedStatement {
  /** The text of an `allowed_signers` file. */
  readonly signers: string;
  readonly by: string;
  readonly statement: Buffer;
  readonly signature: string;
}

/** Why a signature is not that of this signer on these bytes; undefined when it is. */
export function sshVerifyProblem(
  { signers, by, statement, signature }: SignedStatement,
  env: Environment,
): Promise<string | undefined> {
  return withFolder(async (folder) => {
    await writeFile(join(folder, 'signers'), signers);
    await writeFile(join(folder, 'signature'), signature);
    const args = ['-Y', 'verify', '-q', '-f', 'signers', '-I', by, '-n', NAMESPACE, '-s', 'signature'];
    return keygen(args, folder, env, statement);
  });
}

async function keygen(
  args: readonly string[],
  cwd: string,
  env: Environment,
  stdin?: Buffer,
): Promise<string | undefined> {
  const { PATH, HOME, SSH_AUTH_SOCK } = env;
  const ended = await runProgram({
    command: ['ssh-keygen', ...args],
    cwd,
    env: { PATH, HOME, SSH_AUTH_SOCK, SSH_ASKPASS_REQUIRE: 'never' },
    timeoutMs: MINUTE_MS,
    ...(stdin ? { stdin } : {}),
  });
  if (ended.kind === 'not-found') return NO_KEYGEN;
  if (ended.kind === 'exited' && ended.code === 0) return undefined;
  return ended.tail.trim().split('\n').at(-1) || 'ssh-keygen failed';
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-signature-'));
  try {
    return await use(folder);
  } finally {
    await removeTree(folder);
  }
}
