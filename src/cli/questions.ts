/** Questions on a terminal. The adapter of @clack/prompts. */

import { cancel, confirm, intro, isCancel, multiselect, outro, select, text } from '@clack/prompts';

/** Thrown when the user cancels a question (Ctrl-C, Escape); caught where the questions start. */
export class LeftAtQuestion extends Error {}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

/** Whether a user can answer: input and output are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.TERM !== 'dumb';
}

/** Asks with a heading; undefined when the user cancelled, and then nothing may be done. */
export async function ask<T>(heading: string, questions: () => Promise<T>): Promise<T | undefined> {
  intro(heading);
  try {
    const answers = await questions();
    outro();
    return answers;
  } catch (error) {
    if (!(error instanceof LeftAtQuestion)) throw error;
    cancel('nothing was written');
    return undefined;
  }
}

export interface TextQuestion {
  readonly message: string;
  /** Shown while nothing is typed. */
  readonly example?: string;
  /** What an empty answer means; without it, something must be typed. */
  readonly fallback?: string;
  /** What is wrong with an answer. */
  check(answer: string): string | undefined;
}

export async function askText({ message, example, fallback, check }: TextQuestion): Promise<string> {
  const placeholder = fallback ?? (example === undefined ? undefined : `for example ${example}`);
  const answer = await text({
    message,
    ...(placeholder === undefined ? {} : { placeholder }),
    ...(fallback === undefined ? {} : { defaultValue: fallback }),
    validate: (typed) => check(typed === undefined || typed === '' ? (fallback ?? '') : typed),
  });
  return given(answer);
}

export async function askChoice(
  message: string,
  choices: readonly Choice[],
  first?: string,
): Promise<string> {
  const answer = await select({
    message,
    options: choices.map((one) => ({ ...one })),
    ...(first === undefined ? {} : { initialValue: first }),
  });
  return given(answer);
}

/** Those that are chosen, in the order of the choices; `chosen` are so from the start. */
export async function askChoices(
  message: string,
  choices: readonly Choice[],
  chosen: readonly string[],
): Promise<string[]> {
  const answer = await multiselect({
    message,
    options: choices.map((one) => ({ ...one })),
    initialValues: [...chosen],
    required: false,
  });
  const values = given(answer);
  return choices.map(({ value }) => value).filter((value) => values.includes(value));
}

export async function askYes(message: string, first: boolean, signal?: AbortSignal): Promise<boolean> {
  return given(await confirm({ message, initialValue: first, ...(signal ? { signal } : {}) }));
}

function given<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new LeftAtQuestion();
  return answer as Exclude<T, symbol>;
}
