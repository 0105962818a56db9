/** A project in a temporary folder and builds of it in this process, with a scripted agent. Knows no test's story. */

import { setMaxListeners } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFailed } from 'vitest';
import type { Agent, AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent, type ScriptedFiles, type ScriptedOptions } from '../../agent/scripted-agent.js';
import { ok, type Result } from '../../base/result.js';
import { build } from '../../build/build.js';
import { inspect } from '../../build/dry-run.js';
import { type BuildOptions, PLAIN_BUILD } from '../../build/options.js';
import type { ExecutionHost, Executor, ExecutorParts } from '../../execution/executor.js';
import { openLocalExecutor } from '../../execution/open-local-executor.js';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { Host } from '../../project/host.js';
import type { SeenChanges } from '../../workspace/reading/seen-changes.js';
import { filesBelow, PACKAGE, TemporaryProject, until } from './command-line.js';
import { overJson } from './json-executor.js';
import { backlogYaml, type TaskText } from './rig-backlog.js';
import { Story } from './rig-story.js';
import { refusedEvents } from './valid-events.js';

export type Answer =
  | ScriptedFiles
  | Failure
  | ((request: AgentRequest) => ScriptedFiles | Failure | Promise<ScriptedFiles | Failure>);

export interface RigOptions {
  readonly config?: ConductorConfig;
  /** Folder inside the repository that is the project; the default is its root. */
  readonly folder?: string;
}

export interface Held {
  /** The agent of this build: each of its runs is open until the test ends it. */
  readonly agent: ScriptedAgent;
  readonly done: Promise<Story>;
  /** Waits for events; rejects after twenty seconds. */
  until(holds: (story: Story) => boolean): Promise<void>;
  cancel(): void;
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const rig = new Rig(options);
  onTestFailed(() => {
    process.stderr.write(rig.log());
  });
  return rig;
}

export class Rig implements AsyncDisposable {
  readonly temporary = new TemporaryProject();
  /** The project's folder; a test may go on in another one (a clone, a linked worktree). */
  dir: string;
  config: ConductorConfig;
  version = '1.0.0';
  /** Names of the environment variables that the config read. */
  environment: readonly string[] = [];
  /** Milliseconds; every look at the clock adds one. */
  time = Date.UTC(2030, 0, 1);
  readonly env: Record<string, string | undefined>;
  /** That of this machine; a test may put a fake in its place. */
  createExecutor = async (host: Host, parts: ExecutorParts): Promise<Result<Executor, Failure>> => {
    const opened = await openLocalExecutor(host, parts);
    return opened.ok ? ok(overJson(opened.value)) : opened;
  };
  /** What the process saw of all files before the next build. */
  seen: SeenChanges | undefined;
  /** An agent in place of the scripted one. */
  by: Agent | undefined;
  /** Texts of another version of conductor in place of the shipped ones, by file name. */
  readonly reworded = { prompts: new Map<string, string>(), agents: new Map<string, string>() };
  private answers = new Map<Label, Answer>();
  private stories: Story[] = [];

  constructor(options: RigOptions) {
    const { temporary } = this;
    this.dir = realpathSync(temporary.dir) + (options.folder ? `/${options.folder}` : '');
    // Tests of other things have no answer for who is asked for a revised task, and count the gates that judge work.
    this.config = { sandbox: 'off', rebase: 'off', preflight: false, ...options.config };
    this.env = { PATH: process.env.PATH, HOME: temporary.home };
    mkdirSync(this.dir, { recursive: true });
    this.git('config', 'user.name', 'Ada');
    this.git('config', 'user.email', 'ada@example.org');
    this.write({ '.gitignore': '.conductor/\n' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.temporary.dispose();
  }

  path(path: string): string {
    return join(this.dir, path);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      writeFileSync(this.path(path), text);
    }
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    symlinkSync(target, this.path(path));
  }

  /** The file's text; undefined when there is none. */
  read(path: string): string | undefined {
    try {
      return readFileSync(this.path(path), 'utf8');
    } catch {
      return undefined;
    }
  }

  remove(...paths: readonly string[]): void {
    for (const path of paths) rmSync(this.path(path), { recursive: true, force: true });
  }

  /** Every file of the project but git's and the logs, as text by path. */
  files(): Record<string, string> {
    const all = filesBelow(this.dir, ['.git', '.conductor']);
    return Object.fromEntries(Object.entries(all).map(([path, text]) => [path, text]));
  }

  git(...args: string[]): string {
    return this.temporary.git(...args);
  }

  commit(): void {
    this.temporary.commit();
  }

  /** Writes `specs/<feature>/BACKLOG.yaml`: tasks by id, in the order given. */
  backlog(feature: string, tasks: Readonly<Record<string, TaskText>>, head = ''): void {
    this.write({ [`specs/${feature}/BACKLOG.yaml`]: head + backlogYaml(feature, tasks) });
  }

  /** What the agent does for a task from now on. A task without an answer must not be asked for. */
  answer(label: Label, answer: Answer): void {
    this.answers.set(label, answer);
  }

  /** Answers as the rig has them at the time of asking. */
  answerer(): (request: AgentRequest) => Promise<ScriptedFiles | Failure> {
    return async (request) => {
      const found = this.answers.get(request.label);
      if (found === undefined) throw new Error(`no test has an answer for ${request.label}`);
      return typeof found === 'function' ? found(request) : found;
    };
  }

  async build(options: Partial<BuildOptions> = {}, agent: ScriptedOptions = {}): Promise<Story> {
    return this.start(options, { auto: this.answerer(), ...agent }).done;
  }

  /** A build in which no agent may be called. */
  buildWithoutAgent(options: Partial<BuildOptions> = {}): Promise<Story> {
    return this.start(options, { tripwire: true }).done;
  }

  /** A build that runs on while the test looks at it; without an automatic agent each run is held open. */
  start(options: Partial<BuildOptions> = {}, scripted: ScriptedOptions = {}): Held {
    const agent = new ScriptedAgent(scripted);
    const story = new Story(agent);
    this.stories.push(story);
    const controller = new AbortController();
    // Every task that waits or runs listens, as in a build of the command line.
    setMaxListeners(0, controller.signal);
    const done = build(
      this.host(agent),
      { ...PLAIN_BUILD, ...options },
      (event: BuildEvent) => story.events.push(event),
      controller.signal,
    ).then(async (summary: BuildSummary) => {
      const refused = await refusedEvents(story.events);
      if (refused.length > 0) throw new Error(`events that their schema refuses:\n${refused.join('\n')}`);
      return story.end(summary);
    });
    return {
      agent,
      done,
      until: (holds) => until('the build to get there', () => holds(story)),
      cancel: () => controller.abort(),
    };
  }

  /** Verdict kinds by label, as `conductor status` has them. */
  async inspect(): Promise<Record<Label, string>> {
    const looked = await inspect(
      this.host(new ScriptedAgent({ tripwire: true })),
      { targets: [], force: false, discardEdits: false },
      async ({ tasks }) => Object.fromEntries(tasks.map((one) => [one.task.label, one.verdict.kind])),
    );
    if (!looked.ok) throw new Error(JSON.stringify(looked.error));
    return looked.value;
  }

  /** Tasks whose results wait, with what they wait for, as `conductor status` has them. */
  async waiting(): Promise<Record<Label, readonly Label[]>> {
    const looked = await inspect(
      this.host(new ScriptedAgent({ tripwire: true })),
      { targets: [], force: false, discardEdits: false },
      async ({ tasks }) =>
        Object.fromEntries(
          tasks.flatMap((one) => (one.waiting ? [[one.task.label, one.waiting.on] as const] : [])),
        ),
    );
    if (!looked.ok) throw new Error(JSON.stringify(looked.error));
    return looked.value;
  }

  host(agent: ScriptedAgent): ExecutionHost {
    const host: ExecutionHost = {
      directory: this.dir,
      env: this.env,
      cacheDir: join(this.temporary.root, 'cache'),
      version: this.version,
      pid: process.pid,
      now: () => ++this.time,
      ...(this.seen === undefined ? {} : { seen: this.seen }),
      loadConfig: async () => ok({ config: resolveConfig(this.config, 2), environment: this.environment }),
      createAgent: async () => ok(this.by ?? agent),
      createExecutor: (parts) => this.createExecutor(host, parts),
      shippedPrompts: async () => new Map([...shipped('prompts'), ...this.reworded.prompts]),
      shippedAgents: async () => new Map([...shipped('.opencode/agent'), ...this.reworded.agents]),
    };
    return host;
  }

  log(): string {
    return this.stories.map((story, i) => `\nbuild ${i + 1}\n${story.log()}\n`).join('');
  }
}

export function shipped(folder: string): Map<string, string> {
  const files = filesBelow(join(PACKAGE, folder));
  return new Map(Object.keys(files).map((path) => [path, readFileSync(join(PACKAGE, folder, path), 'utf8')]));
}
