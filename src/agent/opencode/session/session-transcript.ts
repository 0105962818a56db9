/** The record of an attempt: one JSON line for each message, tool call and incident. Knows no lifecycle. */

import { appendFileSync } from 'node:fs';
import { redact, redactDeep } from '../../../io/process/environment.js';
import type { AssistantMessage, Part, ToolPart } from '../client.js';

/** Characters of one text, tool input or output that are kept. */
const MAX_TEXT = 20_000;
const MAX_TAIL = 8192;

export type TranscriptLine = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface TranscriptOptions {
  readonly logFile: string;
  readonly secrets: readonly string[];
  /** Milliseconds since 1970. */
  now(): number;
  /** One line for people: what the agent says or does. */
  onLine(line: string): void;
}

/**
 * Writes what an attempt did, each thing once and when it is complete. A log that cannot be written is given up:
 * the work goes on.
 */
export class Transcript {
  private readonly options: TranscriptOptions;
  private readonly written = new Set<string>();
  /** Tool calls that are under way. */
  private readonly open = new Map<string, ToolPart>();
  private lost = false;
  private said = '';
  /** The session that was prompted: what its sub-agents say is not the agent's own word. */
  private session: string | undefined;
  private words: string | undefined;

  constructor(options: TranscriptOptions) {
    this.options = options;
  }

  prompt(session: string, text: string): void {
    this.session = session;
    this.write({ type: 'prompt', session, text });
  }

  part(part: Part): void {
    switch (part.type) {
      case 'text':
        if (part.synthetic || !part.time?.end || part.text.trim() === '' || this.isKnown(part.id)) return;
        this.write({ type: 'text', session: part.sessionID, text: part.text });
        this.say(part.text);
        if (part.sessionID === this.session) {
          this.words = redact(part.text, this.options.secrets);
        }
        return;
      case 'reasoning':
        if (!part.time.end || part.text.trim() === '' || this.isKnown(part.id)) return;
        this.write({ type: 'reasoning', session: part.sessionID, text: part.text });
        return;
      case 'tool':
        this.tool(part);
        return;
      case 'step-finish':
        if (this.isKnown(part.id)) return;
        this.write({
          type: 'step',
          session: part.sessionID,
          reason: part.reason,
          cost: part.cost,
          tokens: part.tokens,
        });
        return;
      case 'compaction':
        if (!this.isKnown(part.id)) this.write({ type: 'compaction', session: part.sessionID });
        return;
    }
  }

  message(info: AssistantMessage): void {
    if ((!info.error && info.time.completed === undefined) || this.isKnown(info.id)) return;
    this.write({
      type: 'message',
      session: info.sessionID,
      model: `${info.providerID}/${info.modelID}`,
      agent: info.agent,
      finish: info.finish,
      error: info.error,
      ...(info.summary ? { summary: true } : {}),
    });
    if (info.error) this.say(errorText(info.error));
  }

  /** Anything that is no message: a refused request, a restarted server, a limit. */
  incident(text: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.write({ type: 'incident', text, ...facts });
    this.say(text);
  }

  /** Calls without an end were cut off. */
  finish(): void {
    for (const part of this.open.values()) {
      this.write({
        type: 'tool',
        session: part.sessionID,
        tool: part.tool,
        status: 'cut-off',
        input: part.state.input,
      });
    }
    this.open.clear();
  }

  /** The same data with every secret in its texts replaced, and long texts cut. */
  clean<T>(value: T): T {
    return JSON.parse(this.json(value)) as T;
  }

  /** The last text of the session that was prompted. */
  get lastWords(): string | undefined {
    return this.words;
  }

  /** The last lines for people. */
  get tail(): string {
    return this.said;
  }

  private tool(part: ToolPart): void {
    const { state } = part;
    if (state.status === 'pending' || state.status === 'running') {
      if (!this.written.has(part.id)) this.open.set(part.id, part);
      return;
    }
    this.open.delete(part.id);
    if (this.isKnown(part.id)) return;
    this.write({
      type: 'tool',
      session: part.sessionID,
      tool: part.tool,
      status: state.status,
      input: state.input,
      ...(state.status === 'completed' ? { output: state.output } : { error: state.error }),
      ms: state.time.end - state.time.start,
    });
    const { filePath, command, pattern, done, because } = state.input;
    const about = [filePath, command, pattern, done, because].find((one) => typeof one === 'string');
    const what = about === undefined ? part.tool : `${part.tool} ${String(about)}`;
    this.say(state.status === 'completed' ? what : `${what}: ${state.error}`);
  }

  private isKnown(id: string): boolean {
    if (this.written.has(id)) return true;
    this.written.add(id);
    return false;
  }

  private write(line: TranscriptLine): void {
    if (this.lost) return;
    const whole = { at: new Date(this.options.now()).toISOString(), ...line };
    try {
      appendFileSync(this.options.logFile, `${this.json(whole)}\n`);
    } catch {
      this.lost = true;
    }
  }

  private json(value: unknown): string {
    const clean = redactDeep(value, this.options.secrets);
    return JSON.stringify(clean, (_, one: unknown) => (typeof one === 'string' ? this.cleanText(one) : one));
  }

  private say(text: string): void {
    const clean = this.cleanText(text);
    this.said = `${this.said}${clean.trimEnd()}\n`.slice(-MAX_TAIL);
    for (const line of clean.split('\n')) if (line.trim() !== '') this.options.onLine(line);
  }

  /** Redacted before it is cut: half a secret would not be found any more. */
  private cleanText(text: string): string {
    const clean = redact(text, this.options.secrets);
    if (clean.length <= MAX_TEXT) return clean;
    return `${clean.slice(0, MAX_TEXT)}… (${clean.length - MAX_TEXT} more characters)`;
  }
}

/** The first line of it: behind that may stand the server's own stack. */
export function errorText(error: NonNullable<AssistantMessage['error']>): string {
  const message = (error.data as { message?: unknown }).message;
  const [line] = typeof message === 'string' ? message.split('\n') : [];
  return line ? `${error.name}: ${line}` : error.name;
}
