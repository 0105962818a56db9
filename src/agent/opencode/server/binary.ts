/** Finds the programs that a worker needs: OpenCode and ripgrep. Starts them only to ask for their version. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../../base/result.js';
import { readText } from '../../../io/files.js';
import { type Environment, findProgram } from '../../../io/process/environment.js';
import type { Failure } from '../../../model/failure.js';
import { answeredVersion } from '../../program-version.js';

export interface ProgramSearch {
  /** Conductor's variables; PATH is looked through when no package has the program. */
  readonly env: Environment;
  /** Path of a file of an installed package (`opencode-linux-x64/package.json`); throws when there is none. */
  readonly resolve?: (specifier: string) => string;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
}

export interface FoundOpencode {
  /** Absolute. */
  readonly program: string;
  readonly version?: string;
}

const ownResolve = createRequire(import.meta.url).resolve;

/**
 * The program of the platform's package, which is there whether or not install scripts ran; else `opencode` on PATH
 * when it answers (the package's own stub does not). Failure: `agent-missing`.
 */
export async function findOpencode(search: ProgramSearch): Promise<Result<FoundOpencode, Failure>> {
  const name = (search.platform ?? process.platform) === 'win32' ? 'opencode.exe' : 'opencode';
  for (const packageName of platformPackages(search)) {
    const packageFile = resolved(search, `${packageName}/package.json`);
    if (packageFile === undefined) continue;
    const program = findProgram(join(dirname(packageFile), 'bin', name), {});
    if (program === undefined) continue;
    const version = versionOf(await readText(packageFile));
    return ok({ program, ...(version === undefined ? {} : { version }) });
  }
  const program = findProgram('opencode', search.env);
  const answer = program === undefined ? undefined : await answeredVersion(program, search.env);
  const version = /^v?(\d+\.\d+\.\d+\S*)\s*$/m.exec(answer ?? '')?.[1];
  if (program === undefined || version === undefined)
    return err({ kind: 'agent-missing', program: 'opencode' });
  return ok({ program, version });
}

/** The folder with `rg` of ripgrep's own platform package, else that of PATH; undefined when there is none. */
export function ripgrepFolder(search: ProgramSearch): string | undefined {
  const platform = search.platform ?? process.platform;
  const name = platform === 'win32' ? 'rg.exe' : 'rg';
  const specifier = `@vscode/ripgrep-${platform}-${search.arch ?? process.arch}/bin/${name}`;
  // The platform's package is a dependency of ripgrep's package and not always found from here.
  const main = resolved(search, '@vscode/ripgrep');
  const near = main === undefined ? undefined : resolvedFrom(main, specifier);
  const program = near ?? resolved(search, specifier) ?? findProgram('rg', search.env);
  return program === undefined ? undefined : dirname(program);
}

/** Names of packages that may fit this machine, the best first. */
function platformPackages(search: ProgramSearch): string[] {
  const platform = search.platform ?? process.platform;
  const base = `opencode-${platform === 'win32' ? 'windows' : platform}-${search.arch ?? process.arch}`;
  if (platform !== 'linux') return [base, `${base}-baseline`];
  const musl = [`${base}-musl`, `${base}-baseline-musl`];
  const glibc = [base, `${base}-baseline`];
  return usesMusl() ? musl : glibc;
}

/** Node tells which C library it was made for. */
function usesMusl(): boolean {
  const header = (process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined)
    ?.header;
  return header !== undefined && header.glibcVersionRuntime === undefined;
}

function resolved(search: ProgramSearch, specifier: string): string | undefined {
  try {
    return (search.resolve ?? ownResolve)(specifier);
  } catch {
    return undefined;
  }
}

function resolvedFrom(file: string, specifier: string): string | undefined {
  try {
    return createRequire(file).resolve(specifier);
  } catch {
    return undefined;
  }
}

function versionOf(packageText: string | undefined): string | undefined {
  try {
    const { version } = JSON.parse(packageText ?? '') as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
