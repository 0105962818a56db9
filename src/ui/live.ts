/** What the server tells while it happens: rows of builds, tasks of the builds that run, ends of commands. Knows no view. */

import { useEffect, useState } from 'preact/hooks';
import type { BuildDocument, BuildHead, BuildRow, TaskView } from '../model/build-view.js';
import type { LiveMessage, ProjectPageRow } from '../model/page.js';

export type Connection = 'connecting' | 'open' | 'lost';

interface LiveBuild {
  readonly head: BuildHead;
  readonly tasks: ReadonlyMap<string, TaskView>;
}

export type ActionEnd = Extract<LiveMessage, { kind: 'action' }>;

interface LiveState {
  readonly connection: Connection;
  readonly rows: readonly BuildRow[];
  readonly builds: ReadonlyMap<string, LiveBuild>;
  /** Counts up when documents that were loaded may be out of date. */
  readonly version: number;
  readonly ends: readonly ActionEnd[];
  /** Of the page of several projects; undefined: nothing was told yet. */
  readonly projects?: readonly ProjectPageRow[];
}

let state: LiveState = { connection: 'connecting', rows: [], builds: new Map(), version: 0, ends: [] };
const listeners = new Set<() => void>();

function set(change: Partial<LiveState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

export function useLive<T>(pick: (live: LiveState) => T): T {
  const [, redraw] = useState(0);
  const picked = pick(state);
  useEffect(() => {
    let last = pick(state);
    const listener = () => {
      const next = pick(state);
      if (next === last) return;
      last = next;
      redraw((count) => count + 1);
    };
    listeners.add(listener);
    // Something may have come between drawing and listening.
    listener();
    return () => {
      listeners.delete(listener);
    };
  });
  return picked;
}

export function useVersion(): number {
  return useLive(({ version }) => version);
}

/** A build as it stands, while the server tells of it; undefined for one that ended before this page was opened. */
export function useLiveBuild(name: string | undefined): BuildDocument | undefined {
  const live = useLive(({ builds }) => (name === undefined ? undefined : builds.get(name)));
  return live && { head: live.head, tasks: [...live.tasks.values()] };
}

export function followServer(): void {
  const stream = new EventSource('api/live');
  stream.onopen = () => {
    // After a break everything may have changed.
    set({ connection: 'open', version: state.version + (state.connection === 'lost' ? 1 : 0) });
  };
  stream.onerror = () => set({ connection: 'lost' });
  stream.onmessage = ({ data }) => take(JSON.parse(data as string) as LiveMessage);
  window.addEventListener('focus', refresh);
}

/** Asks for all documents again: what is on disk changes without a build, too. */
export function refresh(): void {
  set({ version: state.version + 1 });
}

function take(message: LiveMessage): void {
  switch (message.kind) {
    case 'projects': {
      set({ projects: message.rows });
      return;
    }
    case 'builds': {
      set({ rows: message.rows });
      return;
    }
    case 'build': {
      const { head } = message;
      const before = state.builds.get(head.build);
      const tasks = new Map(before?.tasks);
      for (const task of message.tasks) tasks.set(task.label, task);
      const builds = new Map(state.builds).set(head.build, { head, tasks });
      const rows = state.rows.map((row) => (row.build === head.build ? { ...row, ...rowOf(head) } : row));
      const isEnd = head.outcome !== 'running' && before?.head.outcome !== head.outcome;
      set({ builds, rows, version: state.version + (isEnd ? 1 : 0) });
      return;
    }
    case 'action':
      set({ ends: [...state.ends, message], version: state.version + 1 });
  }
}

function rowOf(head: BuildHead): Partial<BuildRow> {
  const { outcome, counts, total, usage, published, endedAt } = head;
  return { outcome, counts, total, usage, published, ...(endedAt === undefined ? {} : { endedAt }) };
}
