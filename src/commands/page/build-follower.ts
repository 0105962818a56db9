/**
 * Follows the builds of a project through their event logs while they grow, of this process and of all others. Writes
 * nothing.
 */

import { stat } from 'node:fs/promises';
import { isAlive, readText } from '../../io/files.js';
import type { BuildDocument, BuildRow } from '../../model/build-view.js';
import { CONDUCTOR_FOLDER } from '../../project/log-files.js';
import { BuildFold } from '../../report/build-view/build-fold.js';
import { eventsIn, listBuilds, readEventsFrom, readPart } from '../read-log.js';
import { lastLine } from './last-line.js';

/** Of an ended build, the list needs the first events and the last ones only. */
const HEAD_BYTES = 16_384;
const TAIL_BYTES = 65_536;
/** A build is taken for killed when its process is gone for this many looks in a row: its last event may be on its way. */
const LOOKS = 3;

interface Followed {
  readonly fold: BuildFold;
  /** Bytes read so far; a line that is not complete yet is read again. */
  offset: number;
  gone: number;
  /** Only the ends of the log were read. */
  partial: boolean;
}

export class BuildFollower {
  private readonly project: string;
  private readonly state: string;
  private readonly builds = new Map<string, Followed>();
  private reading: Promise<unknown> = Promise.resolve();

  /** `state`: conductor's state folder of the project, where the lock's holder is named. */
  constructor(project: string, state: string) {
    this.project = project;
    this.state = state;
  }

  /** Reads what is new. Names of builds that have changed, new ones included. One reads at a time: each event counts once. */
  refresh(): Promise<string[]> {
    const next = this.reading.then(() => this.read());
    this.reading = next.catch(() => {});
    return next;
  }

  private async read(): Promise<string[]> {
    const names = await listBuilds(this.project);
    const changed: string[] = [];
    for (const name of this.builds.keys()) if (!names.includes(name)) this.builds.delete(name);
    for (const name of names) {
      const known = this.builds.get(name);
      if (known?.fold.isEnded) continue;
      const followed = known ?? (await this.start(name));
      const isNew = !known;
      this.builds.set(name, followed);
      const grew = followed.partial ? false : await this.readOn(name, followed);
      if (isNew || grew) changed.push(name);
      if (!followed.fold.isEnded && (await this.looksGone(name, followed))) changed.push(name);
    }
    return [...new Set(changed)];
  }

  /** Names of the builds that run. */
  live(): string[] {
    return [...this.builds].filter(([, { fold }]) => !fold.isEnded).map(([name]) => name);
  }

  rows(): BuildRow[] {
    return [...this.builds.values()].map(({ fold }) => fold.row()).sort((a, b) => b.startedAt - a.startedAt);
  }

  fold(name: string): BuildFold | undefined {
    return this.builds.get(name)?.fold;
  }

  /** Everything of one build; undefined when there is none of this name. */
  async document(name: string): Promise<BuildDocument | undefined> {
    if (!this.builds.has(name)) await this.refresh();
    const known = this.builds.get(name);
    if (!known) return undefined;
    if (!known.partial) return known.fold.document();
    const whole = { fold: new BuildFold(name), offset: 0, gone: 0, partial: false };
    await this.readOn(name, whole);
    return whole.fold.document();
  }

  /** Puts the last line that each running task has printed into its view. */
  async readLastLines(name: string): Promise<void> {
    const fold = this.fold(name);
    if (!fold) return;
    for (const label of fold.running()) {
      const line = await lastLine(this.project, name, label);
      if (line !== undefined) fold.line(label, line);
    }
  }

  private file(name: string): string {
    return `${this.project}/${CONDUCTOR_FOLDER}/logs/${name}/events.ndjson`;
  }

  private async start(name: string): Promise<Followed> {
    const fold = new BuildFold(name);
    const size = (await stat(this.file(name)).catch(() => undefined))?.size ?? 0;
    if (size <= HEAD_BYTES + TAIL_BYTES) return { fold, offset: 0, gone: 0, partial: false };
    const ends = [
      ...eventsIn(String(await readPart(this.file(name), 0, HEAD_BYTES))).slice(0, 1),
      ...eventsIn(String(await readPart(this.file(name), size - TAIL_BYTES, TAIL_BYTES))).filter(
        (event) => event.type === 'build.finished' || event.type === 'build.published',
      ),
    ];
    if (ends.at(-1)?.type !== 'build.finished') return { fold, offset: 0, gone: 0, partial: false };
    for (const event of ends) fold.on(event);
    return { fold, offset: size, gone: 0, partial: true };
  }

  private async readOn(name: string, followed: Followed): Promise<boolean> {
    const file = this.file(name);
    const { events, offset } = await readEventsFrom(file, followed.offset);
    if (offset === followed.offset) return false;
    followed.offset = offset;
    for (const event of events) followed.fold.on(event);
    followed.gone = 0;
    return true;
  }

  /** The process id stands at the end of a build's name, and the project's lock names its holder. */
  private async looksGone(name: string, followed: Followed): Promise<boolean> {
    const pid = Number(/-(\d+)$/.exec(name)?.[1]);
    const owner = await readText(`${this.state}/lock-owner.json`).catch(() => undefined);
    const holds =
      Number.isInteger(pid) && pid > 0 && isAlive(pid) && owner?.includes(`"pid":${pid}`) === true;
    followed.gone = holds ? 0 : followed.gone + 1;
    if (followed.gone < LOOKS) return false;
    followed.fold.killed();
    return true;
  }
}
