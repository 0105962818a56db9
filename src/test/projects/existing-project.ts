/**
 * A repository that somebody has, with the real tools of its language, on the way from `git clone` to a published feature. The
 * agent is a program that writes what the test says. Knows no language.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, TemporaryProject } from '../rig/command-line.js';

export type FileTexts = Readonly<Record<string, string>>;

/** Written by the agent in one attempt. */
export interface Feature {
  readonly edits: readonly string[];
  readonly outputs: readonly string[];
  /** The gate of the task. */
  readonly check: string;
  /** What its first attempt writes: gates must reject it. */
  readonly wrong: FileTexts;
  readonly right: FileTexts;
}

/** What npm and its kin need of the machine: the registry, certificates, caches. */
const MACHINE = { ...process.env, CI: '1', NO_COLOR: '1' };

export class ExistingProject implements Disposable {
  readonly clone: TemporaryProject;
  private readonly origin: TemporaryProject;
  /** Further folders of programs. */
  private readonly programs: readonly string[];

  /** `files`: what the repository has. */
  constructor(files: FileTexts, programs: readonly string[] = []) {
    this.programs = programs;
    this.origin = new TemporaryProject(files);
    this.origin.commit();
    this.clone = new TemporaryProject();
    this.clone.remove('.git');
    this.clone.git('clone', '-q', this.origin.dir, '.');
  }

  /** Runs an installer of the project in it; throws with its words. */
  run(command: string, ...args: string[]): string {
    return execFileSync(command, args, {
      cwd: this.clone.dir,
      env: { ...MACHINE, PATH: this.path },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 110_000,
    });
  }

  /** From here on the project is this folder of the repository. */
  enter(folder: string): void {
    this.clone.enter(folder);
  }

  private get path(): string {
    return [...this.programs, process.env.PATH].join(':');
  }

  conductor(...args: string[]): Promise<Ended> {
    return this.clone.start(args, { PATH: this.path, XDG_CACHE_HOME: join(this.clone.root, 'cache') }).ended;
  }

  /**
   * init and a build of its example, then a feature by an agent: its first attempt must fail the gates, the second one is
   * published and committed. Returns what init said.
   */
  async way(feature: Feature, gates: readonly RegExp[]): Promise<string> {
    const made = await this.conductor('init', '--yes');
    expect(made.code, made.text).toBe(0);
    for (const gate of gates) expect(made.text).toMatch(gate);
    this.clone.write('tools/agent.cjs', agentText(feature));
    const config = this.clone.read('conductor.config.ts');
    const agent = "  agent: { driver: 'command', command: ['node', 'tools/agent.cjs'] },\n  rebase: 'off',\n";
    this.clone.write(
      'conductor.config.ts',
      config.replace(/\n\}\)?;\n$/, (end) => `\n${agent}${end.slice(1)}`),
    );
    this.clone.write('specs/feature-002-more/BACKLOG.yaml', backlogText(feature));
    this.clone.git('config', 'user.name', 'Ada');
    this.clone.git('config', 'user.email', 'ada@example.org');
    this.clone.commit();
    const built = await this.conductor('build', '--commit');
    expect(built.code, built.text).toBe(0);
    expect(built.text).toMatch(/built 2\b/);
    for (const [path, text] of Object.entries(feature.right)) expect(this.clone.read(path)).toBe(text);
    expect(this.clone.git('status', '--porcelain')).toBe('');
    const log = await this.conductor('log', 'feature-002-more/T01');
    expect(log.text).toMatch(/attempt 1[\s\S]*gate/);
    const again = await this.conductor('build');
    expect(again.text).toContain('nothing to do');
    return made.text;
  }

  [Symbol.dispose](): void {
    this.origin.dispose();
    this.clone.dispose();
  }
}

function agentText({ wrong, right }: Feature): string {
  return `const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const attempts = ${JSON.stringify([wrong, { ...wrong, ...right }])};
const files = attempts[Math.min(Number(process.env.CONDUCTOR_ATTEMPT), attempts.length) - 1];
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
console.log('done');
`;
}

function backlogText({ edits, outputs, check }: Feature): string {
  return `tasks:
  - id: T01
    title: More
    description: Adds what the tests ask for.
    acceptance: [The tests of the project pass.]
    edits: ${JSON.stringify(edits)}
    outputs: ${JSON.stringify(outputs)}
    verify: [${JSON.stringify(check)}]
`;
}

/** Writes files that git ignores. */
export function writeInto(folder: string, files: FileTexts): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
