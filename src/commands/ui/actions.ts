/** What the page may start when it was asked for: commands that a person could type, each as a process of its own. */

import { err, ok, type Result } from '../../base/result.js';
import type { LiveMessage, PageAction } from '../../model/page.js';
import type { PageData } from '../page/page-data.js';

/** Runs conductor with these arguments in the project; resolves when it has ended. */
export type StartConductor = (
  args: readonly string[],
) => Promise<{ readonly exitCode: number; readonly tail: string }>;

export interface ActionRequest {
  readonly action: PageAction;
  readonly targets: readonly string[];
}

/** Undefined: not a request. */
export function parseActionRequest(text: string): ActionRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { action, targets } = (value ?? {}) as { action?: unknown; targets?: unknown };
  if (typeof action !== 'string' || !(ACTIONS as readonly string[]).includes(action)) return undefined;
  if (!Array.isArray(targets) || !targets.every((one) => typeof one === 'string')) return undefined;
  return { action: action as PageAction, targets };
}

export const ACTIONS: readonly PageAction[] = ['build', 'retry', 'accept', 'discard-edits', 'approve'];

export interface ActionParts {
  readonly data: PageData;
  /** How the person calls conductor. */
  readonly calledAs: string;
  readonly start: StartConductor;
  tell(message: LiveMessage): void;
}

export class Actions {
  private readonly parts: ActionParts;
  private count = 0;

  constructor(parts: ActionParts) {
    this.parts = parts;
  }

  /** Starts it and returns at once; the live stream reports the end. Fails with a sentence for the page. */
  async begin(
    request: ActionRequest,
  ): Promise<Result<{ readonly id: string; readonly command: string }, string>> {
    const args = await this.argumentsOf(request);
    if (!args.ok) return args;
    const id = `action-${++this.count}`;
    const { calledAs, start, tell } = this.parts;
    const command = [calledAs, ...args.value].join(' ');
    void start(args.value).then(
      ({ exitCode, tail }) => tell({ kind: 'action', id, command, exitCode, tail }),
      (error: unknown) => tell({ kind: 'action', id, command, exitCode: 2, tail: String(error) }),
    );
    return ok({ id, command });
  }

  /** Targets are looked up among today's tasks and features: nothing else is handed on. */
  private async argumentsOf({ action, targets }: ActionRequest): Promise<Result<string[], string>> {
    const graph = await this.parts.data.graph();
    const known = new Set([
      ...graph.tasks.map(({ label }) => label),
      ...graph.features.map(({ name }) => name),
    ]);
    const unknown = targets.find((target) => !known.has(target));
    if (unknown !== undefined) return err(`no task or feature is called ${unknown}`);
    switch (action) {
      case 'build':
        return ok(['build', ...targets]);
      case 'retry': {
        const failed = await this.failedTasks();
        if (failed.length === 0) return err('nothing failed in the last build');
        return ok(['build', ...failed.filter((label) => known.has(label))]);
      }
      case 'accept':
        return targets.length === 0 ? err('name the tasks to accept') : ok(['accept', ...targets]);
      case 'discard-edits':
        if (targets.length === 0) return err('name the tasks whose edits are to be discarded');
        return ok(['build', '--discard-edits', ...targets]);
      case 'approve': {
        const [target, ...more] = targets;
        return target === undefined || more.length > 0 || !target.includes('/')
          ? err('name the one task that asks for something')
          : ok(['approve', target]);
      }
      default:
        return err(`${action} is unknown`);
    }
  }

  private async failedTasks(): Promise<string[]> {
    const [last] = this.parts.data.builds.rows().filter(({ outcome }) => outcome !== 'running');
    const document = last && (await this.parts.data.builds.document(last.build));
    return (document?.tasks ?? []).filter(({ outcome }) => outcome === 'failed').map(({ label }) => label);
  }
}
