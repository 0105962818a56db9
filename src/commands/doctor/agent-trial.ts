/**
 * A tiny task for an agent, outside of any project: it reads, runs a command, writes, and reports its usage. Only the
 * written file decides.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../../agent/agent.js';
import { err, ok, type Result } from '../../base/result.js';
import { readText } from '../../io/files.js';
import type { Usage } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';

export interface TrialOptions {
  readonly model?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  now(): number;
}

export interface Trial {
  readonly ms: number;
  readonly usage: Usage;
}

export const QUESTION = 'question.txt';
export const ANSWER = 'answer.txt';
const LABEL = 'doctor/trial';
const PROMPT = `The file \`${QUESTION}\` holds three words on one line. Write the third of them, and nothing else, to the file \`${ANSWER}\` beside it. Then stop.\n`;

/** How a scripted model does it, with the two tools that matter most: one reads, the shell writes. */
export const TRIAL_SCRIPTS = {
  '*': [
    [
      { call: 'read', args: { filePath: QUESTION } },
      {
        call: 'bash',
        args: { command: `cut -d ' ' -f 3 ${QUESTION} > ${ANSWER}`, description: 'write the answer' },
      },
      { say: 'Done.' },
    ],
  ],
};

/** The agent is closed afterwards. Fails as its run fails, or with `agent-error` when the answer is wrong. */
export async function tryAgent(agent: Agent, options: TrialOptions): Promise<Result<Trial, Failure>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'conductor-trial-')));
  const startedAt = options.now();
  const cwd = join(folder, 'workspace');
  const logFile = join(folder, 'agent.log');
  const promptFile = join(folder, 'prompt.md');
  // Not to be guessed: the agent has to read it.
  const expected = randomBytes(6).toString('hex');
  try {
    const layOut = async () => {
      await rm(cwd, { recursive: true, force: true });
      await mkdir(cwd);
      await writeFile(join(cwd, QUESTION), `alpha beta ${expected}\n`);
    };
    await layOut();
    await writeFile(promptFile, PROMPT);
    const exit = await agent.run({
      label: LABEL,
      attempt: 1,
      cwd,
      prompt: PROMPT,
      promptFile,
      ...(options.model === undefined ? {} : { model: options.model }),
      timeoutMs: options.timeoutMs,
      logFile,
      signal: options.signal,
      network: false,
      reset: layOut,
      onEvent: () => {},
    });
    if (exit.kind === 'failed') return err(withoutLog(exit.failure));
    const answer = (await readText(join(cwd, ANSWER)))?.trim();
    if (answer === expected) return ok({ ms: options.now() - startedAt, usage: exit.usage });
    const found =
      answer === undefined ? `it wrote no ${ANSWER}` : `${ANSWER} does not have the requested content`;
    const tail = ((await readText(logFile)) ?? '').slice(-4096);
    return err({ kind: 'agent-error', detail: `it finished, but ${found}`, output: { tail } });
  } finally {
    await agent.close?.();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The log goes with the folder. */
function withoutLog(failure: Failure): Failure {
  return 'output' in failure ? { ...failure, output: { tail: failure.output.tail } } : failure;
}
