/** The event log that every build leaves. What happens before the project is known waits in memory. */

import { append } from '../io/files.js';
import type { BuildEvent } from '../model/event.js';
import { eventLog } from '../report/event-log.js';
import type { Reporter } from '../report/reporter.js';
import type { BuildLogs } from './logs.js';

export class EventRecord {
  private readonly early: BuildEvent[] = [];
  private log: Reporter | undefined;

  on(event: BuildEvent): void {
    if (this.log) this.log.on(event);
    else this.early.push(event);
  }

  open(logs: BuildLogs): void {
    let opened: Promise<void> | undefined;
    this.log = eventLog(async (text) => {
      opened ??= logs.open();
      await opened;
      await append(logs.events, text);
    });
    for (const event of this.early) this.log.on(event);
  }

  /** A log that cannot be written (a full disk) does not decide how a build ends. */
  async close(): Promise<void> {
    await this.log?.close().catch(() => undefined);
  }
}
