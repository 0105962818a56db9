/** Whether the programs of gates are there, looked up as a gate would: in the sandbox, where there is one. Runs no gate. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../io/files.js';
import { expandHome } from '../io/process/environment.js';
import { cleanEnvironment, programOnPath, runProgram } from '../io/process/process.js';
import { findSandbox } from '../io/process/sandbox/sandbox.js';
import type { Diagnostic } from '../model/failure.js';
import type { Host } from '../project/host.js';
import { type Project, textIn } from '../project/project.js';
import { placeProblems } from '../specs/problem.js';
import { missingPrograms } from '../specs/programs.js';
import { sandboxPlaces } from '../workspace/places.js';
import { isPackageFolder } from '../workspace/tools/package-folder.js';

/** Gates whose program would not be found, each with its place. */
export async function missingGatePrograms(host: Host, project: Project): Promise<Diagnostic[]> {
  const features = [...project.features.values()];
  const named = new Set<string>();
  missingPrograms(features, project.config, (program) => {
    named.add(program);
    return true;
  });
  const found = await programsInSight(host, project, [...named]);
  const problems = missingPrograms(features, project.config, (program) => found.has(program));
  return placeProblems(problems, (file) => textIn(project, file));
}

/** Prints each of its arguments that the shell finds. */
const LOOK_UP = 'for program do command -v -- "$program" >/dev/null && printf "%s\\n" "$program"; done; true';

async function programsInSight(
  host: Host,
  { repository, config, listing }: Project,
  programs: readonly string[],
): Promise<ReadonlySet<string>> {
  const { workspace } = config;
  const bin = join(repository.project, 'node_modules/.bin');
  // Set-up makes what the project's own folder shows; what git tracks is in the workspace.
  const comes = (program: string) =>
    (workspace.setup.length > 0 && programOnPath(program, { PATH: bin })) ||
    listing.get(`node_modules/.bin/${program}`) !== undefined;
  const found = new Set(programs.filter(comes));
  const env = cleanEnvironment(host.env, config.env);
  const linked = workspace.link.filter(isPackageFolder);
  const pathInFront = linked.map((path) => join(repository.project, path, '.bin'));
  const search = config.sandbox === 'off' ? undefined : await findSandbox(host.env);
  if (!search || 'missing' in search) {
    const PATH = [...pathInFront, env.PATH ?? ''].join(':');
    for (const program of programs) if (programOnPath(program, { ...env, PATH })) found.add(program);
    return found;
  }
  const dir = await mkdtemp(join(tmpdir(), 'conductor-look-'));
  try {
    const read = workspace.read.map((path) => expandHome(path, host.env));
    const places = sandboxPlaces(repository, { cacheDir: host.cacheDir, link: workspace.link, read });
    await runProgram({
      command: ['/bin/sh', '-c', LOOK_UP, 'sh', ...programs],
      cwd: dir,
      env,
      pathInFront,
      timeoutMs: 10_000,
      sandbox: { program: search.program, workspace: dir, network: false, ...places },
      onLine: (line) => found.add(line),
    });
  } finally {
    await removeTree(dir);
  }
  return found;
}
