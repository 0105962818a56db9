/** The real command line as a person meets it: what it prints, its exit codes, and what it does with bad input. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Ended, filesBelow, TemporaryProject, until } from '../test/rig/command-line.js';

const projects: TemporaryProject[] = [];
function newProject(files: Readonly<Record<string, string>> = {}): TemporaryProject {
  const project = new TemporaryProject(files);
  projects.push(project);
  return project;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const BACKLOG = `tasks:
  - id: T01
    title: First
    inputs: [in/a.txt]
    outputs: [out/one.txt]
    run: mkdir -p out && cp in/a.txt out/one.txt
  - id: T02
    title: Second
    depends_on: [T01]
    inputs: []
    outputs: [out/two.txt]
    run: cat out/one.txt out/one.txt > out/two.txt
    verify: [test -s out/two.txt]
`;
const SPEC = 'specs/notes/BACKLOG.yaml';
const notes = (more = '') => newProject({ [SPEC]: BACKLOG + more, 'in/a.txt': 'hello\n' });

/** Durations, the number of a process and names of logs differ from run to run. */
const steady = (text: string) =>
  text
    .replace(/\b\d+(\.\d+)?(ms|s)\b/g, '<time>')
    .replace(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d+Z-\d+/g, '<build>')
    .replace(/\bprocess(\s+)\d+/g, 'process$1<pid>');

async function built(project: TemporaryProject): Promise<void> {
  const { code, text } = await project.conductor('build');
  expect(code, text).toBe(0);
}

const NOTHING = { code: 0, text: 'conductor: nothing to do (2 fresh)\n' };
const brief = ({ code, text }: Ended) => ({ code, text });

describe('usage', () => {
  test('--version prints the version alone', async () => {
    const { code, stdout, stderr } = await newProject().conductor('--version');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('--help names every command, on stdout', async () => {
    const { code, stdout, stderr } = await newProject().conductor('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of ['build', 'status', 'explain', 'graph', 'validate', 'log'])
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  test.each([
    [['bild'], "error: unknown command 'bild'\n(Did you mean build?)\n"],
    [['build', '--frzen'], "error: unknown option '--frzen'\n(Did you mean --frozen?)\n"],
    [
      ['build', '--workers', 'two'],
      "error: option '--workers <n>' argument 'two' is invalid. must be a whole number from 1.\n",
    ],
    [
      ['graph', '--format', 'png'],
      "error: option '--format <format>' argument 'png' is invalid. Allowed choices are text, mermaid, dot, json.\n",
    ],
    [['explain'], "error: missing required argument 'task'\n"],
    [
      ['build', '--no-verify'],
      'error: --no-verify does nothing without --commit\n  hint: hooks run only when conductor commits: add --commit, or leave --no-verify out\n',
    ],
  ])('%j is refused with exit code 2', async (args, stderr) => {
    expect(await newProject().conductor(...args)).toMatchObject({ code: 2, stdout: '', stderr });
  });

  test('outside of a repository it names the command that mends it', async () => {
    const project = newProject();
    project.remove('.git');
    const { code, stdout, stderr } = await project.conductor('build');
    expect(code).toBe(2);
    expect(stderr).toBe(
      `error: this folder is not in a git repository\n  folder  ${project.dir}\n  hint: run \`git init\` in this folder, or use the folder of the project\n`,
    );
    expect(steady(stdout)).toBe('conductor: failed in <time>\n');
    expect(existsSync(project.path('.conductor'))).toBe(false);
  });

  test('without a task it names the commands that make one', async () => {
    const { code, text } = await newProject().conductor('build');
    expect(code).toBe(2);
    expect(text).toContain('error: there are no tasks in specs/');
    expect(text).toContain(
      'hint: `conductor init` writes a config and an example, `conductor new` a feature;',
    );
  });

  test('a glob names features and labels', async () => {
    const project = notes();
    await built(project);
    for (const target of ['no*', 'no*/T01']) {
      const { code, text } = await project.conductor('build', target);
      expect(text).toContain('nothing to do');
      expect(code).toBe(0);
    }
    expect((await project.conductor('build', 'x*')).text).toContain('no task or feature is called x*');
  });

  test('an unknown target is named with its nearest, also when there would be nothing to do', async () => {
    const project = notes();
    for (let round = 0; round < 2; round++) {
      const { code, text } = await project.conductor('build', 'nots');
      expect(code).toBe(2);
      expect(text).toContain('error: no task or feature is called nots\n  nearest  notes');
      await built(project);
    }
    const { code, text } = await project.conductor('explain', 'notes/T1');
    expect(code).toBe(2);
    expect(text).toContain('nearest  notes/T01');
  });
});

describe('specs', () => {
  test('YAML that cannot be read is shown at its place', async () => {
    const project = newProject({ [SPEC]: 'tasks:\n  - id: T01\n    outputs: [a, b\n  - id: T02\n' });
    for (const command of ['validate', 'build']) {
      const { code, stderr } = await project.conductor(command);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^specs\/notes\/BACKLOG\.yaml:\d+:\d+: /);
      expect(stderr).toMatch(/\^/);
    }
  });

  test('all problems of all specs come at once, each with its line and a marker', async () => {
    const project = newProject({
      [SPEC]: [
        'tasks:',
        '  - id: T01',
        '    complexity: hgih',
        '    dependson: [T02]',
        '    outputs: [out/one.txt]',
        '    run: 3',
        '',
      ].join('\n'),
      'specs/other/BACKLOG.yaml': 'tasks:\n  - id: a b\n    outputs: out.txt\n    run: "true"\n',
    });
    const { code, text } = await project.conductor('validate');
    expect(code).toBe(2);
    for (const place of [
      'specs/notes/BACKLOG.yaml:3:17: ',
      'specs/notes/BACKLOG.yaml:4:5: ',
      'specs/notes/BACKLOG.yaml:6:10: ',
      'specs/other/BACKLOG.yaml:2:9: ',
      'specs/other/BACKLOG.yaml:3:14: ',
    ])
      expect(text).toContain(place);
    expect(text).toContain(
      [
        'specs/notes/BACKLOG.yaml:4:5: `dependson` is not a known key',
        '        dependson: [T02]',
        '        ^~~~~~~~~',
        '    hint: did you mean `depends_on`?',
        '',
      ].join('\n'),
    );
    expect(text).toContain('\n5 problems in 2 files\n');
    const json = await project.conductor('validate', '--json');
    expect(json.code).toBe(2);
    const { problems } = JSON.parse(json.stdout) as { problems: { file: string; line: number }[] };
    expect(problems.map(({ file, line }) => `${file}:${line}`)).toEqual(
      expect.arrayContaining(['specs/notes/BACKLOG.yaml:3', 'specs/other/BACKLOG.yaml:2']),
    );
  });

  test('a cycle is printed with its path', async () => {
    const task = (id: string, needs: string) =>
      `  - { id: ${id}, depends_on: [${needs}], inputs: [], outputs: [out/${id}], run: "true" }\n`;
    const project = newProject({ [SPEC]: `tasks:\n${task('A', 'C')}${task('B', 'A')}${task('C', 'B')}` });
    const { code, text } = await project.conductor('build');
    expect(code).toBe(2);
    const path = /notes\/(\w) [^\w]+ notes\/(\w) [^\w]+ notes\/(\w) [^\w]+ notes\/(\w)/.exec(text);
    expect(path, text).not.toBeNull();
    expect(path?.[1]).toBe(path?.[4]);
    expect(text).toMatch(/BACKLOG\.yaml:\d+:\d+: /);
  });

  test('a dependency that does not exist, a second id and a second owner are told', async () => {
    const project = notes(
      '  - { id: T02, inputs: [], outputs: [x], run: "true" }\n  - { id: T03, depends_on: [T09], inputs: [], outputs: [out/one.txt], run: "true" }\n',
    );
    const { code, text } = await project.conductor('validate');
    expect(code).toBe(2);
    expect(text).toContain('BACKLOG.yaml:14:');
    expect(text).toMatch(/BACKLOG\.yaml:15:\d+: .*T09/);
    expect(text).toMatch(/BACKLOG\.yaml:15:\d+: .*out\/one\.txt/);
  });

  test('a variable that a template does not get is named with template and line', async () => {
    const project = notes(
      '  - { id: T03, inputs: [], outputs: [out/3], render: [{ template: x.hbs, to: out/3, with: { nam: 1 } }] }\n',
    );
    project.write('templates/x.hbs', 'line one\n{{name}}\n');
    const { code, text } = await project.conductor('build');
    expect(code).toBe(1);
    expect(text).toContain('error: notes/T03: a template could not be rendered\n');
    expect(text).toMatch(/template {2}templates\/x\.hbs:2\n.*`name`/);
    expect(text, 'what does not need it is built').toContain(
      'notes/T02 is built and waits for notes/T03 of its feature',
    );
  });
});

describe('config', () => {
  test.each([
    ['throw new Error("no config today");', ['it cannot be loaded: no config today']],
    ['export default 3;', ['its default export is not an object']],
    ['export default {', ['it cannot be loaded: ']],
    [
      'export default { workers: "x", gates: { build: 3 }, colour: 1 };',
      ['colour: `colour` is not a known key', 'gates.build: ', 'workers: `workers` must be a whole number'],
    ],
  ])('%j is refused', async (text, messages) => {
    const project = notes();
    project.write('conductor.config.mjs', text);
    for (const command of ['build', 'status', 'validate']) {
      const { code, text } = await project.conductor(command);
      expect(code).toBe(2);
      for (const message of messages) expect(text).toContain(`conductor.config.mjs: ${message}`);
      expect(text).not.toMatch(/bug in conductor|^\s+at /m);
    }
  });

  test('a variable that it reads makes "nothing to do" look again', async () => {
    const project = notes();
    project.write('conductor.config.ts', 'export default { salt: process.env.SALT ?? "none" };\n');
    const build = (salt: string) => project.start(['build'], { SALT: salt }).ended;
    expect((await build('a')).text).toMatch(/built 2 in/);
    expect((await build('a')).text).toBe('conductor: nothing to do (2 fresh)\n');
    expect((await build('b')).text).toMatch(/built 2 in/);
  });
});

describe('build', () => {
  test('success is quiet, and a second time there is nothing to do', async () => {
    const project = notes();
    const first = await project.conductor('build');
    expect({ ...first, stdout: steady(first.stdout) }).toMatchObject({
      code: 0,
      stderr: '',
      stdout: 'built    notes/T01  <time>\nbuilt    notes/T02  <time>\nconductor: built 2 in <time>\n',
    });
    expect(brief(await project.conductor('build'))).toEqual(NOTHING);
  });

  test('a gate that hangs is stopped, its output shown once', async () => {
    const project = notes();
    project.write(
      'conductor.config.mjs',
      'export default { gates: { task: [{ name: "slow", run: "echo before; sleep 60", timeoutMinutes: 0.01 }] } };\n',
    );
    const from = performance.now();
    const { code, stdout, stderr } = await project.conductor('build');
    expect(performance.now() - from).toBeLessThan(15_000);
    expect(code).toBe(1);
    expect(steady(stderr)).toBe(
      [
        'error: notes/T01: a gate took too long',
        '  gate   slow',
        '  limit  <time>',
        '  log    .conductor/logs/<build>/notes~T01/gate-1.1.log',
        '  | before',
        '  hint: find out why it hangs, or raise its timeout (`timeout` in a spec, `timeoutMinutes` in the config)',
        '',
      ].join('\n'),
    );
    expect(steady(stdout)).toBe(
      'skipped  notes/T02: needs notes/T01\nconductor: 1 failed, 1 skipped in <time>\n',
    );
    expect(existsSync(project.path('out'))).toBe(false);
  });

  test('a recipe that writes beside its outputs fails and names what it wrote', async () => {
    const project = newProject({
      [SPEC]:
        'tasks:\n  - { id: T01, inputs: [], outputs: [a.txt], run: "echo 1 > a.txt; echo 2 > b.txt" }\n',
    });
    const { code, text } = await project.conductor('build');
    expect(code).toBe(1);
    expect(text).toMatch(/error: notes\/T01: .*\n(.*\n)*.*b\.txt/);
    expect(existsSync(project.path('a.txt')) || existsSync(project.path('b.txt'))).toBe(false);
  });

  test('--frozen writes nothing: it lists what is stale and what a build would change; --restore-only restores', async () => {
    const project = notes();
    await built(project);
    project.write('in/a.txt', 'changed\n');
    const stale = await project.conductor('build', '--frozen');
    expect(stale.code).toBe(1);
    expect(stale.stderr, 'each task once').toBe(
      'error: 2 tasks are not up to date\n  notes/T01  stale: changed: input in/a.txt\n  notes/T02  pending: waits for notes/T01\n  hint: run `conductor build` and commit what it writes\n',
    );
    expect(steady(stale.stdout)).toBe('conductor: failed in <time>\n');
    expect(project.read('out/one.txt')).toBe('hello\n');
    project.write('in/a.txt', 'hello\n');
    project.remove('out');
    const missing = await project.conductor('verify');
    expect([missing.code, existsSync(project.path('out'))]).toEqual([1, false]);
    expect(missing.text).toContain('out/one.txt');
    expect((await project.conductor('status', '--exit-code')).code).toBe(1);
    const restored = await project.conductor('build', '--restore-only');
    expect(restored.code).toBe(0);
    expect(restored.text).toMatch(/2 from cache in/);
    expect(project.read('out/two.txt')).toBe('hello\nhello\n');
    expect((await project.conductor('status', '--exit-code')).code).toBe(0);
    expect((await project.conductor('verify')).code).toBe(0);
  });

  test('--json prints events and nothing else on stdout', async () => {
    const project = notes();
    const { code, stdout } = await project.conductor('build', '--json');
    expect(code).toBe(0);
    expect(stdout.endsWith('\n')).toBe(true);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { schema: number; seq: number; at: number; type: string });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    for (const event of events) expect(event).toMatchObject({ schema: 1, at: expect.any(Number) });
    expect(events[0]?.type).toBe('build.started');
    expect(events.at(-1)).toMatchObject({
      type: 'build.finished',
      summary: { outcome: 'built', exitCode: 0, counts: { built: 2 } },
    });
    const failed = await project.conductor('build', 'nots', '--json');
    expect(failed.code).toBe(2);
    const types = failed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['build.started', 'build.failure', 'build.finished']);
  });

  /** A task that says when it runs and then waits to be let go; both files are outside of the project. */
  const held = (project: TemporaryProject) => {
    const flag = join(project.root, 'held');
    const go = join(project.root, 'go');
    project.write('conductor.config.mjs', "export default { sandbox: 'off' };\n");
    project.write(
      SPEC,
      `${BACKLOG}  - id: T03\n    inputs: []\n    depends_on: [T02]\n    outputs: [out/three.txt]\n    run: "touch ${flag}; while [ ! -e ${go} ]; do sleep 0.05; done; mkdir -p out; echo 3 > out/three.txt"\n`,
    );
    return {
      running: () => until('the task runs', () => existsSync(flag)),
      release: () => writeFileSync(go, ''),
    };
  };

  test('a second build waits for the first, or with --no-wait names its process', async () => {
    const project = notes();
    const task = held(project);
    const first = project.start(['build']);
    await task.running();
    const refused = await project.conductor('build', '--no-wait');
    expect(refused.code).toBe(2);
    expect(refused.text).toContain(
      `error: another conductor works on this project\n  process  ${first.pid}\n  command  conductor build\n`,
    );
    const second = project.start(['build']);
    await until('it says that it waits', () => second.printed().includes(`waiting for process ${first.pid}`));
    const looking = await project.conductor('status');
    expect(looking.code, 'looking needs no lock').toBe(0);
    task.release();
    expect(await first.ended).toMatchObject({ code: 0 });
    const { code, stdout } = await second.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/conductor: nothing to do \(3 fresh\)\n$/);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops with exit code 130 and keeps what is finished',
    async (name) => {
      const project = notes();
      const task = held(project);
      const first = project.start(['build']);
      await task.running();
      process.kill(first.pid, name);
      const { code, text } = await first.ended;
      expect(code).toBe(130);
      expect(text).toMatch(/\nconductor: interrupted after /);
      task.release();
      const next = await project.conductor('build', '--json');
      expect(next.code).toBe(0);
      const outcomes = next.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; task?: string; outcome?: string })
        .flatMap((event) => (event.type === 'task.finished' ? [`${event.task} ${event.outcome}`] : []));
      expect(outcomes).toEqual(['notes/T01 cached', 'notes/T02 cached', 'notes/T03 built']);
    },
  );

  /** Overwrites files of conductor's own repository, keeping their length. */
  function damage(project: TemporaryProject, chosen: (name: string) => boolean): number {
    const objects = project.path('.git/conductor/repo/objects');
    const names = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter(chosen);
    execFileSync('chmod', ['-R', 'u+w', objects]);
    for (const name of names)
      writeFileSync(join(objects, name), Buffer.alloc(statSync(join(objects, name)).size, 7));
    return names.length;
  }

  /** Results that are no copies of files of the project: those are git's own matter. */
  const DOUBLED = BACKLOG.replace('cp in/a.txt', 'cat in/a.txt in/a.txt >');
  const DOUBLED_FILES = { 'one.txt': 'f:hello\nhello\n', 'two.txt': 'f:hello\nhello\nhello\nhello\n' };

  test('results whose pack is unreadable are rebuilt', async () => {
    const project = newProject({ [SPEC]: DOUBLED, 'in/a.txt': 'hello\n' });
    await built(project);
    expect(damage(project, (name) => name.endsWith('.pack'))).toBeGreaterThan(0);
    project.remove('out');
    await built(project);
    expect(filesBelow(project.path('out'))).toEqual(DOUBLED_FILES);
    expect(brief(await project.conductor('build'))).toEqual(NOTHING);
  });

  test('one wrong byte anywhere in the store never gives wrong files, and never passes for a bug', async () => {
    const project = newProject({ [SPEC]: DOUBLED, 'in/a.txt': 'hello\n' });
    await built(project);
    const objects = project.path('.git/conductor/repo/objects/pack');
    const pack = join(objects, readdirSync(objects).find((name) => name.endsWith('.pack')) as string);
    const good = join(project.root, 'good');
    const copy = (from: string, to: string) => execFileSync('cp', ['-a', from, to]);
    copy(project.dir, good);
    const bytes = readFileSync(pack);
    for (let part = 0; part < 12; part++) {
      const wrong = Buffer.from(bytes);
      const at = 12 + Math.floor(((bytes.length - 33) * part) / 12);
      wrong[at] = (wrong[at] as number) ^ 0x55;
      chmodSync(pack, 0o600);
      writeFileSync(pack, wrong);
      project.remove('out');
      const { code, text } = await project.conductor('build');
      const said = `byte ${at} of ${bytes.length}: ${text}`;
      expect(text, said).not.toMatch(/bug/);
      if (code === 0) expect(filesBelow(project.path('out')), said).toEqual(DOUBLED_FILES);
      else expect(text, said).toMatch(/damaged/);
      rmSync(project.dir, { recursive: true });
      copy(good, project.dir);
    }
  });

  test('a store that is damaged all over is rebuilt by one build', async () => {
    const project = notes();
    await built(project);
    damage(project, (name) => /\.pack$|^[0-9a-f]{2}\/[0-9a-f]{38}$/.test(name));
    project.remove('out');
    await built(project);
    expect(filesBelow(project.path('out'))).toEqual({
      'one.txt': 'f:hello\n',
      'two.txt': 'f:hello\nhello\n',
    });
  });
});

/** Small file systems need the right to mount. */
const mounts = (() => {
  const project = new TemporaryProject();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', project.home], { stdio: 'ignore' });
    execFileSync('umount', [project.home]);
    return true;
  } catch {
    return false;
  } finally {
    project.dispose();
  }
})();

describe.skipIf(!mounts)('a disk', () => {
  const mounted: string[] = [];
  const mount = (folder: string, ...options: string[]) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder]);
    mounted.push(folder);
  };
  afterEach(() => {
    for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
  });

  /** A project in a small file system; its one task makes a megabyte that does not compress. */
  function onSmallDisk(): TemporaryProject {
    const project = newProject();
    mount(project.dir, 'size=700k');
    project.git('init', '-q', '-b', 'main', '--template=');
    project.write(
      SPEC,
      'tasks:\n  - { id: T01, inputs: [], outputs: [out/big], run: "mkdir out; head -c 1000000 /dev/urandom > out/big" }\n',
    );
    return project;
  }

  test('that is full ends the build with a clear message, and with more room the next one works', async () => {
    const project = onSmallDisk();
    const { code, text } = await project.conductor('build');
    expect([1, 2]).toContain(code);
    expect(text).toMatch(/disk|space/);
    expect(text).not.toContain('bug in conductor');
    expect(existsSync(project.path('out/big'))).toBe(false);
    execFileSync('mount', ['-o', 'remount,size=20m', project.dir]);
    await built(project);
    expect(statSync(project.path('out/big')).size).toBe(1_000_000);
    expect(brief(await project.conductor('build')).text).toBe('conductor: nothing to do (1 fresh)\n');
  });

  test('that takes the result but not its publishing leaves no half file', async () => {
    const project = onSmallDisk();
    execFileSync('mount', ['-o', 'remount,size=1600k', project.dir]);
    const { code, text } = await project.conductor('build');
    expect([1, 2]).toContain(code);
    expect(text).toMatch(/disk|space/);
    expect(text).not.toContain('bug in conductor');
    execFileSync('mount', ['-o', 'remount,size=20m', project.dir]);
    await built(project);
    expect(statSync(project.path('out/big')).size).toBe(1_000_000);
  });

  test('that may not be written to is told of', async () => {
    const project = onSmallDisk();
    execFileSync('mount', ['-o', 'remount,ro', project.dir]);
    const { code, text } = await project.conductor('build');
    expect(code).toBe(2);
    expect(text).toMatch(/read-only/i);
    expect(text).not.toContain('bug in conductor');
  });
});

describe('looking', () => {
  test('status, explain, graph, validate and log say what is', async () => {
    const project = notes();
    expect(await project.conductor('status')).toMatchObject({
      code: 0,
      stdout: [
        'notes/T01  stale: never built',
        'notes/T02  pending: waits for notes/T01; never built',
        'conductor: 2 tasks, 0 fresh, 2 not up to date',
        '',
      ].join('\n'),
    });
    const before = filesBelow(project.dir, ['.git']);
    const dry = await project.conductor('build', '--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.text).toContain('conductor: would build 1 (1 not known yet)\n');
    expect(filesBelow(project.dir, ['.git', '.conductor']), 'a dry run writes nothing').toEqual(before);
    await built(project);

    expect((await project.conductor('status')).stdout).toBe('conductor: 2 tasks, 2 fresh\n');
    expect((await project.conductor('status', '--all')).stdout).toBe(
      'notes/T01  fresh\nnotes/T02  fresh\nconductor: 2 tasks, 2 fresh\n',
    );
    expect(JSON.parse((await project.conductor('status', '--json')).stdout)).toEqual({
      schema: 1,
      tasks: [
        { label: 'notes/T01', title: 'First', verdict: { kind: 'fresh' } },
        { label: 'notes/T02', title: 'Second', verdict: { kind: 'fresh' } },
      ],
      orphans: { removed: [], kept: [] },
    });
    expect((await project.conductor('validate')).stdout).toBe(
      'conductor: 1 feature with 2 tasks: no problems\n',
    );

    project.write('in/a.txt', 'changed\n');
    expect((await project.conductor('status')).stdout).toContain(
      'notes/T01  stale: changed: input in/a.txt\n',
    );
    const explained = await project.conductor('explain', 'notes/T01');
    expect(explained).toMatchObject({ code: 0 });
    expect(explained.stdout).toMatch(
      /^notes\/T01: stale: changed: input in\/a\.txt\n\n {2}input in\/a\.txt\n(.*\n)*? {4}-in\/a\.txt [0-9a-f]{40}\n {4}\+in\/a\.txt [0-9a-f]{40}\n/,
    );
  });

  test('the graph as text, mermaid, dot and JSON', async () => {
    const project = notes();
    await built(project);
    const graph = async (...args: string[]) => (await project.conductor('graph', ...args)).stdout;
    expect(await graph()).toBe('notes/T01 [fresh]\nnotes/T02 [fresh]\n  <- notes/T01\n');
    expect(await graph('--format', 'mermaid')).toBe(
      'flowchart LR\n  t0["notes/T01<br/>fresh"]\n  t1["notes/T02<br/>fresh"]\n  t0 --> t1\n',
    );
    expect(await graph('--format', 'dot')).toBe(
      [
        'digraph conductor {',
        '  rankdir=LR;',
        '  node [shape=box];',
        '  "notes/T01" [tooltip="fresh"];',
        '  "notes/T02" [tooltip="fresh"];',
        '  "notes/T01" -> "notes/T02";',
        '}',
        '',
      ].join('\n'),
    );
    const json = {
      schema: 1,
      tasks: [
        { label: 'notes/T01', verdict: 'fresh', dependsOn: [] },
        { label: 'notes/T02', verdict: 'fresh', dependsOn: ['notes/T01'] },
      ],
    };
    expect(JSON.parse(await graph('--format', 'json'))).toEqual(json);
    expect(JSON.parse(await graph('--json'))).toEqual(json);
  });

  test('the log tells of the last build, of one task, and lists what is kept', async () => {
    const project = notes();
    await built(project);
    const last = await project.conductor('log');
    expect(last.code).toBe(0);
    expect(steady(last.stdout)).toMatch(/<time>\s+conductor build {2}\(<build>, conductor \d/);
    expect(steady(last.stdout)).toMatch(/conductor: built 2 in <time>\n/);
    const task = await project.conductor('log', 'notes/T02');
    expect(task.stdout).toContain('gate test -s out/two.txt passed');
    expect(task.stdout).not.toContain('notes/T01: stale');
    const names = (await project.conductor('log', '--list')).stdout.trimEnd().split('\n');
    expect(names).toHaveLength(1);
    const events = (await project.conductor('log', names[0] as string, '--json')).stdout
      .trimEnd()
      .split('\n');
    expect(events.map((line) => JSON.parse(line).type).at(-1)).toBe('build.finished');
    expect((await project.conductor('log', 'no/such')).code).toBe(2);
  });
});
