/**
 * Keeps what must not be lost when OpenCode shortens a long session: the task, when it is done, its constraints, and
 * what has failed so far. All of it is read from the session itself. Types are the only thing imported, so that the
 * file loads without any package.
 */

import type { Plugin } from '@opencode-ai/plugin';

/** Bytes of the task and of what failed that outlive a compaction. */
const MAX_TASK = 8192;
const MAX_FAILURES = 8;
/** Headings of reference material, which can be read again. */
const MATERIAL = /^## (?:About this feature|From .*|The project)$/;
const SESSIONS = 200;

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly synthetic?: boolean;
  readonly tool?: string;
  readonly state?: {
    readonly status: string;
    readonly error?: string;
    readonly output?: string;
    readonly input?: Readonly<Record<string, unknown>>;
    readonly metadata?: Readonly<Record<string, unknown>>;
  };
}

interface Message {
  readonly info: { readonly role: string };
  readonly parts: readonly Part[];
}

/** The first thing that the session was asked, as written. */
function firstRequest(messages: readonly Message[]): string {
  const first = messages.find(({ info }) => info.role === 'user');
  return (first?.parts ?? [])
    .filter((part) => part.type === 'text' && !part.synthetic)
    .map((part) => part.text ?? '')
    .join('\n')
    .trim();
}

/** The request without its reference material: sections from such a heading to the next heading of that level. */
function withoutMaterial(request: string): string {
  let fence = '';
  let dropped = false;
  const kept = request.split('\n').filter((line) => {
    const mark = /^(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark && fence === '') fence = mark;
    else if (mark && line.startsWith(fence) && line.trim() === mark) fence = '';
    else if (fence === '' && line.startsWith('## ')) dropped = MATERIAL.test(line);
    return !dropped;
  });
  return cut(
    kept
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim(),
    MAX_TASK,
  );
}

/** Tools and commands that failed, the latest ones, one line each. */
function failures(messages: readonly Message[]): string[] {
  const lines = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => {
      const { state } = part;
      if (part.type !== 'tool' || !state) return [];
      const what = oneLine(
        `${part.tool}: ${String(state.input?.command ?? state.input?.filePath ?? '')}`,
        160,
      );
      if (state.status === 'error') return [`${what} → ${oneLine(state.error ?? 'failed', 240)}`];
      const exit = state.metadata?.exit;
      if (typeof exit !== 'number' || exit === 0) return [];
      const last = (state.output ?? '').trim().split('\n').slice(-3).join(' / ');
      return [`${what} → exit ${exit}: ${oneLine(last, 240)}`];
    }),
  );
  return [...new Set(lines)].slice(-MAX_FAILURES);
}

function oneLine(text: string, max: number): string {
  return cut(text.replace(/\s+/g, ' ').trim(), max);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

function remainder(messages: readonly Message[]): string {
  const task = withoutMaterial(firstRequest(messages));
  if (task === '') return '';
  const failed = failures(messages);
  const evidence =
    failed.length === 0
      ? ''
      : `\n\nThese have failed in this session; do not try the same again:\n\n${failed.map((one) => `- ${one}`).join('\n')}`;
  return `The session was shortened. Its task has not changed, and these are its words:\n\n<task>\n${task}\n</task>${evidence}`;
}

/**
 * A summary is the model's own and may leave anything out. So the words are given to it when it sums up, and stand in
 * the system prompt of the session from then on.
 */
export const ContextCompressor: Plugin = async ({ client, directory }) => {
  const kept = new Map<string, string>();
  return {
    'experimental.session.compacting': async ({ sessionID }, output) => {
      const answer = await client.session
        .messages({ path: { id: sessionID }, query: { directory } })
        .catch(() => undefined);
      const text = remainder((answer?.data ?? []) as unknown as Message[]);
      if (text === '') return;
      const [oldest] = kept.keys();
      if (kept.size >= SESSIONS && oldest !== undefined) kept.delete(oldest);
      kept.set(sessionID, text);
      output.context.push(
        `Say what is done, what is left and what has failed, with paths and exact names. The following stands beside your summary; leave its wording out of it.\n\n${text}`,
      );
    },
    'experimental.chat.system.transform': async ({ sessionID }, output) => {
      const text = sessionID === undefined ? undefined : kept.get(sessionID);
      if (text !== undefined) output.system.push(text);
    },
  };
};
