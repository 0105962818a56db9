/** An executor behind JSON: what goes to it and what comes back would pass through a queue to another machine. */

import type { Executor } from '../../execution/executor.js';

export function overJson(executor: Executor): Executor {
  return {
    run: async (run, context) => copied(await executor.run(copied(run), context)),
    runGates: async (run, context) => copied(await executor.runGates(copied(run), context)),
    format: async (run, context) => copied(await executor.format(copied(run), context)),
    askAgent: async (run, context) => copied(await executor.askAgent(copied(run), context)),
    close: () => executor.close(),
  };
}

/** Through JSON and back. Fails when something is lost on the way: a function, a map, a date. */
function copied<T>(value: T): T {
  const text = JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'function' || one instanceof Map || one instanceof Set)
      throw new Error(`no plain data on its way to or from an executor: ${String(one)}`);
    return one;
  });
  return JSON.parse(text) as T;
}
