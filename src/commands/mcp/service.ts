/** What clients of `conductor mcp` can do in a project. */

import { DEFAULT_INBOX, inboxFolder } from '../../agent/inbox/inbox.js';
import { ok, type Result } from '../../base/result.js';
import type { McpService } from '../../io/network/mcp.js';
import type { Failure } from '../../model/failure.js';
import type { Host } from '../../project/host.js';
import { BackgroundBuild, type RunConductor } from './background-build.js';
import { commandTools } from './command-tools.js';
import { Claims } from './requests.js';
import { specTools } from './spec-tools.js';
import { taskTools } from './task-tools.js';

const INSTRUCTIONS = `conductor builds code from specs: each task in specs/ says which files it owns (outputs), what it may change
(edits) and which commands must pass (verify). Never edit outputs of tasks in the project; change the spec, or work on
the task.

To change what is built: read_spec, write_spec, then plan_build.
To build tasks yourself: take_task, work in the workspace that it names, submit_task; repeat until there is no work.
If a gate fails, take the task again: the prompt then has the evidence.`;

export interface OpenedService extends McpService {
  close(): Promise<void>;
}

export async function openMcpService(host: Host, run: RunConductor): Promise<Result<OpenedService, Failure>> {
  const loaded = await host.loadConfig(host.directory);
  if (!loaded.ok) return loaded;
  const { agent, specs } = loaded.value.config;
  const folder = agent?.driver === 'inbox' ? agent : { driver: 'inbox' as const, folder: DEFAULT_INBOX };
  const claims = new Claims(inboxFolder(folder, host.directory, host.env), host.directory, host.now);
  const builds = new BackgroundBuild(run);
  return ok({
    name: 'conductor',
    version: host.version,
    instructions: INSTRUCTIONS,
    tools: [...commandTools(run, builds), ...specTools(host, specs), ...taskTools(claims, builds)],
    left: (session) => claims.left(session),
    close: () => builds.close(),
  });
}
