/**
 * One running OpenCode server: starts it, watches it, and ends it with everything that it started. Knows no session
 * and no task.
 */

import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { err, ok, type Result } from '../../../base/result.js';
import { removeTree } from '../../../io/files.js';
import type { Environment } from '../../../io/process/environment.js';
import { identityOf, memoryBytes } from '../../../io/process/identity.js';
import { type ProgramExit, runProgram } from '../../../io/process/process.js';
import type { Failure } from '../../../model/failure.js';
import { createOpencodeClient, type OpencodeClient } from '../client.js';
import type { WriteRules } from '../session/role.js';
import { inTime } from '../session/session-calls.js';
import { fillHome, makeRoot, newRootPlace, type ServerHome } from './home.js';
import { killMarked } from './marked.js';
import { removeRecord, type ServerRecord, writeRecord } from './reap.js';
import { grant, revoke, type ShellGrant } from './sandbox-shell.js';
import type { ConfigFile, OpencodeConfig } from './server-config.js';
import { MARK, serverEnvironment } from './server-environment.js';

export interface ServerOptions {
  /** Absolute path of the program, from `findOpencode`. */
  readonly program: string;
  /** Folder of conductor's own state: what runs is recorded there, for `reap`. */
  readonly stateDir: string;
  /** Conductor's variables: PATH, certificates and proxies are taken, nothing else. */
  readonly env: Environment;
  /** Folder of `rg`, from `ripgrepFolder`. */
  readonly ripgrep?: string;
  readonly config: OpencodeConfig;
  /** Agents and plugins, by path relative to OpenCode's config folder (`agent/implementer.md`). */
  readonly files?: readonly ConfigFile[];
  /** Words before the program's, from `findTether`; without them the server outlives a conductor that is killed. */
  readonly lifeline?: readonly string[];
  /** Absolute paths outside of workspaces that file tools may read. */
  readonly readable?: readonly string[];
  /** Program of the sandbox, from `findSandbox`; without it the agents' shell is a plain one. */
  readonly sandbox?: string;
  /** What the server prints, appended; passwords and keys are replaced. */
  readonly logFile?: string;
  /** Default: `START_MS`. */
  readonly startTimeoutMs?: number;
  /** How long after SIGTERM the server is killed. Default 3000. */
  readonly graceMs?: number;
  /** Ends the start, and a server that runs. */
  readonly signal?: AbortSignal;
}

export interface OpencodeServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** All calls carry the password. Give each call its `directory`. */
  readonly client: OpencodeClient;
  readonly pid: number;
  /** To be kept out of logs: the password and the providers' keys. */
  readonly secrets: readonly string[];
  /** Resolves when the server is gone, however, and what it left is removed. */
  readonly exited: Promise<ServerExit>;
  /** Bytes of resident memory; 0 where the system does not tell or the server is gone. */
  memory(): Promise<number>;
  /** Whether it answers within five seconds. */
  healthy(): Promise<boolean>;
  /**
   * Lets the agents' shell run in a workspace, where without it every command is refused, and models be called `steps`
   * times, and file tools write by the rules. Replaces an earlier grant.
   */
  grant(
    workspace: ShellGrant,
    work?: { readonly steps: number; readonly writes?: WriteRules },
  ): Promise<void>;
  /** Takes it back, and ends what commands left running there. */
  revoke(workspace: string): Promise<void>;
  /**
   * Opens the workspace on the server. False: OpenCode did not load conductor's plugins there, so that its file tools
   * follow links anywhere, or a provider is asked too often; give it no task. Undefined: the
   * server gave no answer.
   */
  guarded(workspace: string): Promise<boolean | undefined>;
  /** Asks it to end, kills it after the grace with its whole group, removes its folder. A second call waits too. */
  stop(): Promise<void>;
}

export interface ServerExit {
  /** False: it ended by itself or was killed from outside. */
  readonly asked: boolean;
  /** For people: `ended with code 1`. */
  readonly detail: string;
  /** The last lines that it printed. */
  readonly tail: string;
}

/** Several starts at once on a slow disk need more than ten seconds. */
export const START_MS = 60_000;
const GRACE_MS = 3000;
const HEALTH_MS = 5000;
/** Opening a folder takes a second, and eight at once on two processors nine. */
const OPEN_MS = 60_000;
const TAIL_BYTES = 4000;

/**
 * Starts a server in a private folder and waits until it listens. It ends with conductor, whatever way conductor
 * ends: by itself when that is in order, by `reapServers` at the next start when not. Failures: `agent-start-failed`
 * (it ended or did not listen in time), `agent-missing`, `cancelled`.
 */
export async function startServer(options: ServerOptions): Promise<Result<OpencodeServer, Failure>> {
  if (options.signal?.aborted) return err({ kind: 'cancelled' });
  const mark = randomBytes(16).toString('hex');
  const password = randomBytes(24).toString('hex');
  const secrets = [password, ...Object.values(options.config.keys ?? {})];
  const root = await newRootPlace();
  const owner = await identityOf(process.pid);
  const record: ServerRecord = { mark, root, ...(owner === undefined ? {} : { owner }) };
  let home: ServerHome;
  try {
    await writeRecord(options.stateDir, record);
    await makeRoot(root, mark);
    home = await fillHome(root, {
      mark,
      config: options.config,
      files: options.files ?? [],
      sandbox: options.sandbox,
      readable: options.readable ?? [],
    });
  } catch (error) {
    await removeTree(root);
    await removeRecord(options.stateDir, mark);
    throw error;
  }

  const run = launch(options, home, { record, password, secrets });
  const exited = (async (): Promise<Ended> => {
    try {
      const exit = await run.exit;
      return { exit, asked: run.stopping.aborted };
    } finally {
      // What ran in the agents' shells may have left the server's group.
      await killMarked(MARK, mark);
      await run.recorded();
      await home.remove();
      await removeRecord(options.stateDir, mark);
    }
  })();

  const url = await listening(run, exited, options);
  if (typeof url !== 'string') return err(url);
  const pid = run.pid() as number;
  const client = createOpencodeClient({
    baseUrl: url,
    headers: { authorization: `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}` },
  });
  await run.recorded();
  return ok({
    url,
    client,
    pid,
    secrets,
    exited: exited.then(({ exit, asked }) => ({ asked, detail: detailOf(exit), tail: tailOf(exit) })),
    memory: () => memoryBytes(pid),
    healthy: () => isHealthy(client),
    async grant(request, work) {
      await grant(home.shell, request);
      await home.allowSteps(request.workspace, work?.steps);
      await home.limitWrites(request.workspace, work?.writes);
    },
    revoke: (workspace) => revoke(home.shell, workspace),
    async guarded(directory) {
      const opened = await inTime(client.path.get({ directory }), OPEN_MS);
      return opened?.data === undefined ? undefined : home.isReady(await realpath(directory));
    },
    async stop() {
      run.stop();
      await exited;
    },
  });
}

interface Ended {
  readonly exit: ProgramExit;
  readonly asked: boolean;
}

interface Launch {
  readonly exit: Promise<ProgramExit>;
  /** Resolves with the address when the server says that it listens. */
  readonly address: Promise<string>;
  readonly stopping: AbortSignal;
  stop(): void;
  pid(): number | undefined;
  /** Resolves when the server is recorded. */
  recorded(): Promise<void>;
}

function launch(
  options: ServerOptions,
  home: ServerHome,
  own: { readonly record: ServerRecord; readonly password: string; readonly secrets: readonly string[] },
): Launch {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  options.signal?.addEventListener('abort', stop, { once: true });
  let pid: number | undefined;
  let written = Promise.resolve();
  let listens: (url: string) => void = () => {};
  const address = new Promise<string>((resolve) => {
    listens = resolve;
  });
  const exit = runProgram({
    command: [...(options.lifeline ?? []), options.program, 'serve', '--hostname=127.0.0.1', '--port=0'],
    // Not a project: what it finds in its own folder it would take for one.
    cwd: home.folders.home,
    env: serverEnvironment(home.folders, {
      env: options.env,
      ripgrep: options.ripgrep,
      password: own.password,
      mark: own.record.mark,
    }),
    signal: stopping.signal,
    graceMs: options.graceMs ?? GRACE_MS,
    maxTailBytes: TAIL_BYTES,
    secrets: own.secrets,
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    onLine(line) {
      const url = /opencode server listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) listens(url);
    },
    onStart(started) {
      pid = started;
      // Without an identity in its record, a later conductor finds the server by its mark.
      const identity = identityOf(started).catch(() => undefined);
      written = identity.then(async (server) => {
        if (server !== undefined) await writeRecord(options.stateDir, { ...own.record, server });
      });
    },
  }).finally(() => options.signal?.removeEventListener('abort', stop));
  return {
    exit,
    address,
    stopping: stopping.signal,
    stop,
    pid: () => pid,
    recorded: () => written,
  };
}

/** The address, or why there is none; in that case nothing of the server is left. */
async function listening(
  run: Launch,
  exited: Promise<Ended>,
  options: ServerOptions,
): Promise<string | Failure> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), options.startTimeoutMs ?? START_MS);
  });
  const first = await Promise.race([run.address, exited, tooLate]);
  clearTimeout(timer);
  if (typeof first === 'string' && !run.stopping.aborted) return first;
  run.stop();
  const { exit } = await exited;
  if (options.signal?.aborted) return { kind: 'cancelled' };
  if (exit.kind === 'not-found') return { kind: 'agent-missing', program: exit.program };
  const detail = first === undefined ? 'the OpenCode server did not start in time' : detailOf(exit);
  return { kind: 'agent-start-failed', detail, output: keptOutput(exit, options.logFile) };
}

function keptOutput(exit: ProgramExit, log: string | undefined) {
  return { tail: tailOf(exit), ...(log === undefined ? {} : { log }) };
}

function tailOf(exit: ProgramExit): string {
  return exit.kind === 'not-found' ? '' : exit.tail;
}

function detailOf(exit: ProgramExit): string {
  if (exit.kind === 'exited') return `the OpenCode server ended with code ${exit.code}`;
  if (exit.kind === 'signalled') return `the OpenCode server was ended by ${exit.signal}`;
  return 'the OpenCode server was stopped';
}

async function isHealthy(client: OpencodeClient): Promise<boolean> {
  try {
    const answer = await client.global.health({ signal: AbortSignal.timeout(HEALTH_MS) });
    return answer.data?.healthy === true;
  } catch {
    return false;
  }
}
