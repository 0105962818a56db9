/** A task of a random project, and its text in a spec. */

import type { Rig } from '../rig/rig.js';
import type { TaskText } from '../rig/rig-backlog.js';

/** The file that tasks patch. */
export const SHARED = 'app.txt';

export interface ChangingTask {
  readonly id: string;
  readonly kind: 'run' | 'render' | 'agent';
  readonly inputs: readonly string[] | undefined;
  /** Labels. */
  readonly needs: readonly string[];
  readonly word: number;
  readonly hasGate: boolean;
  /** A folder of files in place of one file. */
  readonly writesFolder: boolean;
  readonly patches: boolean;
  readonly refs: boolean;
}

/** The task as a backlog has it. What its agent answers is told to the rig. */
export function entryOf(
  rig: Rig,
  feature: string,
  { id, kind, inputs, needs, word, hasGate, writesFolder, patches, refs }: ChangingTask,
): TaskText {
  const file = writesFolder ? `out/${id}/file.txt` : `out/${id}.txt`;
  const all = {
    ...(inputs === undefined || kind === 'render' ? {} : { inputs }),
    depends_on: needs,
    outputs: [writesFolder ? `out/${id}/` : file],
    ...(hasGate ? { verify: [`test -s ${file}`] } : {}),
    ...(refs ? { spec_refs: ['doc.md#part'] } : {}),
  };
  const slot = Number(id.slice(1)) % 9;
  const patch = patches ? ` && sed -i 's/^slot ${slot}.*/slot ${slot} ${word}/' ${SHARED}` : '';
  if (kind === 'run') {
    const run = `mkdir -p $(dirname ${file}) && echo ${word} > ${file}${patch}`;
    return { ...all, run, ...(patches ? { edits: [SHARED] } : {}) };
  }
  if (kind === 'render')
    return { ...all, render: [{ template: 'page.hbs', to: file, with: { word: String(word) } }] };
  rig.answer(`${feature}/${id}`, { [file]: `agent ${word}\n` });
  return { ...all, description: `Write ${word}.` };
}
