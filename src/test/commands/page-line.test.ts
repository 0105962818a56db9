/** Holds the commands of the page as a person types them: what they print, how they end, and that a build loads none of it. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE, TemporaryProject, until } from '../rig/command-line.js';

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{20,}/;

const FILES = {
  'conductor.config.ts': `export default { sandbox: 'off' };\n`,
  'templates/t.hbs': 'text\n',
  'specs/f/BACKLOG.yaml':
    'title: F\ntasks:\n  - id: T1\n    title: One\n    outputs: [a.txt]\n    render: [{ template: t.hbs, to: a.txt }]\n',
};

test('build --ui prints an address that answers while it builds, and takes the page along when it ends', async () => {
  // A gate reads from a pipe: the build goes on until the test has looked at the page.
  const project = new TemporaryProject(FILES);
  const pipe = join(project.dir, '..', 'pipe');
  const held = FILES['specs/f/BACKLOG.yaml'].replace('outputs:', `verify: ['cat ${pipe}']\n    outputs:`);
  project.write('specs/f/BACKLOG.yaml', held);
  execFileSync('mkfifo', [pipe]);
  const build = project.start(['build', '--ui', '--json']);
  try {
    await until('the address and the gate', () => {
      const printed = build.printed();
      return ADDRESS.test(printed) && printed.includes('"gate.started"');
    });
    const address = ADDRESS.exec(build.printed())?.[0] ?? '';
    const answer = await fetch(address, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    const page = await fetch(new URL('/', address), { headers: { cookie } });
    expect(await page.text()).toContain('<title>conductor</title>');
    await writeFile(pipe, 'go');
    const ended = await build.ended;
    expect(ended.code).toBe(0);
    const types = ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types.at(-1)).toBe('build.finished');
    expect(project.read('a.txt')).toBe('text\n');
    await expect(fetch(address)).rejects.toThrow();
  } finally {
    build.process.kill('SIGINT');
    await build.ended;
    project.dispose();
  }
});

test('projects build --ui shows all projects on one page, with the pages of each, and takes it along when it ends', async () => {
  const project = new TemporaryProject({
    'conductor.projects.yaml': 'projects:\n  here: { path: here }\n  gone: { path: gone }\n',
    ...Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`here/${path}`, text])),
  });
  const pipe = join(project.dir, '..', 'pipe');
  const held = FILES['specs/f/BACKLOG.yaml'].replace('outputs:', `verify: ['cat ${pipe}']\n    outputs:`);
  project.write('here/specs/f/BACKLOG.yaml', held);
  execFileSync('mkfifo', [pipe]);
  const build = project.start(['projects', 'build', '--ui', '--json']);
  try {
    await until('the address and the gate', () => {
      const printed = build.printed();
      return ADDRESS.test(printed) && printed.includes('"gate.started"');
    });
    const address = ADDRESS.exec(build.printed())?.[0] ?? '';
    const opened = await fetch(address, { redirect: 'manual' });
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
    const get = async (path: string) => {
      const answer = await fetch(new URL(path, address), { headers: { cookie }, redirect: 'manual' });
      return [answer.status, await answer.text()] as const;
    };
    expect((await fetch(new URL('/p/here/api/project', address))).status).toBe(403);
    expect((await get('/p/here'))[0]).toBe(303);
    expect(JSON.parse((await get('/api/project'))[1])).toMatchObject({ projects: true, actions: [] });
    expect(JSON.parse((await get('/p/here/api/project'))[1])).toMatchObject({ name: 'here', home: '../../' });
    expect(JSON.parse((await get('/p/here/api/builds'))[1])).toMatchObject({
      rows: [{ outcome: 'running' }],
    });
    for (const path of ['/p/gone/', '/p/other/', '/p/here/../../etc/passwd', '/p/here/%2e%2e/x'])
      expect((await get(path))[0], path).toBe(404);
    await writeFile(pipe, 'go');
    expect((await build.ended).code).toBe(2);
    expect(project.read('here/a.txt')).toBe('text\n');
    await expect(fetch(address)).rejects.toThrow();
  } finally {
    build.process.kill('SIGINT');
    await build.ended;
    project.dispose();
  }
});

test('watch --ui prints the address beside the builds, and takes the page along when it ends', async () => {
  const project = new TemporaryProject(FILES);
  try {
    const watch = project.start(['watch', '--ui', '--json']);
    const isShown = () => ADDRESS.test(watch.printed());
    await until('the address and a build', () => isShown() && watch.printed().includes('"watch.idle"'));
    const address = ADDRESS.exec(watch.printed())?.[0] ?? '';
    expect((await fetch(address, { redirect: 'manual' })).status).toBeLessThan(400);
    watch.process.kill('SIGINT');
    const ended = await watch.ended;
    expect(ended.code).toBe(130);
    // Events alone are on stdout: the address is for people.
    for (const line of ended.stdout.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    await expect(fetch(address)).rejects.toThrow();
  } finally {
    project.dispose();
  }
});

test('ui serves until it is stopped; report writes the last build, and says when there is none', async () => {
  const project = new TemporaryProject(FILES);
  try {
    const none = await project.conductor('report', '--html', 'out.html');
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('no build has written a log yet');
    await project.conductor('build');
    const written = await project.conductor('report', '--html', 'out.html');
    expect(written.code).toBe(0);
    expect(project.read('out.html')).toMatch(/^<!doctype html>[\s\S]*id="report-data"/);
    const ui = project.start(['ui', '--no-open']);
    await until('the address', () => ui.printed().includes('press Ctrl-C'));
    const address = ADDRESS.exec(ui.printed())?.[0] ?? '';
    expect((await fetch(address, { redirect: 'manual' })).status).toBe(303);
    ui.process.kill('SIGINT');
    expect((await ui.ended).code).toBe(0);
  } finally {
    project.dispose();
  }
});

test('a build runs nothing of the page, whose code is in the file of the command line', async () => {
  const project = new TemporaryProject(FILES);
  const coverage = join(project.home, 'coverage');
  try {
    const { text: said } = await project.start(['build'], { NODE_V8_COVERAGE: coverage }).ended;
    expect(said).toContain('built 1');
    const text = readFileSync(join(PACKAGE, 'dist/main.cjs'), 'latin1');
    const ran = readdirSync(coverage).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8'));
      const scripts = result.filter(({ url }: { url: string }) => url.endsWith('/dist/main.cjs'));
      return scripts.flatMap(({ functions }: { functions: CoveredFunction[] }) =>
        functions.flatMap(({ ranges: [whole] }) => (whole && whole.count > 0 ? [whole] : [])),
      );
    });
    expect(ran.length).toBeGreaterThan(500);
    for (const words of ['frame-ancestors', 'report-data']) {
      const at = text.indexOf(words);
      expect(at).toBeGreaterThan(0);
      // Only the function that is the whole file.
      const around = ran.filter(({ startOffset, endOffset }) => startOffset <= at && at < endOffset);
      expect(around.every(({ startOffset }) => startOffset < 100)).toBe(true);
    }
  } finally {
    project.dispose();
  }
});

interface CoveredFunction {
  readonly ranges: readonly {
    readonly startOffset: number;
    readonly endOffset: number;
    readonly count: number;
  }[];
}
