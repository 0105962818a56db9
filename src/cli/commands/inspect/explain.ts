/** `conductor explain <task>`: why a build would do what it would do with a task. */

import { stayedSince } from '../../../analysis/interfaces/interface-changes.js';
import { findOrphans, orphansOf } from '../../../analysis/orphans.js';
import { inspect } from '../../../build/dry-run.js';
import { explainText, orphansText } from '../../../report/verdict.js';
import { print, printJson, printWarning, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runExplain(label: string, flags: { readonly json?: boolean }): Promise<number> {
  const style = styleFor(process.stdout);
  const done = await inspect(
    createHost(process.cwd()),
    { targets: [label], force: false, discardEdits: false, warn: printWarning },
    async ({ prepared, tasks }) => {
      // A feature or a glob explains each of its tasks; what they need is not asked for.
      const asked = tasks.filter(({ task }) => prepared.targets.has(task.label));
      if (flags.json) {
        printJson({
          schema: 1,
          tasks: asked.map(({ task, verdict, check, waiting }) => ({
            label: task.label,
            verdict,
            ...(waiting && { waiting: { because: waiting.because, on: waiting.on } }),
            key: check?.facts.key,
            manifest: check?.facts.manifest,
          })),
        });
        return;
      }
      const orphans = findOrphans(prepared.project);
      for (const { task, verdict, check, waiting } of asked) {
        const stayed = check ? await stayedSince(prepared.store, check) : [];
        print(
          await explainText({ label: task.label, verdict, waiting, stayed }, style, check?.facts.manifest),
        );
        const removed = orphansOf(prepared.project, task.label, orphans);
        if (removed.length > 0) print(orphansText({ removed, kept: [] }, style));
      }
    },
  );
  if (done.ok) return 0;
  return refuse(done.error);
}
