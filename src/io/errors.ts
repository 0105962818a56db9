/**
 * Turns errors of the operating system and of git into failures with a path, a cause and a hint. Knows no command.
 */

import type { Failure } from '../model/failure.js';

/** The failure that an error stands for: the disk or git said no. Undefined for every other error, which is a bug. */
export function asFailure(error: unknown): Failure | undefined {
  const code = codeOf(error);
  if (code === 'EDAMAGED') {
    return {
      kind: 'unsupported-repository',
      reason: `conductor's data in it is damaged: ${(error as Error).message.trimEnd().split('\n').at(-1)}`,
      hint: 'Delete the folder `conductor` in its git folder. conductor creates it again.',
    };
  }
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  const { path, dest } = error as { path?: unknown; dest?: unknown };
  return { kind: 'disk-full', path: String(dest ?? path ?? '') };
}

/** The `code` of an error of the operating system (`ENOENT`), or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
