/** The interface of everything that shows or records events. */

import type { BuildEvent } from '../../model/event.js';

export interface Reporter<Event = BuildEvent> {
  on(event: Event): void;
  /** Text beside the events, whole lines, for reporters that people read. */
  print?(text: string): void;
  /** After the last event: writes what is still to be written. */
  close(): Promise<void>;
}

/** Where text goes: a stream that the command line gives. */
export interface Sink {
  write(text: string): unknown;
}

/**
 * Several reporters as one. One that throws is told once through `onBroken` and then left out: showing a build never
 * decides how it ends.
 */
export function tee<Event = BuildEvent>(
  reporters: readonly Reporter<Event>[],
  onBroken: (error: unknown) => void = () => {},
): Reporter<Event> {
  const broken = new Set<Reporter<Event>>();
  const fail = (reporter: Reporter<Event>, error: unknown) => {
    if (broken.has(reporter)) return;
    broken.add(reporter);
    onBroken(error);
  };
  return {
    on(event) {
      for (const reporter of reporters) {
        if (broken.has(reporter)) continue;
        try {
          reporter.on(event);
        } catch (error) {
          fail(reporter, error);
        }
      }
    },
    print(text) {
      for (const reporter of reporters) if (!broken.has(reporter)) reporter.print?.(text);
    },
    async close() {
      await Promise.all(
        reporters.map(async (reporter) => {
          try {
            await reporter.close();
          } catch (error) {
            fail(reporter, error);
          }
        }),
      );
    },
  };
}
