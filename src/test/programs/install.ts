/** Installs the programs of coding agents, once: what the registry refuses is named, and the others are tested. */

import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { binFolder, installFolder, PROGRAMS, type RealProgram } from './programs.js';

const run = promisify(execFile);

export default async function setup(): Promise<void> {
  for (const program of Object.values(PROGRAMS)) {
    if (binFolder(program) !== undefined) continue;
    const problem = await install(program);
    if (problem === undefined) continue;
    rmSync(installFolder(program), { recursive: true, force: true });
    process.stderr.write(
      `NOT TESTED: ${program.package}@${program.version} cannot be installed: ${problem}\n`,
    );
  }
}

/** What went wrong, in a sentence. */
async function install(program: RealProgram): Promise<string | undefined> {
  const folder = installFolder(program);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const spec = `${program.package}@${program.version}`;
  const npm = ['install', '--save-exact', '--no-audit', '--no-fund', spec];
  const node = dirname(process.execPath);
  const env = { ...process.env, PATH: [node, process.env.PATH].join(delimiter) };
  try {
    await run('npm', npm, { cwd: folder, env, timeout: 300_000 });
    // Where npm runs no install scripts, the package's own one puts its binary in place.
    if (program.preset === 'claude') {
      await run(process.execPath, [join(folder, 'node_modules', program.package, 'install.cjs')], {
        cwd: folder,
      });
    }
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr || message).trim().split('\n').slice(-2).join(' ').slice(0, 300);
  }
}
