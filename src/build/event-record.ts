/** The event log that every build leaves, and its part of the history. What happens before the project is known waits in memory. */

import { append } from '../io/files.js';
import type { BuildEvent } from '../model/event.js';
import type { BuildLogs } from '../project/log-files.js';
import { eventLog } from '../report/live/event-log.js';
import type { Reporter } from '../report/live/reporter.js';
import { HistoryRecord } from './build-history.js';

export class EventRecord {
  private readonly early: BuildEvent[] = [];
  private log: Reporter | undefined;
  private history: HistoryRecord | undefined;

  on(event: BuildEvent): void {
    this.log?.on(event);
    this.history?.on(event);
    if (!this.log) this.early.push(event);
  }

  /** `history`: the folder of the project's history. */
  open(logs: BuildLogs, history: string): void {
    let opened: Promise<void> | undefined;
    this.log = eventLog(async (text) => {
      opened ??= logs.open();
      await opened;
      await append(logs.events, text);
    });
    this.history = new HistoryRecord(history, logs.build);
    for (const event of this.early) {
      this.log.on(event);
      this.history.on(event);
    }
  }

  /** A log that cannot be written (a full disk) does not decide how a build ends. */
  async close(): Promise<void> {
    await this.log?.close().catch(() => undefined);
    await this.history?.close();
  }
}
