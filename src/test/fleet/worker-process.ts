/** Workers and builds as processes of their own, in clones of one project, for tests that kill them. Knows no test. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureBuilt, PACKAGE, TemporaryProject, until } from '../rig/command-line.js';
import { type Party, startedAt } from './network.js';
import type { RedisServer } from './redis-server.js';

/**
 * Writes the task's outputs after a while, and a line for each session into the file of calls, so that a test counts what
 * was paid. A file `<calls>.hold` keeps all sessions open, and `<calls>.hold.<task>` those of one task. The task's id is read from
 * the prompt.
 */
const AGENT = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
const [prompt, calls, ms] = process.argv.slice(2);
const text = readFileSync(prompt, 'utf8');
const id = /Make (\\w+)/.exec(text)[1];
appendFileSync(calls, id + '\\n');
const end = Date.now() + Number(ms);
while (Date.now() < end || existsSync(calls + '.hold') || existsSync(calls + '.hold.' + id)) await new Promise((resolve) => setTimeout(resolve, 20));
writeFileSync(id + '.txt', id + ' is made\\n');
`;

export class Fleet implements AsyncDisposable {
  readonly temporary = new TemporaryProject();
  readonly root: string;
  readonly dir: string;
  readonly bare: string;
  private readonly redis: RedisServer;
  private readonly children: FleetProcess[] = [];
  private workers = 0;

  constructor(
    redis: RedisServer,
    ids: readonly string[],
    options: {
      lockSeconds?: number;
      ms?: number;
      losses?: number;
      remote?: string;
      tokenEnv?: string;
      /** Of its queue. */
      name?: string;
    } = {},
  ) {
    ensureBuilt();
    this.redis = redis;
    this.root = realpathSync(this.temporary.root);
    this.dir = realpathSync(this.temporary.dir);
    this.bare = join(this.root, 'shared.git');
    execFileSync('git', ['init', '-q', '--bare', this.bare]);
    const {
      lockSeconds = 2,
      ms = 300,
      losses = 2,
      remote = `git:${this.bare}`,
      tokenEnv,
      name = 'drill',
    } = options;
    const agent = ['node', join(this.root, 'agent.mjs'), '{promptFile}', this.calls, String(ms)];
    const config = {
      agent: { driver: 'command', command: agent },
      ...{ sandbox: 'off', rebase: 'off', preflight: false, attempts: 1 },
      execution: { queueEnv: 'QUEUE', remote, tokenEnv, name, lockSeconds, losses },
    };
    this.write(join(this.root, 'agent.mjs'), AGENT);
    this.write('.gitignore', '.conductor/\n');
    this.write('conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
    const task = (id: string) =>
      `  - id: ${id}\n    title: ${id}\n    description: Make ${id}\n    outputs: [${id}.txt]\n`;
    this.write('specs/f/BACKLOG.yaml', `feature: f\ntasks:\n${ids.map(task).join('')}`);
    this.temporary.commit();
  }

  /** A line for each session of an agent on any machine. */
  get calls(): string {
    return join(this.root, 'calls');
  }

  called(): string[] {
    try {
      return readFileSync(this.calls, 'utf8').trim().split('\n').sort();
    } catch {
      return [];
    }
  }

  write(path: string, text: string): void {
    const file = path.startsWith('/') ? path : join(this.dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(path: string): string {
    return readFileSync(join(this.dir, path), 'utf8');
  }

  clone(name: string): string {
    const dir = join(this.root, name);
    execFileSync('git', ['clone', '-q', this.dir, dir], { stdio: 'pipe' });
    return dir;
  }

  async worker(...flags: readonly string[]): Promise<FleetProcess> {
    const dir = this.clone(`worker-${++this.workers}`);
    const worker = this.start(dir, ['worker', ...flags]);
    await until('the worker to be ready', () => / tasks? at a time/.test(worker.output));
    return worker;
  }

  /** `place`: in a network of the test's own. */
  start(dir: string, args: readonly string[], env: Record<string, string> = {}, place?: Party): FleetProcess {
    const [program, front] = startedAt(place, process.execPath);
    const child = spawn(program, [...front, join(PACKAGE, 'bin/conductor.js'), ...args], {
      cwd: dir,
      env: {
        ...process.env,
        HOME: this.temporary.home,
        XDG_CACHE_HOME: join(this.root, 'cache'),
        QUEUE: this.redis.url,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = new FleetProcess(child);
    this.children.push(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) await child.kill();
    this.temporary.dispose();
  }
}

export class FleetProcess {
  output = '';
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString('utf8');
      });
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGCONT');
      this.child.kill('SIGKILL');
    }
    await this.ended;
  }
}
