/** The driver `inbox` in a rig, and a program that answers its requests as a person or a script would. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InboxAgent } from '../../agent/inbox/inbox.js';
import type { InboxRequest } from '../../agent/inbox/request-folder.js';
import type { InboxAgentConfig } from '../../model/config.js';
import { until } from './command-line.js';
import type { Rig } from './rig.js';

export interface FoundRequest extends InboxRequest {
  /** The folder of the request. */
  readonly folder: string;
  readonly prompt: string;
}

export class Inbox {
  readonly folder: string;
  private readonly taken = new Set<string>();

  constructor(rig: Rig, more: Partial<InboxAgentConfig> = {}) {
    this.folder = rig.path('.conductor/inbox');
    const project = rig.dir;
    rig.by = new InboxAgent({ driver: 'inbox', ...more }, { folder: this.folder, project, now: Date.now });
  }

  /** Every open request, in order. */
  get open(): FoundRequest[] {
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    return names
      .filter((name) => !name.startsWith('.'))
      .sort()
      .flatMap((name) => {
        const folder = join(this.folder, name);
        try {
          const request = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8')) as InboxRequest;
          return [{ ...request, folder, prompt: readFileSync(join(folder, 'prompt.md'), 'utf8') }];
        } catch {
          // It has been taken meanwhile.
          return [];
        }
      });
  }

  /** The next request of a task (or of any) that no test has seen. */
  async next(task?: string): Promise<FoundRequest> {
    const unseen = () =>
      this.open.find((one) => !this.taken.has(one.id) && (task === undefined || one.task === task));
    await until(`a request of ${task ?? 'any task'}`, () => unseen() !== undefined);
    const found = unseen() as FoundRequest;
    this.taken.add(found.id);
    return found;
  }
}

/** An answer in one step, as the protocol asks for it. */
export function put(request: FoundRequest, name: string, content: unknown): void {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(request.folder, `.${name}`), text);
  renameSync(join(request.folder, `.${name}`), join(request.folder, name));
}

/** Writes files into the workspace of a request. */
export function work(request: FoundRequest, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(request.workspace, path)), { recursive: true });
    writeFileSync(join(request.workspace, path), text);
  }
}
