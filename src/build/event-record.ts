/** What a build or another command leaves of its events: the event log and its part of the history. Emits nothing. */

import { append } from '../io/files.js';
import type { BuildEvent } from '../model/event.js';
import type { BuildLogs } from '../project/log-files.js';
import { eventLog } from '../report/live/event-log.js';
import type { Reporter } from '../report/live/reporter.js';
import { HistoryRecord } from './history/history-record.js';

/** What happens before the project is known waits in memory. */
export class EventRecord {
  private readonly early: BuildEvent[] = [];
  private log: Reporter | undefined;
  private history: HistoryRecord | undefined;
  private logs: BuildLogs | undefined;

  on(event: BuildEvent): void {
    this.log?.on(event);
    this.history?.on(event);
    if (!this.history) this.early.push(event);
  }

  /** `history`: the folder of the project's history. */
  open(logs: BuildLogs, history: string): void {
    this.logs = logs;
    let opened: Promise<void> | undefined;
    this.log = eventLog(async (text) => {
      opened ??= logs.open();
      await opened;
      await append(logs.events, text);
    });
    for (const event of this.early) this.log.on(event);
    this.openHistory(history, logs.build);
  }

  /** The history alone, for a command that is no build. */
  openHistory(folder: string, build: string): void {
    this.history = new HistoryRecord(folder, build);
    for (const event of this.early.splice(0)) this.history.on(event);
  }

  /** The history is written up to here: while the command holds the project's lock, because the next one may put its files in order. */
  async keepHistory(): Promise<void> {
    await this.history?.flush();
  }

  /** A log that cannot be written (a full disk) does not decide how a build ends. */
  async close(): Promise<void> {
    await this.log?.close().catch(() => undefined);
    await this.history?.close();
    // At the end, so that the start of the build does not wait for it.
    await this.logs?.removeOld().catch(() => undefined);
  }
}
