/** `conductor graph`: the tasks and their dependencies, as text or for other programs. */

import { inspect } from '../../../build/dry-run.js';
import { graphDot, graphJson, graphMermaid, graphText } from '../../../report/graph.js';
import { print, printWarning, refuse } from '../../output.js';
import { createHost } from '../../wire.js';

const FORMATS = { text: graphText, mermaid: graphMermaid, dot: graphDot, json: graphJson } as const;

export async function runGraph(
  targets: readonly string[],
  flags: { readonly format: keyof typeof FORMATS; readonly json?: boolean },
): Promise<number> {
  const done = await inspect(
    createHost(process.cwd()),
    { targets, force: false, discardEdits: false, warn: printWarning },
    async ({ tasks }) =>
      tasks.map(({ task, verdict }) => ({
        label: task.label,
        verdict: verdict.kind,
        dependsOn: task.dependsOn,
      })),
  );
  if (!done.ok) return refuse(done.error);
  print(FORMATS[flags.json ? 'json' : flags.format](done.value));
  return 0;
}
