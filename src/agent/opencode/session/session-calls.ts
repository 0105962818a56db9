/** Single calls to the server about one session, each with a time limit. Knows no lifecycle. */

import { createHash } from 'node:crypto';
import { ownValue } from '../../../base/records/own-value.js';
import type { Failure, KeptOutput } from '../../../model/failure.js';
import type { OpencodeClient } from '../client.js';
import type { ServerEvent } from './events.js';
import type { Transcript } from './session-transcript.js';

/** How long a single question to the server, and the end of an aborted session, is awaited. */
export const ANSWER_MS = 5000;

/**
 * Ours alone, and the same when the prompt of this session is posted again. The zeros sort it before every message
 * that the server itself names: its loop takes the order of names for that of time.
 */
export function messageName(session: string): string {
  return `msg_000000${createHash('sha256').update(session).digest('hex').slice(0, 20)}`;
}

/** The answer, or undefined when none comes in time or the connection breaks. */
export async function inTime<T>(answer: Promise<T>, ms: number = ANSWER_MS): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** An error of the client in words. */
export function said(error: unknown): string {
  if (error === undefined) return 'the server did not answer';
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : JSON.stringify(error);
}

export interface Prompt {
  readonly directory: string;
  readonly prompt: string;
  /** Without it OpenCode's own default agent. */
  readonly agent?: string;
  readonly model: { readonly providerID: string; readonly modelID: string };
  /** Of the model. */
  readonly variant?: string;
  /** Tools that are not offered. */
  readonly tools?: Readonly<Record<string, false>>;
}

/** Posts a prompt; undefined when it was taken, else why not. A lost answer is asked for again: the id is the same. */
export async function postPrompt(
  client: OpencodeClient,
  sessionID: string,
  messageID: string,
  { directory, prompt, agent, model, variant, tools }: Prompt,
): Promise<string | undefined> {
  const post = () =>
    inTime(
      client.session.promptAsync({
        sessionID,
        directory,
        messageID,
        model,
        ...(agent === undefined ? {} : { agent }),
        ...(variant === undefined ? {} : { variant }),
        ...(tools === undefined ? {} : { tools }),
        parts: [{ type: 'text', text: prompt }],
      }),
      6 * ANSWER_MS,
    );
  let answer = await post();
  if (answer === undefined || (answer.error !== undefined && !answer.response)) answer = await post();
  return answer?.error === undefined && answer !== undefined
    ? undefined
    : `the server did not accept the prompt: ${said(answer?.error)}`;
}

/** No person can answer: a request is refused at once, and the model gets the refusal. */
export function refuse(
  client: OpencodeClient,
  transcript: Transcript,
  directory: string,
  event: Extract<ServerEvent, { type: 'permission.asked' | 'question.asked' }>,
): void {
  const requestID = event.properties.id;
  if (event.type === 'question.asked') {
    const { questions } = event.properties;
    transcript.incident('a question of the agent was refused: nobody can answer', { questions });
    void inTime(client.question.reject({ requestID, directory }));
    return;
  }
  const { permission, patterns } = event.properties;
  transcript.incident(`a request was refused: ${permission}`, { permission, patterns });
  const message = 'This is not allowed here. Go on without it.';
  void inTime(client.permission.reply({ requestID, directory, reply: 'reject', message }));
}

/**
 * Stops the work of a session and waits until it has stopped: one that is deleted while it works goes on unseen.
 * `idle` resolves with its event.
 */
export async function abortSession(
  client: OpencodeClient,
  sessionID: string,
  directory: string,
  idle: Promise<void>,
): Promise<void> {
  await inTime(client.session.abort({ sessionID, directory }));
  const status = await inTime(client.session.status({ directory }));
  if (status?.data && ownValue(status.data, sessionID) === undefined) return;
  await inTime(idle);
}

/** A server that died between two words is lost; one that lives has refused. */
export async function noAnswer(
  lost: Promise<string>,
  detail: string,
  output: KeptOutput,
): Promise<{ kind: 'lost'; detail: string } | { kind: 'failed'; failure: Failure }> {
  const gone = await inTime(lost, 500);
  if (gone !== undefined) return { kind: 'lost', detail: gone };
  return { kind: 'failed', failure: { kind: 'agent-start-failed', detail, output } };
}
