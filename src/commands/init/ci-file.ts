/** The file of a CI that runs conductor, as `docs/ci.md` has it, with the package manager of the project. Writes nothing. */

import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { NewFile } from '../new/new-files.js';
import type { InitSurvey } from './init.js';

export type CiKind = 'github' | 'gitlab';

const PATHS: Readonly<Record<CiKind, string>> = {
  github: '.github/workflows/conductor.yml',
  gitlab: '.gitlab-ci.yml',
};
/** How each package manager installs exactly what its lock file names. */
const INSTALL = {
  npm: 'npm ci',
  pnpm: 'corepack enable && pnpm install --frozen-lockfile',
  yarn: 'corepack enable && yarn install --immutable',
  bun: 'npm install --global bun && bun install --frozen-lockfile',
} as const;

/** `page` is `docs/ci.md`. Fails with `usage` in a folder of a repository: a CI reads the file at the root. */
export function ciFile(kind: CiKind, page: string, survey: InitSurvey): Result<NewFile, Failure> {
  const path = PATHS[kind];
  const { repository, toolchain, start } = survey;
  if (repository.prefix !== '') {
    const message = `${path} belongs to the root of the repository, and this project is in ${repository.prefix}`;
    const hint =
      'copy the file from docs/ci.md of the package conductor-build, and run its commands in this folder';
    return err({ kind: 'usage', message, hint });
  }
  const text = codeBlock(page, path);
  if (text === undefined) throw new Error(`BUG: docs/ci.md has no ${path}`);
  const install = INSTALL[toolchain.packageManager ?? 'npm'];
  // Without a package there is nothing to install.
  const written = text
    .split('\n')
    .filter((line) => toolchain.packageManager !== undefined || !line.endsWith('npm ci'))
    .join('\n')
    .replace(/npm ci$/m, () => install)
    .replaceAll('npx conductor', start);
  return ok({ path, content: Buffer.from(written) });
}

/** The block of code whose first line is a comment with this path. */
export function codeBlock(page: string, path: string): string | undefined {
  for (const [, block = ''] of page.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)) {
    const first = block.split('\n').find((line) => line.startsWith('# ')) ?? '';
    if (first.slice(2).split(' ')[0] === path) return block;
  }
  return undefined;
}
