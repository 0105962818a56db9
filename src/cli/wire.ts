/** The composition root: the only file that names concrete parts and reads its process. */

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../agent/agent.js';
import { recordNames } from '../agent/opencode/server/record-folder.js';
import type { Scripts } from '../agent/scripted-model/script-file.js';
import { mapBounded } from '../base/bounded.js';
import { ok, type Result } from '../base/result.js';
import type { ExecutionHost } from '../execution/executor.js';
import { expandHome } from '../io/process/environment.js';
import type { Config, InboxAgentConfig, OpencodeAgentConfig } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { CommonResources } from '../project/host.js';
import type { TemplateRoots } from '../templates/places.js';
import type { SeenChanges } from '../workspace/reading/seen-changes.js';
import { findProject, userCache } from './places.js';
import { VERSION } from './version.js';

/** Folder of the package: two levels above this file in `src/cli`, one above the bundle in `dist`. */
function packageFile(path: string): URL {
  const up = import.meta.url.includes('/src/cli/') ? '../../' : '../';
  return new URL(up + path, import.meta.url);
}

function ownIndex(): URL {
  return import.meta.url.includes('/src/cli/') ? packageFile('src/index.ts') : packageFile('dist/index.js');
}

export interface HostOptions {
  /** Prompts go to the inbox instead of the configured agent. */
  readonly inbox?: boolean;
  /** What runs on other machines goes on when the command is interrupted. */
  readonly detach?: boolean;
  /** What it has in common with other projects of this process. Absent: it is built alone. */
  readonly common?: CommonResources;
  /** The folder is the project itself, whatever stands above it. */
  readonly isProject?: boolean;
  /** The trace of a task that runs, for what works for it elsewhere. Absent: nobody takes spans. */
  readonly traceparent?: (task: Label) => string | undefined;
}

let handedOn: SeenChanges | undefined;

/** What the start of this process saw of the project: for the first host. */
export function handOnChanges(seen: SeenChanges | undefined): void {
  handedOn = seen;
}

export function createHost(
  start: string,
  { inbox = false, detach = false, common, isProject = false, traceparent }: HostOptions = {},
): ExecutionHost {
  const directory = isProject ? start : findProject(start);
  const cacheDir = userCache();
  const seen = handedOn;
  handedOn = undefined;
  const host: ExecutionHost = {
    directory,
    env: process.env,
    cacheDir,
    version: VERSION,
    pid: process.pid,
    now: Date.now,
    ...(common === undefined ? {} : { common }),
    ...(seen === undefined ? {} : { seen }),
    async loadConfig(project, version) {
      const { loadConfigFile } = await import('./config/config-file.js');
      return loadConfigFile(project, ownIndex(), version);
    },
    async createAgent(config) {
      const made = await configuredAgent(config, directory);
      if (!inbox || !made.ok || config.agent?.driver === 'inbox') return made;
      return ok(await inboxAgent({ driver: 'inbox' }, directory, { agent: made.value }));
    },
    async createExecutor(parts) {
      const { openLocalExecutor } = await import('../execution/open-local-executor.js');
      const local = await openLocalExecutor(host, parts);
      const { instructions } = parts;
      if (!local.ok || !instructions || !parts.config.execution) return local;
      const { openQueueExecutor, queueAddress } = await import('../execution/queue/open-queue-executor.js');
      const url = queueAddress(parts.config, host.env);
      return url === undefined
        ? local
        : openQueueExecutor(
            host,
            { ...parts, instructions },
            {
              ...{ local: local.value, url, detach },
              ...(traceparent ? { traceparent } : {}),
            },
          );
    },
    async reapAgents() {
      if (recordNames(cacheDir).length === 0) return;
      const { reapServers } = await import('../agent/opencode/server/reap.js');
      await reapServers(cacheDir);
    },
    async shippedPrompts() {
      const folder = fileURLToPath(packageFile('prompts/'));
      return readPrompts(folder);
    },
    async shippedAgents() {
      return readPrompts(fileURLToPath(packageFile('.opencode/agent/')));
    },
  };
  return host;
}

/** Folder of the bundled page: it exists only after `npm run build`. */
export function uiAssets(): string {
  return fileURLToPath(packageFile('dist/ui'));
}

/** How to start this program again. */
export function commandLine(): string[] {
  return [process.execPath, fileURLToPath(packageFile('bin/conductor.js'))];
}

/** A page of the documentation, by its name in `docs/`. */
export async function shippedPage(name: string): Promise<string> {
  const { readText } = await import('../io/files.js');
  return (await readText(fileURLToPath(packageFile(`docs/${name}`)))) ?? '';
}

/** Where templates of `conductor new` are looked for. */
export function templateRoots(project: string, cwd: string): TemplateRoots {
  return { project, cwd, shipped: fileURLToPath(packageFile('templates/')) };
}

async function opencodeAgent(agent: OpencodeAgentConfig, config: Config, cacheDir: string, project: string) {
  const { createOpencodeAgent } = await import('../agent/opencode/driver.js');
  const { routedModels, paceOf } = await import('../agent/routing.js');
  const { innerPackageFolders } = await import('../workspace/tools/inner-packages.js');
  const pace = paceOf(config.models.limits);
  const inner = await innerPackageFolders(project, config.workspace.link);
  return createOpencodeAgent(agent, {
    env: process.env,
    stateDir: cacheDir,
    commandEnv: config.env,
    models: routedModels(config.models.routes),
    ...(pace === undefined ? {} : { pace }),
    sessions: config.workers,
    readable: [
      ...[...config.workspace.link, ...inner].map((path) => join(project, path)),
      ...config.workspace.read.map((path) => expandHome(path, process.env)),
    ],
    files: await shippedPlugins(),
    now: Date.now,
    findSandbox: async () => (config.sandbox === 'off' ? undefined : sandboxProgram()),
  });
}

async function configuredAgent(
  config: Config,
  directory: string,
): Promise<Result<Agent | undefined, Failure>> {
  const cacheDir = userCache();
  if (!config.agent) return ok(undefined);
  if (config.agent.driver === 'opencode') return opencodeAgent(config.agent, config, cacheDir, directory);
  if (config.agent.driver === 'scripted')
    return scriptedAgent(join(directory, config.agent.script), config, directory);
  if (config.agent.driver === 'inbox') return ok(await inboxAgent(config.agent, directory));
  const sandbox = config.sandbox === 'off' ? undefined : await sandboxProgram();
  const host = {
    env: process.env,
    stateDir: join(cacheDir, 'agents'),
    project: directory,
    version: VERSION,
    ...(sandbox ? { sandbox } : {}),
  };
  if (config.agent.driver === 'acp') {
    const { createAcpAgent } = await import('../agent/acp/driver.js');
    return createAcpAgent(config.agent, host);
  }
  const { createCommandAgent } = await import('../agent/command.js');
  return createCommandAgent(config.agent, host);
}

async function inboxAgent(
  agent: InboxAgentConfig,
  project: string,
  as?: { readonly agent: Agent | undefined },
): Promise<Agent> {
  const { InboxAgent, inboxFolder } = await import('../agent/inbox/inbox.js');
  const folder = inboxFolder(agent, project, process.env);
  return new InboxAgent(agent, { folder, project, now: Date.now, ...(as === undefined ? {} : { as }) });
}

/** `script` is a file, or scripts as they stand in one. */
export async function scriptedAgent(
  script: string | Scripts,
  config: Config,
  project: string,
): Promise<Result<Agent, Failure>> {
  const { ScriptedModelAgent } = await import('../agent/scripted-model/opencode-with-script.js');
  const { serveScript, serveScripts } = await import('../agent/scripted-model/script-file.js');
  return ok(
    new ScriptedModelAgent({
      serve: async () => (typeof script === 'string' ? serveScript(script) : ok(await serveScripts(script))),
      createAgent: (agent) => opencodeAgent(agent, config, userCache(), project),
    }),
  );
}

/** The bundled plugins as files of OpenCode's config folder; none in a source tree that was never built. */
async function shippedPlugins() {
  const { readText } = await import('../io/files.js');
  const folder = fileURLToPath(packageFile('dist/plugin/'));
  const names = existsSync(folder)
    ? (await readdir(folder)).filter((name) => name.endsWith('.js')).sort()
    : [];
  return mapBounded(names, async (name) => ({
    path: `plugin/${name}`,
    text: (await readText(folder + name)) ?? '',
  }));
}

/** The program of the sandbox, where it works. */
async function sandboxProgram(): Promise<string | undefined> {
  const { findSandbox } = await import('../io/process/sandbox/sandbox.js');
  const found = await findSandbox(process.env);
  return 'program' in found ? found.program : undefined;
}

/** Prompts by their name relative to the folder. */
async function readPrompts(folder: string): Promise<Map<string, string>> {
  const { readText } = await import('../io/files.js');
  const prompts = new Map<string, string>();
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((one) => one.endsWith('.md')).sort()) {
    prompts.set(name.replaceAll('\\', '/'), (await readText(`${folder}${name}`)) ?? '');
  }
  return prompts;
}
