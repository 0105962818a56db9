/** `conductor projects build` that is killed or interrupted in the midst: nothing of a person is lost, and the next build goes on. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TemporaryProject, until } from '../rig/command-line.js';
import { backlogYaml, type TaskText } from '../rig/rig-backlog.js';

/** Two projects beside the list, and `web` that needs the first. Each has a task that ends, and one that is held until `go` exists. */
class Stopped {
  readonly temporary = new TemporaryProject();
  readonly root = this.temporary.root;

  constructor() {
    this.temporary.dir = this.root;
    for (const name of ['api', 'tools']) {
      this.project(name, {
        T1: this.task(name, 'T1', 'out/first.txt', ''),
        T2: this.task(
          name,
          'T2',
          'out/second.txt',
          `for n in $(seq 1200); do [ -e ${this.root}/go ] && break; sleep 0.05; done;`,
        ),
      });
    }
    this.project('web', {
      T1: { ...this.task('web', 'T1', 'page.txt', ''), inputs: ['imports/api/**'] },
    });
    this.temporary.write(
      'conductor.projects.yaml',
      // Both held tasks run at once on a machine with one processor too.
      'limits: { commands: 4 }\nprojects:\n  api: { path: api }\n  tools: { path: tools }\n  web: { path: web, depends_on: [api] }\n',
    );
  }

  /** A line in `calls` for each start of a task. */
  task(project: string, id: string, output: string, wait: string): TaskText {
    const told = `echo ${project}/${id} >> ${this.root}/calls;`;
    return {
      inputs: [],
      outputs: [output],
      run: `${told} ${wait} mkdir -p out; echo ${project} > ${output}`,
    };
  }

  project(name: string, tasks: Record<string, TaskText>): void {
    const { temporary } = this;
    execFileSync('git', ['init', '-q', '-b', 'main', join(this.root, name)]);
    temporary.write(`${name}/.gitignore`, '.conductor/\n');
    temporary.write(`${name}/package.json`, '{ "type": "module" }\n');
    temporary.write(`${name}/conductor.config.js`, `export default { sandbox: 'off' };\n`);
    temporary.write(`${name}/specs/f/BACKLOG.yaml`, backlogYaml('f', tasks));
  }

  calls(): string[] {
    const file = join(this.root, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').sort() : [];
  }

  /** Started, with both held tasks at work, and the others done. */
  async inTheMidst() {
    const running = this.temporary.start(['projects', 'build']);
    const isHeld = () =>
      ['api/T1', 'api/T2', 'tools/T1', 'tools/T2'].every((call) => this.calls().includes(call)) &&
      ['api', 'tools'].every((name) => new RegExp(`${name} +built +f/T1`).test(running.printed()));
    await until('both held tasks to run', isHeld);
    return running;
  }

  /** What a person wrote, before and after. */
  edit(): void {
    this.temporary.write('api/notes.txt', 'a note\n');
    this.temporary.write('web/imports/mine.txt', 'mine\n');
  }

  async goesOn(): Promise<void> {
    writeFileSync(join(this.root, 'go'), '');
    const before = this.calls();
    const next = await this.temporary.conductor('projects', 'build');
    expect(next.code, next.text).toBe(0);
    expect(this.temporary.read('web/page.txt')).toBe('web\n');
    expect(this.temporary.read('tools/out/second.txt')).toBe('tools\n');
    expect(this.temporary.read('web/imports/api/out/second.txt')).toBe('api\n');
    expect(this.temporary.read('api/notes.txt')).toBe('a note\n');
    expect(this.temporary.read('web/imports/mine.txt')).toBe('mine\n');
    // What had ended was not done again.
    const again = this.calls().filter((call) => call.endsWith('/T1') && !call.startsWith('web'));
    expect(again).toEqual(before.filter((call) => call.endsWith('/T1')));
    const last = await this.temporary.conductor('projects', 'build');
    expect(last.stdout).toContain('3 projects: 3 up to date');
  }
}

test('killed in the midst, the next build takes what was done and goes on', async () => {
  const stopped = new Stopped();
  try {
    const running = await stopped.inTheMidst();
    stopped.edit();
    running.process.kill('SIGKILL');
    expect((await running.ended).signal).toBe('SIGKILL');
    await stopped.goesOn();
  } finally {
    stopped.temporary.dispose();
  }
}, 60_000);

test('interrupted, it ends all projects in order with exit code 130, skips none that could go on, and the next build goes on', async () => {
  const stopped = new Stopped();
  try {
    const running = await stopped.inTheMidst();
    stopped.edit();
    running.process.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code, ended.text).toBe(130);
    expect(ended.stdout).toMatch(/^conductor: 3 projects: 3 interrupted in /m);
    await stopped.goesOn();
  } finally {
    stopped.temporary.dispose();
  }
}, 60_000);
