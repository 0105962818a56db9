/** `conductor mcp`: conductor as an MCP server, for one client on stdio or for several over HTTP. */

import type { ConductorEnd } from '../../../commands/mcp/background-build.js';
import { openMcpHttp } from '../../../commands/mcp/http.js';
import { type OpenedService, openMcpService } from '../../../commands/mcp/service.js';
import { secretsIn } from '../../../commands/page/plain-text.js';
import { serveStdio } from '../../../io/network/mcp.js';
import { runProgram } from '../../../io/process/process.js';
import { CALLED_AS } from '../../invocation.js';
import { CALL, printBug, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { commandLine, createHost } from '../../wire.js';

export interface McpFlags {
  readonly http?: boolean;
  readonly port?: number;
}

/** What a command prints at most, before the answer of a tool is cut. */
const MAX_OUTPUT = 1_000_000;

export async function runMcp(flags: McpFlags): Promise<number> {
  if (flags.port !== undefined && !flags.http) {
    const hint = 'add --http, or leave --port out';
    return refuse({ kind: 'usage', message: '--port does nothing without --http', hint });
  }
  const host = createHost(process.cwd());
  const opened = await openMcpService(host, (args, signal, onLine) =>
    runConductor(host.directory, { args, signal, onLine }),
  );
  if (!opened.ok) return refuse(opened.error);
  const service = opened.value;
  const signals = cancelOnSignals();
  try {
    if (flags.http) return await serveHttp(service, flags.port ?? 0, signals.signal);
    // A client that leaves without a word closes the output; there is nobody to tell then.
    await serveStdio(service, { input: process.stdin, output: process.stdout, signal: signals.signal });
    return 0;
  } finally {
    signals.stop();
    await service.close();
  }
}

async function serveHttp(service: OpenedService, port: number, signal: AbortSignal): Promise<number> {
  const token = process.env.CONDUCTOR_MCP_TOKEN;
  const opened = await openMcpHttp(service, {
    port,
    ...(token === undefined ? {} : { token }),
    onError: printBug,
  });
  if (!opened.ok) return refuse(opened.error);
  process.stdout.write(`conductor: MCP at ${opened.value.address}\n`);
  if (token === undefined) process.stdout.write(`conductor: Authorization: Bearer ${opened.value.token}\n`);
  process.stdout.write('conductor: press Ctrl-C to stop\n');
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await opened.value.close();
  return 0;
}

/** A command of conductor itself: it holds the project's lock where it needs it, and leaves its own log. */
async function runConductor(
  directory: string,
  {
    args,
    signal,
    onLine,
  }: {
    readonly args: readonly string[];
    readonly signal: AbortSignal;
    readonly onLine: ((line: string) => void) | undefined;
  },
): Promise<ConductorEnd> {
  const text = { stdout: '', stderr: '' };
  const exit = await runProgram({
    command: [...commandLine(), ...args],
    cwd: directory,
    env: { ...process.env, NO_COLOR: '1', CONDUCTOR_ENDS_WITH_INPUT: '1', [CALLED_AS]: CALL },
    // A build waits for answers: it must not outlive a server that is killed.
    onInput: () => {},
    signal,
    secrets: secretsIn(process.env),
    onLine(line, stream) {
      onLine?.(line);
      if (text[stream].length < MAX_OUTPUT) text[stream] += `${line}\n`;
    },
  });
  return { code: exit.kind === 'exited' ? exit.code : 130, ...text };
}
