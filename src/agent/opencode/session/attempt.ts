/** One attempt at one task in sessions of an OpenCode server, also when servers end in between. Starts no server. */

import { ownValue } from '../../../base/records/own-value.js';
import { cleanEnvironment, type Environment, withPathInFront } from '../../../io/process/environment.js';
import { secretPlaces } from '../../../io/process/sandbox/sandbox.js';
import type { Usage } from '../../../model/action.js';
import type { OpencodeAgentConfig } from '../../../model/config.js';
import type { Failure } from '../../../model/failure.js';
import { type AgentExit, type AgentRequest, lastWordsOf } from '../../agent.js';
import { MAX_STARTS, throughLosses } from '../../lost-work/lost-work.js';
import { sameUsage } from '../../usage.js';
import type { Lease, ServerHost } from '../driver-host.js';
import type { OpencodeServer } from '../server/opencode-server.js';
import { longestWaitMs, type Pace } from '../server/pace.js';
import type { ConfigFile } from '../server/server-config.js';
import { configuredModel, type ModelName } from './model-name.js';
import type { ModelPrice } from './model-prices.js';
import { ObservedFiles } from './observed.js';
import { runSession } from './opencode-session.js';
import { StatedReport } from './reported.js';
import { toolsOff, writeRules } from './role.js';
import type { SessionEnd } from './session-plan.js';
import { Transcript } from './session-transcript.js';
import { SessionUsage } from './session-usage.js';

export interface OpencodeHost {
  /** Conductor's variables. */
  readonly env: Environment;
  /** Folder where running servers are recorded, so that the next build ends what a killed one left. */
  readonly stateDir: string;
  /** Names of variables that the config passes to gates and recipes: agents do not get them, and no transcript shows them. */
  readonly commandEnv: readonly string[];
  /** Models beside the configured ones that may be asked for. */
  readonly models?: readonly string[];
  readonly pace?: Pace;
  /** Sessions at the same time. Default 4. */
  readonly sessions?: number;
  /** Agents and plugins for OpenCode's config folder. */
  readonly files?: readonly ConfigFile[];
  /** Absolute paths outside the workspace that file tools may read: what workspaces link to. */
  readonly readable?: readonly string[];
  /** Program of the sandbox; undefined: none. Asked once, at the first start. */
  findSandbox(): Promise<string | undefined>;
  /** Milliseconds since 1970. */
  now(): number;
}

export const DEFAULT_LIMITS = { steps: 60, silenceMinutes: 5, toolSilenceMinutes: 30, retryWaitMinutes: 2 };

export interface Assignment {
  readonly request: AgentRequest;
  readonly model: ModelName;
  readonly variant: string | undefined;
  /** Undefined: OpenCode's own default agent. */
  readonly agentName: string | undefined;
  readonly steps: number;
  /** Whether the agent definition is conductor's own. */
  readonly isShipped: boolean;
  /** As far as it is known. */
  readonly price: ModelPrice | undefined;
}

/** One attempt of one task, through the deaths of servers. */
export class Attempt {
  private readonly config: OpencodeAgentConfig;
  private readonly host: OpencodeHost;
  private readonly servers: ServerHost;
  private readonly request: AgentRequest;
  private readonly assignment: Assignment;
  private readonly usage: SessionUsage;
  private readonly observed: ObservedFiles;
  private readonly stated = new StatedReport();
  private told: Usage = {};
  /** Milliseconds of its sessions so far. */
  private workedMs = 0;

  constructor(config: OpencodeAgentConfig, host: OpencodeHost, servers: ServerHost, assignment: Assignment) {
    const { request, model } = assignment;
    this.config = config;
    this.host = host;
    this.servers = servers;
    this.request = request;
    this.assignment = assignment;
    const setup = configuredModel(config, model);
    this.usage = new SessionUsage(setup?.cost !== undefined, assignment.price);
    this.observed = new ObservedFiles(request.cwd);
  }

  async run(secrets: readonly string[]): Promise<AgentExit> {
    const { request, host } = this;
    const transcript = new Transcript({
      logFile: request.logFile,
      secrets: [...secrets, ...host.commandEnv.flatMap((name) => ownValue(host.env, name) ?? [])],
      now: host.now,
      onLine: (line) => request.onEvent({ kind: 'output', line }),
    });
    const exit = await this.inSessions(transcript);
    const { report } = this.stated;
    const stated = report === undefined ? {} : { report: transcript.clean(report) };
    return { ...exit, ...lastWordsOf(transcript.lastWords), ...stated };
  }

  /** One session, and others after it where servers die. */
  private async inSessions(transcript: Transcript): Promise<AgentExit> {
    const { request, servers, host } = this;
    const output = () => ({ log: request.logFile, tail: transcript.tail });
    const start = async (): Promise<SessionEnd | { kind: 'unleased'; failure: Failure }> => {
      const askedAt = host.now();
      const leased = await servers.lease(request.cwd, request.signal);
      if (!leased.ok) return { kind: 'unleased', failure: leased.error };
      const lease = leased.value;
      try {
        return await this.session(lease, transcript, askedAt);
      } finally {
        await lease.release();
      }
    };
    const end = await throughLosses(request, start, (line) => transcript.incident(line));
    switch (end.kind) {
      case 'finished':
        return { kind: 'finished', usage: this.usage.total, observed: this.observed.files };
      case 'failed':
        // What a provider or an agent says of a failure may hold a key.
        return this.failed(transcript.clean(end.failure));
      case 'unleased':
        return this.failed(end.failure);
      case 'cancelled':
        return this.failed({ kind: 'cancelled' });
      case 'lost': {
        const kind = this.workedMs === 0 ? 'agent-start-failed' : 'agent-error';
        return this.failed({ kind, detail: end.detail, output: output() });
      }
    }
  }

  private async session(lease: Lease, transcript: Transcript, askedAt: number): Promise<SessionEnd> {
    const { request, host, config, assignment } = this;
    const { server, events, lost } = lease;
    const { env } = host;
    const { places = {} } = request;
    const shell = {
      workspace: request.cwd,
      network: request.network,
      env: withPathInFront({ ...cleanEnvironment(env, []), CI: '1', ...request.variables }, [
        `${request.cwd}/node_modules/.bin`,
      ]),
      readOnly: places.readOnly ?? [],
      mounts: places.mounts ?? [],
      hide: [...(places.hide ?? []), ...(env.HOME === undefined ? [] : secretPlaces(env.HOME))],
    };
    // Those of an earlier server of this attempt count too.
    await server.grant(shell, {
      steps: Math.max(0, assignment.steps - this.usage.stepCount),
      ...(request.expected === undefined ? {} : { writes: writeRules(request.expected) }),
    });
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    const { pace, sessions = 4 } = host;
    const paced = pace ? longestWaitMs(pace, assignment.model.providerID, sessions) : 0;
    try {
      let guarded = await lease.open();
      // On a machine under load a server that is well may need longer.
      for (let tries = 1; guarded === undefined; tries++) {
        if (!(await server.healthy())) return this.giveUp(server);
        if (tries === MAX_STARTS || request.signal.aborted)
          return unstarted('OpenCode did not open the workspace');
        guarded = await lease.open();
      }
      if (!guarded)
        return unstarted(
          'OpenCode did not load conductor’s plugins, which include the guard of its file tools',
        );
      // Neither the start of the server nor the opening of the workspace is the agent's time.
      const beganAt = host.now();
      request.onEvent({ kind: 'waited', ms: beganAt - askedAt });
      const endsAt = beganAt + Math.max(1, request.timeoutMs - this.workedMs);
      const end = await runSession(
        {
          directory: request.cwd,
          title: `${request.label} attempt ${request.attempt}`,
          prompt: request.prompt,
          ...(assignment.agentName === undefined ? {} : { agent: assignment.agentName }),
          model: assignment.model,
          ...(assignment.variant === undefined ? {} : { variant: assignment.variant }),
          ...(assignment.isShipped && request.expected ? { tools: toolsOff(request.expected) } : {}),
          limits: {
            steps: assignment.steps,
            wallMs: request.timeoutMs,
            endsAt,
            silenceMs: limits.silenceMinutes * 60_000 + paced,
            toolSilenceMs: limits.toolSilenceMinutes * 60_000,
            retryWaitMs: limits.retryWaitMinutes * 60_000,
          },
          logFile: request.logFile,
        },
        {
          client: server.client,
          events,
          lost,
          transcript,
          usage: this.usage,
          observed: this.observed,
          stated: this.stated,
          now: host.now,
          onUsage: () => this.tellUsage(),
        },
        request.signal,
      );
      this.workedMs += host.now() - beganAt;
      // A server that gives no answer to the first request of a session is as silent as a session without events.
      const isSilent = end.kind === 'failed' && ['stalled', 'agent-start-failed'].includes(end.failure.kind);
      return isSilent && !(await server.healthy()) ? this.giveUp(server) : end;
    } finally {
      await server.revoke(request.cwd);
    }
  }

  /** It is the server that hangs, not the model: it goes, and with it every session that waits for it. */
  private async giveUp(server: OpencodeServer): Promise<SessionEnd> {
    await server.stop();
    return { kind: 'lost', detail: 'the OpenCode server stopped answering' };
  }

  private tellUsage(): void {
    const { total } = this.usage;
    if (sameUsage(total, this.told)) return;
    this.told = total;
    this.request.onEvent({ kind: 'usage', usage: total });
  }

  private failed(failure: Failure): AgentExit {
    return { kind: 'failed', failure, usage: this.usage.total };
  }
}

function unstarted(detail: string): SessionEnd {
  return { kind: 'failed', failure: { kind: 'agent-start-failed', detail, output: { tail: '' } } };
}
