/**
 * Which step answers which request: scripts by name, and one position in its script for each session. Knows no
 * socket.
 */

import { err, ok, type Result } from '../../base/result.js';
import { type ModelRequest, markedScript } from './request.js';
import { isPause, type Step } from './step.js';

/** A step, or what makes one of the request it answers. */
export type ScriptStep = Step | ((request: ModelRequest) => Step);

/** The name of a script, the steps themselves, or nothing: then the marker in the prompt decides. */
export type Choose = (request: ModelRequest) => string | readonly ScriptStep[] | undefined;

/** The script of sessions that name none. */
export const FALLBACK = '*';

export interface Play {
  readonly script: string;
  /** From 0: the place of the answer among the script's steps. */
  readonly place: number;
  readonly pauses: readonly Step[];
  readonly step: Step;
}

interface Reading {
  readonly script: string;
  readonly steps: readonly ScriptStep[];
  place: number;
  /** Whether the model has said something in it: an answer that was neither an error nor cut off. */
  answered: boolean;
}

export interface Playbook {
  script(name: string, attempts: readonly (readonly ScriptStep[])[]): void;
  /** The answer to a request, and one step on in the session; the error is a sentence. */
  next(request: ModelRequest): Result<Play, string>;
}

export function createPlaybook(choose: Choose | undefined): Playbook {
  const scripts = new Map<string, { attempts: readonly (readonly ScriptStep[])[]; begun: number }>();
  const readings = new Map<string, Reading>();

  function begin(request: ModelRequest): Result<Reading, string> {
    const known = readings.get(request.session);
    // The same prompt again, without a header that tells sessions apart.
    const current = request.isFirst && known?.answered ? undefined : known;
    const chosen = choose?.(request) ?? markedScript(request.messages);
    if (typeof chosen === 'object') {
      return ok(current?.script === '' ? current : { script: '', steps: chosen, place: 0, answered: false });
    }
    // A session stays with its script; another name (a second prompt with a marker of its own) begins that one.
    if (current !== undefined && (chosen === undefined || chosen === current.script)) return ok(current);
    const name = chosen ?? FALLBACK;
    const found = scripts.get(name);
    if (found === undefined) {
      return err(
        chosen === undefined
          ? 'no script: the prompt has no [script:name] and there is no script "*"'
          : `no script is called "${name}"`,
      );
    }
    const steps = found.attempts[Math.min(found.begun, found.attempts.length - 1)] ?? [];
    found.begun += 1;
    return ok({ script: name, steps, place: 0, answered: false });
  }

  return {
    script(name, attempts) {
      scripts.set(name, { attempts, begun: 0 });
    },
    next(request) {
      const begun = begin(request);
      if (!begun.ok) return begun;
      const reading = begun.value;
      readings.set(request.session, reading);
      const pauses: Step[] = [];
      for (;;) {
        const entry = reading.steps[reading.place];
        if (entry === undefined) {
          return err(`script "${reading.script}" has no step ${reading.place + 1}`);
        }
        const step = typeof entry === 'function' ? entry(request) : entry;
        const place = reading.place;
        if (isPause(step)) {
          pauses.push(step);
          reading.place += 1;
          continue;
        }
        if (step.loop === undefined) reading.place += 1;
        // A loop's own pause comes with each of its rounds.
        if (step.loop !== undefined && (step.delayMs !== undefined || step.hold !== undefined)) {
          pauses.push({
            ...(step.delayMs === undefined ? {} : { delayMs: step.delayMs }),
            ...(step.hold === undefined ? {} : { hold: step.hold }),
          });
        }
        const answer = step.loop ?? step;
        reading.answered ||= [answer.status, answer.hang, answer.cut].every((one) => one === undefined);
        return ok({ script: reading.script, place, pauses, step: answer });
      }
    },
  };
}
