/** The exact prompts, with the size of each section. */

import type { PromptView } from '../../model/page.js';
import { bytes } from '../format.js';
import { Empty, Panel, TextBlock } from '../parts/common.js';

interface Section {
  readonly title: string;
  readonly size: number;
}

export function PromptTab({ prompts }: { readonly prompts: readonly PromptView[] }) {
  if (prompts.length === 0)
    return <Empty>No agent works on this task: it is made by a template or a command.</Empty>;
  return (
    <>
      {prompts.map((prompt, index) => (
        <OnePrompt key={prompt.log ?? 'next'} prompt={prompt} isOpen={index === 0} />
      ))}
    </>
  );
}

function OnePrompt({ prompt, isOpen }: { readonly prompt: PromptView; readonly isOpen: boolean }) {
  const sections = sectionsOf(prompt.text);
  const largest = Math.max(1, ...sections.map(({ size }) => size));
  const title =
    prompt.log === undefined ? 'What a build would send now' : `Attempt ${prompt.attempt}: what was sent`;
  const limit =
    prompt.instructions === undefined
      ? ''
      : `; ${bytes(prompt.instructions)} of the task itself${prompt.limit === undefined ? '' : ` of ${bytes(prompt.limit)} allowed`}, ${bytes(prompt.material ?? 0)} of material`;
  return (
    <Panel title={title} note={`${bytes(prompt.bytes)}${limit}`}>
      <table class="table bars">
        <tbody>
          {sections.map(({ title: name, size }, index) => (
            <tr key={index}>
              <th scope="row">{name}</th>
              <td class="right">{bytes(size)}</td>
              <td class="bar-cell">
                <meter min={0} max={largest} value={size} aria-label={`size of ${name}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <details class="whole" open={isOpen}>
        <summary>The whole prompt</summary>
        <TextBlock text={prompt.text} label={title} />
      </details>
    </Panel>
  );
}

/** By its headings; what stands in a fence is no heading. */
export function sectionsOf(text: string): Section[] {
  const sections: { title: string; size: number }[] = [{ title: '(beginning)', size: 0 }];
  const encoder = new TextEncoder();
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || line.trim().startsWith(fence)))
      fence = fence === undefined ? mark : undefined;
    const heading = fence === undefined ? /^#{1,3}\s+(.*)/.exec(line)?.[1] : undefined;
    if (heading !== undefined) sections.push({ title: heading, size: 0 });
    const section = sections.at(-1);
    if (section) section.size += encoder.encode(line).length + 1;
  }
  return sections.filter(({ size }) => size > 1);
}
