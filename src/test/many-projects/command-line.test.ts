/** `conductor projects` as a person calls it: two real repositories, one of them by its address, with a dependency. */

import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TemporaryProject } from '../rig/command-line.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const CONFIG = `export default { sandbox: 'off' };\n`;

/** `origin`: a repository that only its address is known of; `web`: a folder beside the list. */
function places(): TemporaryProject {
  const temporary = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'conductor.config.js': CONFIG,
    'package.json': '{ "type": "module" }\n',
    'specs/f/BACKLOG.yaml': backlogYaml('f', {
      T1: {
        inputs: ['source.txt'],
        outputs: ['out/contract.txt'],
        run: 'mkdir -p out; tr a-z A-Z < source.txt > out/contract.txt',
      },
    }),
    'source.txt': 'first\n',
  });
  temporary.commit();
  const git = (dir: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: dir,
      stdio: 'pipe',
    });
  git(temporary.root, 'clone', '-q', '--bare', 'project', 'origin.git');
  git(temporary.root, 'init', '-q', '-b', 'main', 'all');
  git(temporary.root, 'init', '-q', '-b', 'main', 'all/web');
  const origin = join(temporary.root, 'project');
  temporary.dir = join(temporary.root, 'all');
  temporary.write('web/.gitignore', '.conductor/\n');
  temporary.write('web/package.json', '{ "type": "module" }\n');
  temporary.write('web/conductor.config.js', CONFIG);
  temporary.write(
    'web/specs/g/BACKLOG.yaml',
    backlogYaml('g', {
      T1: {
        inputs: ['imports/api/**'],
        outputs: ['page.txt'],
        run: 'cat imports/api/out/contract.txt > page.txt; echo page >> page.txt',
      },
    }),
  );
  temporary.write(
    'conductor.projects.yaml',
    [
      'limits: { workers: 2 }',
      'projects:',
      '  web:',
      '    path: web',
      '    depends_on: [api]',
      '  api:',
      '    git: ../origin.git',
      '    priority: high',
      '    deadline: 2199-01-01',
      '',
    ].join('\n'),
  );
  // For tests that change what the address has.
  temporary.write('.origin', origin);
  return temporary;
}

test('projects are listed, built from another folder, found up to date, and built again when an address has news', async () => {
  const temporary = places();
  try {
    const listed = await temporary.conductor('projects', 'list', '--json');
    expect(listed.code, listed.text).toBe(0);
    const { projects } = JSON.parse(listed.stdout);
    expect(projects.map(({ name, weight }: { name: string; weight: number }) => [name, weight])).toEqual([
      ['api', 4],
      ['web', 2],
    ]);

    const before = await temporary.conductor('projects', 'status');
    expect(before.stdout).toContain('api is not cloned yet');

    const built = await temporary.conductor('projects', 'build', '--json', '--profile', 'trace.json');
    expect(built.code, built.text).toBe(0);
    const { traceEvents } = JSON.parse(temporary.read('trace.json'));
    const processes = traceEvents.filter(({ ph }: { ph: string }) => ph === 'M');
    expect(processes.map(({ args }: { args: { name: string } }) => args.name)).toEqual([
      ...['api: build', 'api: tasks', 'web: build', 'web: tasks', 'git processes'],
    ]);
    const events = built.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ type: 'projects.finished', summary: { exitCode: 0 } });
    const finished = events.filter(({ type }) => type === 'build.finished');
    expect(finished.map(({ project, summary }) => [project, summary.outcome])).toEqual([
      ['api', 'built'],
      ['web', 'built'],
    ]);
    expect(temporary.read('web/page.txt')).toBe('FIRST\npage\n');

    temporary.dir = join(temporary.dir, 'web');
    const again = await temporary.conductor('projects', 'build');
    expect(again.code, again.text).toBe(0);
    expect(again.stdout).toContain('2 projects: 2 up to date');
    const status = await temporary.conductor('projects', 'status', '--exit-code');
    expect(status.code, status.text).toBe(0);
    expect(status.stdout).toContain('2 projects, 2 up to date');
    temporary.dir = join(temporary.root, 'all');
    const metrics = JSON.parse((await temporary.conductor('projects', 'metrics', '--json')).stdout);
    expect(metrics.projects.map(({ name }: { name: string }) => name)).toEqual(['api', 'web']);
    expect(metrics.all).toMatchObject({ builds: 2, outcomes: { built: 2 } });

    const origin = temporary.read('.origin');
    const all = temporary.dir;
    temporary.dir = origin;
    temporary.write('source.txt', 'second\n');
    temporary.commit();
    temporary.git('push', '-q', '../origin.git', 'main');
    temporary.dir = all;
    temporary.dir = join(all, '.conductor/projects/api');
    temporary.git('pull', '-q', '--ff-only');
    const alone = await temporary.conductor('build');
    expect(alone.code, alone.text).toBe(0);
    temporary.dir = all;
    const stale = await temporary.conductor('projects', 'status', '--exit-code');
    expect(stale.code, stale.text).toBe(1);
    expect(stale.stdout).toMatch(/^web .* 1 copy out of date$/m);
    expect(stale.stdout).toContain('2 projects, 1 up to date');
    const third = await temporary.conductor('projects', 'build');
    expect(third.code, third.text).toBe(0);
    expect(third.stdout).toContain('got 1 file of api');
    expect(temporary.read('web/page.txt')).toBe('SECOND\npage\n');
  } finally {
    temporary.dispose();
  }
});

test('a mistake in the list is shown with its line, and an unknown name with the nearest one', async () => {
  const temporary = places();
  try {
    const unknown = await temporary.conductor('projects', 'build', 'wep');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no project of the list is called wep');
    expect(unknown.stderr).toContain('nearest: web; ');
    expect(unknown.stderr).toContain('conductor projects list` lists all projects');
    temporary.write('conductor.projects.yaml', 'projects:\n  web:\n    path: web\n    depends_on: [api]\n');
    const refused = await temporary.conductor('projects', 'build');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('conductor.projects.yaml:4');
    expect(refused.stderr).toContain('there is no project `api`');
    expect(refused.stderr).toContain('conductor projects list');
    symlinkSync('web', join(temporary.dir, 'same'));
    temporary.write(
      'conductor.projects.yaml',
      'projects:\n  web: { path: web }\n  twin: { path: ./same/ }\n',
    );
    const twice = await temporary.conductor('projects', 'list');
    expect(twice.stderr).toContain('conductor.projects.yaml:3');
    expect(twice.stderr).toContain('web and twin are in the same folder');
    const option = '--upload-pack=touch ran';
    temporary.write('conductor.projects.yaml', `projects:\n  web: { git: '${option}' }\n`);
    expect((await temporary.conductor('projects', 'build')).stderr).toContain(
      'git would take it for an option',
    );
    expect(existsSync(join(temporary.dir, 'ran'))).toBe(false);
    temporary.remove('conductor.projects.yaml');
    temporary.write(
      'conductor.config.js',
      `export default { projects: { projects: { web: { path: 'web' } } } };\n`,
    );
    const listed = await temporary.conductor('projects', 'list');
    expect(listed.code, listed.text).toBe(0);
    expect(listed.stdout).toContain('1 project, at most 4 workers');
    temporary.remove('conductor.config.js');
    const none = await temporary.conductor('projects', 'list');
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('there is no list of projects');
  } finally {
    temporary.dispose();
  }
});
