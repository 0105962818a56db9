/**
 * `conductor watch`: looks when something may have changed, and keeps one build going for what is there. A snapshot
 * decides whether anything did, never an event: a lost one is made up for by the next look. Prints nothing.
 */

import { ok, type Result } from '../../base/result.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open.js';
import { changedFiles } from '../../io/git/walk.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import { type BuildOptions, PLAIN_BUILD } from '../options.js';
import { Resident } from '../resident.js';
import type { Session } from '../session.js';
import { createEmit, type Emit } from '../surroundings.js';
import { WatchBuilds } from './builds.js';
import { Echo } from './echo.js';
import type { FileEvents } from './file-events.js';
import { Lookout } from './lookout.js';
import type { WatchParts } from './parts.js';
import { Reader, type Reading } from './reading.js';
import { type Scope, scopeOf, WHOLE } from './scope.js';
import { Storm } from './storm.js';
import { Touched } from './touched.js';
import { urgentTasks } from './urgent.js';
import type { Wish } from './wishes.js';

const POLL_MS = 1000;
/** Events get lost (a queue overflows, a network file system): the longest that a change can go unseen. */
const CHECK_MS = 30_000;
const NAMED_PATHS = 20;

/** Watches until `signal` aborts; fails when it could not begin. Rejects only for a bug. */
export async function watchProject(parts: WatchParts): Promise<Result<undefined, Failure>> {
  const { surroundings, signal } = parts;
  const opened = await openRepository(surroundings.directory);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const objects = new GitObjects(repository);
  const resident = new Resident();
  const lookout = await Lookout.open(repository, objects, resident.memory);
  const session: Session = { repository, objects, resident, close: async () => {} };
  const watch = new Watch(parts, session, lookout);
  try {
    while (!signal.aborted) {
      const wish = await parts.wishes.next(signal);
      if (wish) await watch.turn(wish);
    }
    return ok(undefined);
  } finally {
    await watch.close();
    await lookout.close();
    await objects.close();
  }
}

class Watch {
  private readonly parts: WatchParts;
  private readonly session: Session;
  private readonly lookout: Lookout;
  private readonly resident: Resident;
  private readonly reader: Reader;
  private readonly builds: WatchBuilds;
  private readonly echo = new Echo();
  private readonly emit: Emit;
  private events: Promise<FileEvents> | undefined;
  private scope: Scope = WHOLE;
  private poll: boolean;
  private callOff: () => void = () => {};
  /** What is on disk as far as everything was done for it. */
  private seen: ObjectId | undefined;
  private looked: ObjectId | undefined;
  private justBuilt = false;
  private problem: string | undefined;
  private config: string | undefined;
  private readonly touched = new Touched();
  private readonly storm: Storm;
  /** The last look was a glance, and nothing was begun that makes up for it. */
  private onlyGlanced = false;
  /** A build was given up, and what is on disk is to be built in any case. */
  private isOwed = false;

  constructor(parts: WatchParts, session: Session, lookout: Lookout) {
    const { surroundings, on } = parts;
    this.parts = parts;
    this.session = session;
    this.resident = session.resident;
    this.lookout = lookout;
    this.poll = parts.options.poll;
    this.emit = createEmit(surroundings.now, on);
    this.reader = new Reader(surroundings, session.repository.project, session.objects, lookout);
    const { after, wishes } = parts;
    this.storm = new Storm({ now: surroundings.now, after, hasMore: () => wishes.has('event') });
    this.builds = new WatchBuilds({ surroundings, session, lookout, on });
    this.emit({ type: 'watch.started', targets: parts.options.targets, poll: this.poll });
    parts.wishes.ask('look');
  }

  /** One look, and what follows from it. */
  async turn(wish: Wish): Promise<void> {
    this.callOff();
    await this.follow(wish);
    if (this.onlyGlanced) this.parts.wishes.ask('look');
    this.onlyGlanced = false;
    const every = this.poll ? POLL_MS : CHECK_MS;
    this.callOff = this.parts.after(every, () => this.parts.wishes.ask('look'));
  }

  async close(): Promise<void> {
    this.callOff();
    await (await this.events)?.close();
    await this.builds.stop();
  }

  private async follow(wish: Wish): Promise<void> {
    const { wishes } = this.parts;
    const { builds, resident } = this;
    // While a build writes, what is on disk is neither what was nor what will be.
    if (resident.isLanding) await builds.running?.ended;
    const { running } = builds;
    const calm = wish === 'event' ? this.storm.calm() : undefined;
    const tree = await this.look(wish);
    if (tree === undefined) return;

    const isAsked = wish === 'now' || wish === 'all' || wish === 'failed' || this.isOwed;
    const base = running?.tree ?? this.seen;
    // What could not be read before cannot be read now.
    const isKnown = this.problem === undefined ? tree === base : tree === this.looked;
    const changed = base === undefined ? [] : await this.changes(base, tree);
    const mayDecide = !isKnown && (changed.length === 0 || changed.some((path) => this.scope.decides(path)));
    // It is read while nobody knows yet whether more comes: then it is read again.
    const [early] = await Promise.all([mayDecide ? this.reader.read(tree) : undefined, calm]);
    const isOver = wish !== 'event' || !this.storm.goesOn();
    // A build that came to its end meanwhile has written something.
    if (resident.isLanding || builds.running !== running || !isOver) return wishes.ask(wish);
    this.looked = tree;
    if (isKnown && !isAsked) return this.idle(tree);
    if (base !== undefined && !isAsked && !this.mayReact(tree, changed)) return this.idle(tree);

    const reading = await this.take(early ?? (await this.reader.read(tree)), tree);
    if (!reading) return this.idle(tree);
    if (reading.project.snapshot === base && this.problem !== undefined && !isAsked) return this.idle(tree);
    if (wish === 'failed' && builds.failed.length === 0) return this.idle(tree, 'no task has failed');
    // It came to its end after all: then what it left is what counts.
    if (builds.running && !(await builds.supersede())) return wishes.ask(wish);
    if (changed.length > 0) {
      this.emit({ type: 'watch.changed', paths: changed.slice(0, NAMED_PATHS), count: changed.length });
    }
    this.start(this.onlyGlanced ? { ...reading, glanced: tree } : reading, wish, changed);
  }

  /**
   * The tree of what is on disk; undefined when that cannot be said, which has been told then. Where events name what
   * has changed it is a glance: a look follows.
   */
  private async look(wish: Wish): Promise<ObjectId | undefined> {
    const touched = this.touched.take();
    if (wish === 'event' && touched && this.problem === undefined) {
      const glanced = await this.lookout.glance(touched);
      this.onlyGlanced = glanced !== undefined;
      if (glanced !== undefined) return glanced;
    }
    const config = await this.reader.lookWith();
    const looked = config.ok ? await this.lookout.look(config.value) : config;
    if (looked.ok) return looked.value;
    this.touched.add();
    this.tell(looked.error, this.reader.last !== undefined);
    await this.watchFiles();
    return undefined;
  }

  private async changes(from: ObjectId, to: ObjectId): Promise<string[]> {
    return [...(await changedFiles(this.session.objects, from, to)).keys()].sort();
  }

  private mayReact(tree: ObjectId, changed: readonly string[]): boolean {
    const { builds, echo } = this;
    const when = builds.running ? 'building' : this.justBuilt ? 'built' : 'idle';
    if (changed.length > 0 && !changed.some((path) => this.scope.decides(path))) {
      if (when !== 'building') this.seen = tree;
      return false;
    }
    if (changed.length === 0) return true;
    const judged = echo.judge(changed, when);
    if (judged === 'hold') {
      this.seen = tree;
      const [first, ...more] = changed;
      const others = more.length === 0 ? '' : ` and ${more.length} more`;
      const message = `${first}${others} changed with every build: what a gate or a recipe writes starts no other one`;
      this.emit({ type: 'warning', message });
    }
    return judged === 'react';
  }

  /** Goes by what was read, or tells why it could not be. */
  private async take(
    read: Awaited<ReturnType<Reader['read']>>,
    tree: ObjectId,
  ): Promise<Reading | undefined> {
    if (!read.ok) {
      this.seen = tree;
      this.tell(read.error, false);
      await this.watchFiles();
      return undefined;
    }
    const { reading, problem } = read.value;
    if (problem) this.tell(problem, true);
    else this.problem = undefined;
    const config = canonicalJson(reading.loaded.config);
    // With another config everything may go otherwise.
    if (this.config !== config) this.resident.failed.clear();
    this.config = config;
    this.scope = scopeOf(reading.project, this.scope);
    await this.watchFiles();
    return reading;
  }

  private start(reading: Reading, wish: Wish, changed: readonly string[]): void {
    const { parts, builds, resident } = this;
    const { tasks } = reading.project.graph;
    if (wish === 'all' || wish === 'failed') resident.failed.clear();
    if (wish === 'now' || wish === 'all' || wish === 'failed') this.echo.forget();
    const { targets, workers, command } = parts.options;
    const options: BuildOptions = {
      ...PLAIN_BUILD,
      targets:
        wish === 'all' ? [] : wish === 'failed' ? builds.failed.filter((label) => tasks.has(label)) : targets,
      workers,
      command,
    };
    this.onlyGlanced = false;
    this.isOwed = false;
    const build = builds.start(reading, options, urgentTasks(reading.project, changed));
    build.ended.then(
      ({ tree, isMistaken }) => {
        // Superseded by nothing but a lock that somebody else held: what they left is looked at.
        if (tree !== undefined) this.seen = tree;
        this.justBuilt = true;
        this.isOwed = isMistaken;
        this.touched.add();
        parts.wishes.ask('look');
      },
      (error: unknown) => parts.wishes.fail(error),
    );
  }

  private async watchFiles(): Promise<void> {
    if (this.poll) return;
    if (this.events) return (await this.events).follow(this.scope);
    const { wishes, openEvents } = this.parts;
    this.events = openEvents(
      {
        project: this.session.repository.project,
        ignored: await this.lookout.ignoredFolders(),
        onEvent: (path) => {
          this.touched.add(path);
          wishes.ask('event');
        },
        onBroken: (reason) => {
          const message = `files cannot be watched (${reason}): they are looked at every second instead`;
          this.emit({ type: 'warning', message });
          this.poll = true;
          wishes.ask('look');
        },
      },
      this.scope,
    );
  }

  private async idle(tree: ObjectId, because?: string): Promise<void> {
    if (this.builds.running) return;
    if (!this.justBuilt && because === undefined) return;
    this.justBuilt = false;
    // What the next change is read with is read now, when nobody waits for it.
    const read = this.problem === undefined ? await this.reader.read(tree) : undefined;
    if (read?.ok) this.scope = scopeOf(read.value.reading.project, this.scope);
    await this.lookout.keepParsed();
    const tasks = this.reader.last?.project.graph.tasks.size ?? 0;
    if (because !== undefined) this.emit({ type: 'warning', message: because });
    this.emit({ type: 'watch.idle', tasks, failed: this.builds.failed.length });
  }

  private tell(failure: Failure, kept: boolean): void {
    const text = JSON.stringify(failure);
    if (text === this.problem) return;
    this.problem = text;
    this.emit({ type: 'watch.problem', failure, kept });
  }
}
